// One worker: what it is, and the jobs that it has in hand.
import { el, replace, time } from '../core/dom.js';
import { count, plural } from '../core/format.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { badge, facts, head, panel } from '../parts/controls.js';
import { problemWords } from '../parts/empty.js';
import { names } from '../parts/names.js';
import { numbers } from '../parts/numbers.js';
import { table } from '../parts/table.js';
import { standing, typesOf } from './workers/columns.js';
import { drainButton, pathOf } from './workers/drain.js';

export const title = ([worker]) => `Worker ${worker}`;

const progress = job => (job.progress === null ? '' : `${Math.round(job.progress * 100)} % `) + (job.progress_note ?? '');
const COLUMNS = [
  { head: 'Job', class: 'name', cell: job => [el('a', { href: href('jobs', job.id), 'data-row': true }, job.type), ' ', el('span.id', {}, `#${job.id}`)] },
  { head: 'Queue', cell: job => el('a', { href: href('queues', job.queue) }, job.queue) },
  { head: 'Attempt', class: 'end', cell: job => `${job.attempts} of ${job.max_retries + 1}` },
  { head: 'Progress', cell: job => progress(job) || el('span.soft', {}, '–') },
  { head: 'Runs for', class: 'end', cell: job => time(job.attempted_at, { form: 'age' }) },
];

const about = row => facts([
  ['Host', row.host && `${row.host}${row.pid === null ? '' : `, process ${row.pid}`}`],
  ['Version', row.version],
  ['Started', time(row.started_at)],
  ['Queues', names(row.queues, 'queues')],
  ['Types', typesOf(row)],
  ['Draining', row.draining_at && time(row.draining_at)],
]);

const gone = () => el('div.panel.empty', {},
  el('h2', {}, 'This worker is not registered any more'),
  el('p', {}, 'It has ended, or was lost for so long that its name was given up. Its jobs, if it had any, run elsewhere.'),
  el('div.actions', {}, el('a.button', { href: '#/workers' }, 'All workers')));

const trouble = problem => el('div.panel.empty', {}, el('h2', {}, problem.title), el('p', {}, problemWords(problem)));

export function mount({ root, args: [worker], scope }) {
  const page = source(scope, { wanted: () => ({ path: pathOf(worker) }), topics: ['workers', 'stats'], every: 10_000, render: draw });
  const acts = el('div.actions');
  const content = el('div.page', {}, el('div.panel.empty', {}, 'Loading…'));
  const counts = numbers(`Numbers of ${worker}`);
  const facts = el('div.panel-body');
  const list = table({ columns: COLUMNS, key: job => job.id, caption: 'Jobs in hand' });
  const idle = el('div.empty', {}, 'Nothing in hand: it waits for the next job of its queues.');
  const more = el('div.empty', { hidden: true });
  const body = [counts.element, panel({ title: 'Jobs in hand' }, list.element, idle, more), panel({ title: 'About' }, facts)];
  replace(root, head({ title: worker, back: ['Workers', '#/workers'], actions: acts }), content);

  let shown = null;
  function drawAbout(row) {
    const { heartbeat_at: _beat, processing: _now, jobs: _jobs, ...rest } = row;
    const key = JSON.stringify(rest);
    if (key === shown) return;
    shown = key;
    replace(facts, about(row));
    replace(acts, badge(...standing(row)), drainButton(row, page.reload, '') || null);
  }

  function draw() {
    const row = page.value();
    const problem = page.problem();
    if (problem) {
      shown = null;
      replace(acts);
      replace(content, problem.status === 404 ? gone() : trouble(problem));
      return;
    }
    if (!row) return;
    if (!content.contains(counts.element)) replace(content, body);
    counts.draw([
      { name: 'In hand', tone: 'processing', value: count(row.processing), note: `of ${plural(row.concurrency, 'place')}` },
      { name: 'Heartbeat', at: row.heartbeat_at, note: row.alive ? 'ago' : 'ago; it is lost' },
      { name: 'Up for', at: row.started_at },
    ]);
    drawAbout(row);
    list.draw(row.jobs);
    idle.hidden = row.jobs.length > 0;
    more.hidden = row.processing <= row.jobs.length;
    replace(more, `The ${row.jobs.length} that it has had longest are shown.`);
  }
}
