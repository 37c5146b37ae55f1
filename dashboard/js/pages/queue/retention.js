// What is kept of jobs that ended.
import { written } from '../../core/format.js';
import { editSettings, settingsPanel } from '../../parts/settings.js';
import { pathOf } from './pause.js';

const FIELDS = [
  { name: 'keep_history', label: 'Keep completed and cancelled jobs', kind: 'check', hint: 'Otherwise nothing is left of them but numbers.' },
  { name: 'keep_result', label: 'Keep results', kind: 'check', hint: 'What handlers return. Otherwise it is dropped.' },
];

export function retention({ queue, state, reload }) {
  const part = settingsPanel({
    title: 'Kept afterwards', id: 'retention', name: 'retention', note: 'For how long is said once for all queues, under System.',
    edit: () => {
      const { keep_history = true, keep_result = true } = state().settings ?? {};
      editSettings({
        id: 'edit-retention', title: `What is kept of ${queue}`, narrow: true, path: pathOf(queue), reload,
        fields: FIELDS, values: { keep_history, keep_result }, said: `What is kept of ${queue} is changed`,
      });
    },
  });
  return {
    element: part.element,
    draw({ settings, common }) {
      const history = common && `kept for ${written(common.history_retention_seconds)}`;
      const dead = common && (common.dead_retention_seconds === null ? 'kept until somebody decides' : `kept for ${written(common.dead_retention_seconds)}`);
      part.draw([
        ['Completed, cancelled', settings?.keep_history === false ? 'not kept' : history ?? 'kept'],
        ['Results', settings?.keep_result === false ? 'not kept' : 'kept with the job'],
        ['Dead', dead ?? 'kept'],
      ]);
    },
  };
}
