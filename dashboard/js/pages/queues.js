// The queues: how deep they are, what they are held to, and the switch that stops them.
import * as api from '../core/api.js';
import { el, replace, time } from '../core/dom.js';
import { CAP, count } from '../core/format.js';
import * as live from '../core/live.js';
import { href } from '../core/url.js';
import { badge, button, head, panel } from '../parts/controls.js';
import { table } from '../parts/table.js';
import { attempt, done } from '../parts/toasts.js';

export const title = 'Queues';

// The settings of a queue beside its numbers.
function rows() {
  const settings = new Map((live.get('queues')?.items ?? []).map(row => [row.queue, row]));
  return (live.get('stats')?.queues ?? []).map(row => ({ ...row, ...settings.get(row.queue) }));
}

const steer = (queue, paused) => api.call('PATCH', `queues/${encodeURIComponent(queue)}`, { body: { paused } });

const toggle = row => attempt(row.paused ? 'Resume' : 'Pause', async () => {
  await steer(row.queue, !row.paused);
  done(`Queue ${row.queue} ${row.paused ? 'runs again' : 'is paused'}`, { undo: () => steer(row.queue, row.paused) });
});

const number = name => row => count(row[name], row.capped && row[name] >= CAP);

const COLUMNS = [
  { head: 'Queue', cell: row => [el('a', { href: href('queues', row.queue), 'data-row': true }, row.queue), ' ', row.paused && badge('Paused', 'processing', { title: row.pause_reason })] },
  { head: 'Ready', class: 'end', cell: number('ready') },
  { head: 'Scheduled', class: 'end', cell: number('scheduled') },
  { head: 'Waiting', class: 'end', cell: number('waiting') },
  { head: 'Running', class: 'end', cell: number('processing') },
  { head: 'Dead', class: 'end', cell: number('dead') },
  { head: 'Oldest', class: 'end', cell: row => time(row.oldest_ready_at, { form: 'age' }) },
  { head: '', class: 'end', cell: row => button(row.paused ? 'Resume' : 'Pause', () => toggle(row), {
    kind: 'small', right: 'operate', 'aria-label': `${row.paused ? 'Resume' : 'Pause'} queue ${row.queue}`,
  }) },
];

export function mount({ root, scope }) {
  const list = table({ columns: COLUMNS, key: row => row.queue, caption: 'Queues' });
  const empty = el('div.empty', {}, 'A queue appears with its first job.');
  replace(root,
    head({ title: 'Queues', lead: 'Workers pull from them; each has its own limits, retries and retention.' }),
    panel({ title: 'All queues' }, list.element, empty));
  scope.watch(['stats', 'queues'], () => {
    list.draw(rows());
    empty.hidden = rows().length > 0;
  });
}
