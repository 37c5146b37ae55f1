// The schedules: what is enqueued again and again, when it comes next, and how it went last.
import { words } from '../core/cron.js';
import { el, replace, time } from '../core/dom.js';
import { now } from '../core/clock.js';
import { capital, status } from '../core/format.js';
import { source } from '../core/source.js';
import * as url from '../core/url.js';
import { badge, button, head, panel } from '../parts/controls.js';
import { emptiness, snippet } from '../parts/empty.js';
import { table } from '../parts/table.js';
import { failed } from '../parts/toasts.js';
import { openSchedule } from './schedules/form.js';
import { runNow, toggle } from './schedules/steer.js';

export const title = 'Schedules';

const PAGE = 100;
const MOST = 500;
const SQL = "select forge.schedule('nightly', '0 3 * * *', 'report');";

// How the last run went, with the way to its job.
export function outcome(row) {
  if (row.last_job_id === null) return el('span.soft', {}, 'never ran');
  const { word, tone } = row.last_status ? status({ status: row.last_status }, now()) : { word: `Job #${row.last_job_id}`, tone: 'quiet' };
  return el('a', { href: url.href('jobs', row.last_job_id), title: `Job #${row.last_job_id}` }, badge(word, tone));
}

export const state = row => [
  row.paused && badge('Paused', 'processing'),
  row.failures > 0 && badge('Fails', 'dead', { title: row.last_error }),
];

export const edit = (name, reload) => openSchedule(name, reload).catch(problem => failed('Edit', problem));

export function mount({ root, scope }) {
  const limit = () => Math.min(MOST, Math.max(PAGE, Number(url.get('rows')) || PAGE));
  const list = source(scope, {
    wanted: () => ({ path: 'schedules', query: { limit: limit() } }), topics: ['schedules', 'jobs'], gap: 2000, every: 10_000, render,
  });
  const { reload } = list;
  const rows = table({ key: row => row.name, caption: 'Schedules', columns: [
    { head: 'Schedule', cell: row => [el('a', { href: url.href('schedules', row.name), 'data-row': true }, row.name), ' ', state(row)] },
    { head: 'When', label: '', class: 'wide when-cell', cell: row => [capital(words(row.cron, row.time_zone)), words(row.cron) !== row.cron && el('code.cron', {}, row.cron)] },
    { head: 'Enqueues', class: 'soft', cell: row => `${row.type} in ${row.queue}` },
    { head: 'Next run', class: 'end', cell: row => (row.paused ? el('span.soft', {}, 'paused') : time(row.next_at)) },
    { head: 'Last run', class: 'end last', cell: row => [outcome(row), row.last_at && time(row.last_at)] },
    { head: '', class: 'end', cell: row => el('span.pair', {},
      button('Run now', () => runNow(row, reload), { kind: 'small ghost', right: 'operate', 'aria-label': `Run ${row.name} now` }),
      button(row.paused ? 'Resume' : 'Pause', () => toggle(row, reload), { kind: 'small', right: 'operate', 'aria-label': `${row.paused ? 'Resume' : 'Pause'} ${row.name}` })) },
  ] });
  const empty = emptiness(list, value => value.items, [
    el('h3', {}, 'No schedules yet'),
    el('p', {}, 'A schedule enqueues a job again and again: every night, every 15 minutes, on the first Monday. Make one here, or with SQL:'),
    snippet(SQL, 'the SQL'),
  ]);
  const more = button('Show more', () => url.set({ rows: limit() + PAGE }, { replace: true }), { kind: 'ghost more' });
  function render() {
    rows.draw(list.value()?.items ?? list.stale()?.items ?? []);
    more.hidden = !list.value()?.next || limit() >= MOST;
    empty.draw();
  }
  scope.watch('connection', render);
  replace(root,
    head({ title: 'Schedules', lead: 'Jobs that are enqueued again and again.', actions: button('New schedule', () => edit(null, reload), { right: 'operate' }) }),
    panel({ title: 'All schedules' }, rows.element, empty.element, more));
}
