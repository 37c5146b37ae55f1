// How long things are kept, and how failures are retried where nothing else is said.
import { count, plural, written } from '../../core/format.js';
import { source } from '../../core/source.js';
import { emptiness } from '../../parts/empty.js';
import { policyFacts } from '../../parts/policy.js';
import { panel } from '../../parts/controls.js';
import { editSettings, settingsPanel } from '../../parts/settings.js';
import { el, replace } from '../../core/dom.js';

const DAY = 86_400;
const MOST = 3650 * DAY;
const atLeast = least => value => (value !== null && (value < least || value > MOST) ? `From ${least ? written(least) : '0 s'} to ${written(MOST)}.` : null);

const FIELDS = [
  { name: 'history_retention_seconds', label: 'Finished jobs', kind: 'seconds', placeholder: '7 d', hint: 'Completed, cancelled and discarded ones. Whole days are dropped. Empty: 7 d.', check: atLeast(DAY) },
  { name: 'dead_retention_seconds', label: 'Dead jobs', kind: 'seconds', placeholder: 'for ever', hint: 'Empty: until somebody retries or discards them.', check: atLeast(0) },
  { name: 'log_retention_seconds', label: 'Logs of jobs', kind: 'seconds', required: true, hint: 'Whole days are dropped.', check: atLeast(DAY) },
  { name: 'log_lines', label: 'Lines of one job', kind: 'whole', min: 0, max: 100_000, required: true, hint: 'What is logged past them is left out.' },
];

export function keeping(scope) {
  const settings = source(scope, { wanted: () => ({ path: 'settings' }), every: 30_000, render });
  const kept = settingsPanel({
    title: 'How long things are kept', id: 'keeping',
    edit: () => editSettings({
      id: 'edit-keeping', title: 'How long things are kept', path: 'settings', fields: FIELDS, values: settings.value() ?? {},
      said: 'What is kept is changed', reload: settings.reload,
    }),
  });
  const policy = el('div.panel-body');
  const wait = emptiness(settings, () => [1], {});
  let drawn = '';
  function render() {
    wait.draw();
    const now = settings.stale();
    if (!now || drawn === JSON.stringify(now)) return;
    drawn = JSON.stringify(now);
    kept.draw([
      ['Finished jobs', written(now.history_retention_seconds)],
      ['Dead jobs', now.dead_retention_seconds === null ? 'until they are retried or discarded' : written(now.dead_retention_seconds)],
      ['Logs of jobs', written(now.log_retention_seconds)],
      ['Lines of one job', count(now.log_lines)],
      ['Payloads', `${plural(now.payload_limit, 'byte')} at most`],
    ]);
    replace(policy, el('dl.facts', {}, policyFacts(now).filter(([, value]) => value).map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])));
  }
  kept.element.append(wait.element);
  return [kept.element, panel({ title: 'Retries', id: 'policy', note: 'Where neither the job, nor its type, nor its queue says otherwise.' }, policy)];
}
