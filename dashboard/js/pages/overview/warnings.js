// What needs a person now, in words: the sentences are the database's own (forge.warnings()).
import { el, reconcile, replace, time } from '../../core/dom.js';
import { sentence } from '../../core/format.js';
import { href } from '../../core/url.js';

// What a warning is about, and where on the dashboard something can be done.
const DOORS = {
  paused: row => [href('queues', row.queue), 'Open the queue'],
  paused_with_work: row => [href('queues', row.queue), 'Open the queue'],
  no_worker: row => [href('queues', row.queue), 'Open the queue'],
  no_worker_for_type: row => [href('jobs', { queue: row.queue, status: 'PENDING' }), 'See the jobs'],
  schedule_failing: () => [href('schedules'), 'Open the schedules'],
};
const OTHERWISE = ['#/system', 'Open the system page'];

function fill(item, row) {
  const mark = JSON.stringify(row);
  if (item.dataset.shows === mark) return;
  item.dataset.shows = mark;
  const [address, word] = DOORS[row.code]?.(row) ?? OTHERWISE;
  item.className = `warning tone-${row.severity === 'warning' ? 'processing' : 'quiet'}`;
  replace(item,
    el('i.dot', { 'aria-hidden': 'true' }),
    el('p', {}, el('strong', {}, sentence(row.sentence)), ' ', el('span', {}, sentence(row.hint))),
    row.since && el('span.soft', {}, 'since ', time(row.since)),
    el('a', { href: address }, word));
}

export function warnings() {
  const list = el('ul.warnings', { 'aria-live': 'polite' });
  return {
    element: el('section.panel', { id: 'warnings', 'aria-label': 'Warnings' }, list),
    draw(found) {
      const items = [...(found?.items ?? [])].sort((a, b) => (a.severity === 'warning' ? 0 : 1) - (b.severity === 'warning' ? 0 : 1));
      list.parentElement.hidden = items.length === 0;
      reconcile(list, items, { key: row => `${row.code} ${row.queue ?? ''} ${row.sentence}`, make: () => el('li'), update: fill });
    },
  };
}
