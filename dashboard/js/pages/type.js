// One type: who runs it, how it is repeated, what its payloads must keep to.
import { el, replace } from '../core/dom.js';
import { count } from '../core/format.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { newestJobs } from '../parts/briefs.js';
import { button, head } from '../parts/controls.js';
import { problemWords } from '../parts/empty.js';
import { warningList } from '../parts/names.js';
import { numbers } from '../parts/numbers.js';
import { POLICY, layered } from '../parts/policy.js';
import { rulesPanel } from '../parts/rules.js';
import { enqueue } from '../shell/doors.js';
import { payload } from './type/payload.js';
import { policy } from './type/policy.js';
import { crewPanel } from './workers/crew.js';

export const title = ([type]) => `Type ${type}`;

const runs = type => row => row.alive && !row.draining_at && (row.types === null || row.types.includes(type));

function figures(row, workers) {
  return [
    { name: 'Workers', tone: workers.length ? 'completed' : 'dead', value: count(workers.length), note: workers.length ? 'run it' : 'none runs it', link: '#/workers' },
    { name: 'Queue', value: row?.queue ?? '–', note: row?.queue ? 'of its newest job' : '', link: row?.queue ? href('queues', row.queue) : '#/queues' },
    { name: 'Newest job', at: row?.seen_at ?? null, note: row?.seen_at ? 'ago' : 'none of late', link: href('jobs', { type: row?.type }) },
  ];
}

export function mount({ root, args: [type], scope }) {
  const known = source(scope, { wanted: () => ({ path: 'types', query: { type, limit: 1 } }), topics: ['workers', 'queues'], every: 10_000, render: draw });
  const common = source(scope, { wanted: () => ({ path: 'settings' }), every: 300_000, render: draw });
  const handlers = source(scope, { wanted: () => ({ path: 'sql-handlers' }), every: 60_000, render: draw });
  const row = () => known.value()?.items[0] ?? null;

  function state() {
    const queue = (live.get('queues')?.items ?? []).find(item => item.queue === row()?.queue);
    const own = queue && Object.fromEntries(POLICY.map(name => [name, queue[name]]));
    return { row: row(), inherited: layered(own, common.value()) };
  }

  const context = { type, state, reload: known.reload };
  const sections = [policy, payload].map(make => make(context));
  const warnings = warningList();
  const counts = numbers(`Numbers of ${type}`);
  const crew = crewPanel({
    columns: ['worker', 'queues', 'load', 'heartbeat'],
    none: 'Nobody. Start a worker with a handler for it:', command: 'forge worker myapp:forge',
  });
  const inSql = el('div.notice.tone-ready', { hidden: true });
  const trouble = el('div.panel.empty', { hidden: true });

  replace(root,
    head({ title: type, back: ['Types', '#/types'], actions: button('Enqueue one', () => enqueue({ type, ...(row()?.queue && { queue: row().queue }) }), { right: 'enqueue' }) }),
    trouble, warnings.element, inSql, counts.element,
    el('div.columns', {}, sections.map(section => section.element)),
    rulesPanel({ scope, of: { type } }),
    crew.element,
    newestJobs({ scope, filter: { type }, columns: ['id', 'queue', 'status', 'attempts', 'created'], none: { text: 'No job of this type is kept.' } }));

  function draw() {
    const problem = known.problem();
    trouble.hidden = !problem;
    if (problem) replace(trouble, el('h2', {}, problem.title), el('p', {}, problemWords(problem)));
    if (known.value() === undefined) return;
    const now = state();
    const workers = (live.get('workers')?.items ?? []).filter(runs(type));
    const handler = handlers.value()?.items.find(item => item.type === type);
    inSql.hidden = !handler;
    if (inSql.hidden === false && !inSql.childElementCount) {
      replace(inSql, el('p', {}, 'The SQL function ', el('code', {}, handler.function), ' runs it: any worker may. ', el('a', { href: '#/sql' }, 'In SQL')));
    }
    counts.draw(figures(now.row ?? { type }, workers));
    crew.draw(live.get('workers') && workers);
    warnings.draw(live.get('workers') && workers.length === 0
      ? [{ code: 'no_worker_for_type', severity: 'warning', sentence: 'no live worker runs this type', hint: 'its jobs wait until a worker with a handler for it starts' }] : []);
    sections.forEach(section => section.draw(now));
  }
  scope.watch(['workers', 'queues'], draw);
}
