// How many jobs of a queue, and of each key in it, run at once or start in an interval.
import { el } from '../../core/dom.js';
import { count } from '../../core/format.js';
import { bar } from '../../parts/bar.js';
import { editSettings, settingsPanel } from '../../parts/settings.js';
import { perWords } from './words.js';

const needs = name => (value, values) => (value !== null && values[name] === null ? 'Say how many first.' : null);
const FIELDS = [
  { name: 'max_running', label: 'Running at once', kind: 'whole', min: 1, max: 100_000, placeholder: 'no limit', hint: 'All workers together.', wide: true },
  { name: 'rate', label: 'Starts at most', kind: 'whole', min: 1, max: 1_000_000, placeholder: 'no limit' },
  { name: 'per_seconds', label: 'in any', kind: 'seconds', placeholder: '1 s', check: needs('rate') },
  { name: 'key_max_running', label: 'Of one key running at once', kind: 'whole', min: 1, max: 100_000, placeholder: 'no limit', hint: 'A key is the concurrency_key of a job, such as a tenant.', wide: true },
  { name: 'key_rate', label: 'Of one key starts at most', kind: 'whole', min: 1, max: 1_000_000, placeholder: 'no limit' },
  { name: 'key_per_seconds', label: 'in any', kind: 'seconds', placeholder: '1 s', check: needs('key_rate') },
  { name: 'key_fifo', label: 'The jobs of a key one by one, in order', kind: 'check', hint: 'None overtakes one that waits out its backoff.' },
];

// An interval goes with its rate and cannot be null by itself.
const body = changes => Object.fromEntries(Object.entries(changes).filter(([name, value]) => value !== null || !name.endsWith('per_seconds')));
const valuesOf = limits => Object.fromEntries(FIELDS.map(({ name }) => [name, limits?.[name] ?? (name === 'key_fifo' ? false : null)]));

function running(limits, processing) {
  if (limits?.max_running == null) return 'no limit';
  const now = limits.running ?? processing;
  return [`${count(now)} of ${count(limits.max_running)}`, bar([['processing', Math.min(1, now / limits.max_running)]], `${now} of ${limits.max_running} places taken`)];
}

export function limits({ queue, state, reload }) {
  const part = settingsPanel({
    title: 'Limits', id: 'limits', note: 'They hold for all workers together, from the next claim on.',
    edit: () => {
      const values = valuesOf(state().limits);
      editSettings({
        id: 'edit-limits', title: `Limits of ${queue}`, path: `limits/${encodeURIComponent(queue)}`, reload,
        fields: FIELDS, values, said: `Limits of ${queue} are changed`, body, back: () => body(values),
      });
    },
  });
  const each = (limits, rate, per) => (limits?.[rate] == null ? null : perWords(limits[rate], limits[per]));
  return {
    element: part.element,
    draw({ limits, stats }) {
      part.draw([
        ['Running now', running(limits, stats?.processing ?? 0)],
        ['Starts', each(limits, 'rate', 'per_seconds') ?? 'no limit'],
        ['One key', limits?.key_max_running == null ? 'no limit' : `${count(limits.key_max_running)} at once`],
        ['One key starts', each(limits, 'key_rate', 'key_per_seconds') ?? 'no limit'],
        ['Order', limits?.key_fifo ? [el('span', {}, 'the jobs of a key one by one, in order')] : 'by priority, keys in turn'],
      ], JSON.stringify([limits, stats?.processing]));
    },
  };
}
