// A few jobs beside the thing that they belong to; the full list is one link away.
import { el, time } from '../core/dom.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { panel, statusBadge } from './controls.js';
import { emptiness } from './empty.js';
import { table } from './table.js';

const COLUMNS = {
  job: { head: 'Job', cell: job => [el('a', { href: href('jobs', job.id), 'data-row': true }, job.type), ' ', el('span.id', {}, `#${job.id}`)] },
  id: { head: 'Job', cell: job => el('a', { href: href('jobs', job.id), 'data-row': true }, `#${job.id}`) },
  queue: { head: 'Queue', cell: job => el('a', { href: href('queues', job.queue) }, job.queue) },
  status: { head: 'Status', cell: statusBadge },
  attempts: { head: 'Attempts', class: 'end', cell: job => `${job.attempts} of ${job.max_retries + 1}` },
  created: { head: 'Enqueued', class: 'end', cell: job => time(job.created_at) },
};

// `filter`: what makes them belong together, in the words of GET /jobs; `columns`: names of the above.
export function newestJobs({ scope, filter, columns, none }) {
  const list = table({ columns: columns.map(name => COLUMNS[name]), key: job => job.id, caption: 'Newest jobs' });
  const jobs = source(scope, {
    wanted: () => ({ path: 'jobs', query: { ...filter, limit: 8 } }), topics: ['jobs'], gap: 2000,
    render: () => { list.draw(jobs.value()?.items ?? jobs.stale()?.items ?? []); empty.draw(); },
  });
  const empty = emptiness(jobs, value => value.items, none);
  return panel({ title: 'Newest jobs', actions: el('a.button.small', { href: href('jobs', filter) }, 'All of them') }, list.element, empty.element);
}
