// The first page: what needs a person, how much there is, how fast it goes, and where it is stuck.
import { now } from '../core/clock.js';
import { el, replace, setText, time } from '../core/dom.js';
import { brief, count, duration, rate, status, written } from '../core/format.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import * as url from '../core/url.js';
import { chart, cursor } from '../parts/chart.js';
import { head, panel, segments, statusBadge } from '../parts/controls.js';
import { firstJob } from '../parts/empty.js';
import { table } from '../parts/table.js';
import { SHOWN, depth } from './overview/depth.js';
import { flow, latency } from './overview/series.js';
import { tiles } from './overview/tiles.js';
import { warnings } from './overview/warnings.js';

export const title = 'Overview';

const RANGES = {
  '5m': { word: '5 min', since: 300, bucket: 10, every: 5000 },
  '1h': { word: '1 h', since: 3600, bucket: 60, every: 30_000 },
  '24h': { word: '24 h', since: 86_400, bucket: 900, every: 60_000 },
};
const range = () => RANGES[url.get('range')] ?? RANGES['5m'];
const NEWEST = 8;
const GROUPS = 5;

const FLOW = [
  { name: 'enqueued', word: 'Enqueued', class: 'tone-ready' },
  { name: 'completed', word: 'Completed', class: 'tone-completed', area: true },
  { name: 'failed', word: 'Failed', class: 'tone-dead', hint: 'Attempts that failed; most are tried again' },
];
// Percentiles are shades of ink: colour is for status.
const PERCENTILES = [
  { name: 'p50', word: 'p50', class: 'ink-1', hint: 'Half of the jobs were faster' },
  { name: 'p95', word: 'p95', class: 'ink-2', hint: '95 of 100 jobs were faster' },
  { name: 'p99', word: 'p99', class: 'ink-3', hint: '99 of 100 jobs were faster' },
];
const perSecond = value => rate(value, 1);

const GROUP_COLUMNS = [
  { head: 'Error', class: 'cut wide', cell: row => el('a', { href: url.href('dead', { fingerprint: row.fingerprint }), 'data-row': true, title: row.sample_error }, brief(row.title) || 'no error recorded') },
  { head: 'Type', class: 'soft', cell: row => row.type },
  { head: 'Jobs', class: 'end', cell: row => count(row.jobs) },
  { head: 'Last', class: 'end soft', cell: row => time(row.last_seen_at) },
];
const JOB_COLUMNS = [
  { head: 'Job', cell: job => el('a', { href: url.href('jobs', job.id), 'data-row': true }, job.type, ' ', el('span.id', {}, `#${job.id}`)) },
  { head: 'Status', cell: statusBadge },
  { head: 'Queue', class: 'soft', cell: job => job.queue },
  { head: 'Created', class: 'end soft', cell: job => time(job.created_at) },
];

// Asked for by the length of the span: the newest bucket is still filling, so one more is asked for.
const asked = path => () => ({ path, query: { since_seconds: Math.min(range().since + 2 * range().bucket, 86_400), bucket_seconds: range().bucket } });

function charts(root, scope) {
  const reading = cursor();
  const flowing = chart({ id: 'throughput', title: 'Throughput', series: FLOW, say: perSecond, least: 0.1, none: 'Nothing happened in this time', reading });
  const percentiles = (id, name) => chart({ id, title: name, series: PERCENTILES, say: duration, tick: value => written(value / 1000), least: 10, none: 'No finished job is known of this time', reading });
  const wait = percentiles('wait', 'Wait');
  const run = percentiles('run', 'Run');
  const size = () => range().since / range().bucket;
  let history;
  let times;
  const drawFlow = () => { if (history.value()) flowing.draw(flow(history.value(), size(), now())); };
  const drawTimes = () => {
    if (!times.value()) return;
    wait.draw(latency(times.value(), size(), now(), 'wait'));
    run.draw(latency(times.value(), size(), now(), 'run'));
  };
  history = source(scope, { wanted: asked('stats/history'), render: drawFlow });
  times = source(scope, { wanted: asked('stats/latency'), render: drawTimes });
  let last = 0;
  scope.every(1000, () => {
    if (Date.now() - last < range().every || live.get('connection')?.state !== 'live') return;
    last = Date.now();
    history.reload();
    times.reload();
  });
  root.append(
    panel({ title: 'Throughput' }, flowing.element),
    el('div.pair', {},
      panel({ title: 'Time to wait' }, wait.element),
      panel({ title: 'Time to run' }, run.element)));
}

export function mount({ root, scope }) {
  const spans = segments('Time span', Object.fromEntries(Object.entries(RANGES).map(([key, { word }]) => [key, word])),
    url.get('range') || '5m', key => url.set({ range: key === '5m' ? '' : key }, { replace: true }));
  const noted = warnings();
  const numbers = tiles();
  const left = el('div.page');
  const right = el('div.page');

  const queues = depth();
  const more = el('p.panel-note', {}, el('a', { href: '#/queues' }, 'All queues'));
  const noQueue = el('div.empty', {}, 'A queue appears with its first job.');
  const groups = table({ columns: GROUP_COLUMNS, key: row => `${row.queue} ${row.type} ${row.fingerprint}`, caption: 'Errors' });
  const noGroup = el('div.empty', {}, 'No job is dead. Those that fail for good come here, by their error.');
  const jobs = table({ columns: JOB_COLUMNS, key: job => job.id, caption: 'Newest jobs',
    version: job => JSON.stringify(job) + status(job, now()).word });
  const noJob = el('div.empty', { hidden: true }, firstJob());

  replace(root, head({ title: 'Overview', actions: spans }), noted.element, numbers.element,
    el('div.columns', {}, left, right));
  charts(left, scope);
  right.append(
    panel({ title: 'Queues' }, queues.element, noQueue, more),
    panel({ title: 'Dead by error', actions: el('a.button.small.ghost', { href: '#/dead' }, 'All') }, groups.element, noGroup));
  left.append(panel({ title: 'Newest jobs', actions: el('a.button.small.ghost', { href: '#/jobs' }, 'All') }, jobs.element, noJob));

  scope.watch('warnings', () => noted.draw(live.get('warnings')));
  const drawStats = () => {
    const stats = live.get('stats');
    if (!stats) return;
    numbers.draw(stats);
    queues.draw(stats.queues);
    noQueue.hidden = stats.queues.length > 0;
    more.hidden = stats.queues.length <= SHOWN;
    setText(more.firstElementChild, `All ${stats.queues.length} queues`);
  };
  scope.watch('stats', drawStats);
  scope.every(1000, () => live.paint(drawStats));
  const drawJobs = () => {
    const newest = live.get('jobs')?.items;
    // Rows must not move away under a pointer.
    if (!newest || jobs.body.matches(':hover')) return;
    jobs.draw(newest.slice(0, NEWEST));
    noJob.hidden = newest.length > 0;
  };
  scope.watch('jobs', drawJobs);
  scope.every(1000, () => live.paint(drawJobs)); // what is due changes with the clock alone
  const dead = source(scope, {
    wanted: () => ({ path: 'dlq/groups', query: { limit: GROUPS } }), topics: ['dead'], gap: 3000,
    render: () => {
      groups.draw(dead.value()?.items ?? []);
      noGroup.hidden = !dead.value() || dead.value().items.length > 0;
    },
  });
}
