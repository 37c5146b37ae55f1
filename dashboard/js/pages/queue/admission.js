// How many jobs a queue takes in, and what becomes of the others.
import * as api from '../../core/api.js';
import { count, written } from '../../core/format.js';
import { bar } from '../../parts/bar.js';
import { button } from '../../parts/controls.js';
import { settingsPanel } from '../../parts/settings.js';
import { attempt, done } from '../../parts/toasts.js';
import { openForm } from '../../shell/doors.js';
import { ON_FULL } from './words.js';

const FIELDS = [
  { name: 'max_depth', label: 'Jobs at most', kind: 'whole', min: 1, max: 1_000_000, required: true, missing: 'A number; take the limit away to have none.', hint: 'Those that are due or scheduled.' },
  { name: 'on_full', label: 'When it is full', kind: 'choice', options: [['reject', 'Refuse the job'], ['defer', 'Put the job off'], ['drop_oldest', 'Drop the oldest job']] },
  { name: 'defer_for_seconds', label: 'Put off for', kind: 'seconds', placeholder: '1 min', hint: 'Where jobs are put off.' },
];

export function admission({ queue, state, reload }) {
  const path = `admissions/${encodeURIComponent(queue)}`;
  const current = () => (state().admission?.max_depth ? state().admission : null);
  const values = row => row && { max_depth: row.max_depth, on_full: row.on_full, defer_for_seconds: row.defer_for_seconds };
  // PUT sets all three, so undo sends all three; where there was no limit it takes the new one away.
  const put = row => (row ? api.call('PUT', path, { body: Object.fromEntries(Object.entries(values(row)).filter(([, value]) => value !== null)) }) : api.call('DELETE', path));

  async function change(row, said) {
    const before = current();
    await put(row);
    reload();
    done(said, { undo: async () => { await put(before); reload(); } });
  }

  const remove = button('Take away', () => attempt('Take the limit away', () => change(null, `${queue} takes in any number of jobs`)), { kind: 'small', right: 'operate', hidden: true });
  const part = settingsPanel({
    title: 'Admission', id: 'admission', note: 'How many jobs it takes in before it says that it is full.', extra: [remove],
    edit: () => openForm({
      id: 'edit-admission', title: `Admission to ${queue}`, narrow: true, fields: FIELDS, values: values(current()) ?? { on_full: 'reject' },
      send: async (row, changed) => { if (Object.keys(changed).length) await change(row, `Admission to ${queue} is changed`); },
    }),
  });
  return {
    element: part.element,
    draw({ admission: row }) {
      const limited = Boolean(row?.max_depth);
      remove.hidden = !limited;
      part.draw(limited ? [
        ['In it now', [`${count(row.depth ?? 0)} of ${count(row.max_depth)}`, bar([['ready', Math.min(1, (row.depth ?? 0) / row.max_depth)]], `${row.depth ?? 0} of ${row.max_depth} jobs`)]],
        ['Beyond that', `${ON_FULL[row.on_full] ?? row.on_full}${row.on_full === 'defer' && row.defer_for_seconds ? ` for ${written(row.defer_for_seconds)}` : ''}`],
      ] : [['In it', 'any number of jobs']], JSON.stringify(row ?? null));
    },
  };
}
