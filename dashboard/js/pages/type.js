// One type: who runs it, how it is repeated, what its payloads must keep to.
import { el, replace, time } from '../core/dom.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { newestJobs } from '../parts/briefs.js';
import { button, facts, head, panel } from '../parts/controls.js';
import { problemWords } from '../parts/empty.js';
import { names, warningList } from '../parts/names.js';
import { POLICY, layered } from '../parts/policy.js';
import { rulesPanel } from '../parts/rules.js';
import { enqueue } from '../shell/doors.js';
import { payload } from './type/payload.js';
import { policy } from './type/policy.js';

export const title = ([type]) => `Type ${type}`;

const runs = type => row => row.alive && !row.draining_at && (row.types === null || row.types.includes(type));

const about = (row, workers, handler) => facts([
  ['Workers', workers.length ? names(workers.map(worker => worker.worker), 'workers', 6) : 'none that lives and claims'],
  ['Queue', row?.queue && el('a', { href: href('queues', row.queue) }, row.queue)],
  ['Newest job', row?.seen_at && time(row.seen_at)],
  ['SQL function', handler && [el('code', {}, handler.function), ' ', el('a', { href: '#/sql' }, 'In SQL')]],
]);

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
  const box = el('div.panel-body');
  const trouble = el('div.panel.empty', { hidden: true });
  let shown = null;

  replace(root,
    head({ title: type, back: ['Types', '#/types'], actions: button('Enqueue', () => enqueue({ type, ...(row()?.queue && { queue: row().queue }) }), { right: 'enqueue' }) }),
    trouble, warnings.element,
    el('div.columns', {}, panel({ title: 'Who runs it' }, box), sections[0].element),
    sections[1].element,
    rulesPanel({ scope, of: { type } }),
    newestJobs({ scope, filter: { type }, columns: ['id', 'queue', 'status', 'attempts', 'created'], none: { text: 'No job of this type is kept.' } }));

  function draw() {
    const problem = known.problem();
    trouble.hidden = !problem;
    if (problem) replace(trouble, el('h2', {}, problem.title), el('p', {}, problemWords(problem)));
    if (known.value() === undefined) return;
    const now = state();
    const workers = (live.get('workers')?.items ?? []).filter(runs(type));
    const handler = handlers.value()?.items.find(item => item.type === type);
    const key = JSON.stringify([now.row?.queue, now.row?.seen_at, workers.map(worker => worker.worker), handler?.function]);
    if (key !== shown) {
      shown = key;
      replace(box, about(now.row, workers, handler));
    }
    warnings.draw(live.get('workers') && workers.length === 0
      ? [{ code: 'no_worker_for_type', severity: 'warning', sentence: 'no live worker runs this type', hint: 'its jobs wait until a worker with a handler for it starts' }] : []);
    sections.forEach(section => section.draw(now));
  }
  scope.watch(['workers', 'queues'], draw);
}
