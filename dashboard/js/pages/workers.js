// The workers: who lives, what each pulls and runs, how busy it is, and the way to have one claim no more.
import { el, replace, setText } from '../core/dom.js';
import { count, plural } from '../core/format.js';
import * as live from '../core/live.js';
import { head, panel } from '../parts/controls.js';
import { snippet } from '../parts/empty.js';
import { warningList } from '../parts/names.js';
import { numbers } from '../parts/numbers.js';
import { table } from '../parts/table.js';
import { crewColumns } from './workers/columns.js';
import { drainButton } from './workers/drain.js';

export const title = 'Workers';

const ABOUT = new Set(['no_worker', 'no_worker_for_type']);
const COLUMNS = [
  ...crewColumns(['worker', 'queues', 'types', 'load', 'host', 'version', 'heartbeat']),
  { head: '', class: 'end act', cell: row => drainButton(row) },
];

const nobody = [
  el('h3', {}, 'No worker is registered'),
  el('p', {}, 'Jobs wait until one comes. Start one with your handlers, or with those that Forge brings:'),
  snippet('forge worker myapp:forge --queue default=5', 'the command'),
];

const order = (a, b) => Number(b.alive) - Number(a.alive) || (a.worker < b.worker ? -1 : 1);

function figures(rows) {
  const alive = rows.filter(row => row.alive);
  const draining = alive.filter(row => row.draining_at);
  const places = alive.reduce((sum, row) => sum + row.concurrency, 0);
  const used = alive.reduce((sum, row) => sum + Number(row.processing), 0);
  const lost = rows.length - alive.length;
  return [
    { name: 'Alive', tone: 'completed', value: count(alive.length), note: alive.length ? `on ${plural(new Set(alive.map(row => row.host)).size, 'host')}` : '' },
    { name: 'Jobs in hand', tone: 'processing', value: count(used), note: `of ${plural(places, 'place')}` },
    { name: 'Draining', tone: 'processing', value: count(draining.length) },
    { name: 'Lost', tone: 'dead', value: count(lost), note: lost ? 'their jobs run again elsewhere' : '' },
  ];
}

export function mount({ root, scope }) {
  const list = table({ columns: COLUMNS, key: row => row.worker, caption: 'Workers' });
  const counts = numbers('Workers in numbers');
  const warnings = warningList();
  const empty = el('div.empty', {});
  replace(empty, nobody);
  const loading = el('div.empty', {});
  replace(root,
    head({ title: 'Workers', lead: 'They claim jobs from queues and run the types they know.' }),
    warnings.element, counts.element, panel({ title: 'All workers' }, list.element, empty, loading));
  scope.watch(['workers', 'warnings', 'connection'], () => {
    const known = live.get('workers')?.items;
    const rows = [...known ?? []].sort(order);
    list.draw(rows);
    counts.element.hidden = !rows.length;
    counts.draw(figures(rows));
    empty.hidden = !known || rows.length > 0;
    loading.hidden = Boolean(known);
    setText(loading, live.get('connection')?.state === 'live' ? 'Loading…' : 'Nothing to show before the API answers.');
    warnings.draw((live.get('warnings')?.items ?? []).filter(item => ABOUT.has(item.code)));
  });
}
