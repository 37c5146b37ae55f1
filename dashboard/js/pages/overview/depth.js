// How deep each queue is, deepest first: a bar for what is ready, and how long the oldest has waited.
import { el, time } from '../../core/dom.js';
import { count, counted } from '../../core/format.js';
import { href } from '../../core/url.js';
import { bar } from '../../parts/bar.js';
import { badge } from '../../parts/controls.js';
import { table } from '../../parts/table.js';

export const SHOWN = 8;

// Of the deepest of those that are shown, so that a hundred jobs and ten thousand are both seen.
const depthBar = row => bar([['ready', row.ready / row.most]], `${row.ready} ready`);

export function depth() {
  const list = table({
    caption: 'Queues',
    key: row => row.queue,
    columns: [
      { head: 'Queue', class: 'name', cell: row => [el('a', { href: href('queues', row.queue), 'data-row': true, title: row.queue }, row.queue), ' ', row.paused && badge('Paused', 'processing')] },
      { head: '', name: 'Depth', class: 'depth', cell: depthBar },
      { head: 'Ready', class: 'end', cell: row => counted(row, 'ready') },
      { head: 'Running', class: 'end', cell: row => count(row.processing) },
      { head: 'Oldest', class: 'end', cell: row => time(row.oldest_ready_at, { form: 'age' }) },
    ],
  });
  return {
    element: list.element,
    draw(queues) {
      const most = Math.max(1, ...queues.map(row => Number(row.ready)));
      const deepest = [...queues].sort((a, b) => b.ready - a.ready || b.processing - a.processing || (a.queue < b.queue ? -1 : 1));
      list.draw(deepest.slice(0, SHOWN).map(row => ({ ...row, most })));
    },
  };
}
