// One schedule: when it comes in plain words, what it enqueues, and how it went.
import { words } from '../core/cron.js';
import { el, replace, setText, time } from '../core/dom.js';
import { capital, plural, written } from '../core/format.js';
import { pretty } from '../core/json.js';
import { source } from '../core/source.js';
import * as url from '../core/url.js';
import { button, facts, head, panel } from '../parts/controls.js';
import { problemWords } from '../parts/empty.js';
import { edit, outcome, state } from './schedules.js';
import { runList } from './schedules/runs.js';
import { path, remove, runNow, toggle } from './schedules/steer.js';

export const title = ([name]) => name;

const RUNS = 8;
const OVERLAP = { allow: 'Enqueued all the same', skip: 'This run is left out', queue: 'It waits until the last one has ended' };
const SKIPPED = { overlap: 'the run before it was still live', late: 'it was too late' };

const catchUp = row => ({
  one: 'The newest is made up for', skip: `Left out if later than ${written(row.grace_seconds)}`, all: `The newest ${row.catch_up_limit} are made up for`,
})[row.catch_up];

const policy = row => [
  row.max_retries !== null && plural(row.max_retries, 'retry', 'retries'),
  row.retry_base_seconds !== null && `first after ${written(row.retry_base_seconds)}`,
  row.retry_factor !== null && `× ${row.retry_factor}`,
  row.retry_cap_seconds !== null && `at most ${written(row.retry_cap_seconds)}`,
].filter(Boolean).join(', ') || 'as the type and the queue say';

export function mount({ root, args: [name], scope }) {
  const one = source(scope, { wanted: () => ({ path: path(name) }), topics: ['schedules', 'jobs'], gap: 2000, every: 10_000, render });
  const next = source(scope, { wanted: () => ({ path: `${path(name)}/next`, query: { count: RUNS } }), render });
  const reload = () => { one.reload(); next.reload(); };
  const when = el('p.when');
  const cron = el('p.soft');
  const actions = el('div.actions');
  const notices = el('ul.notices');
  const boxes = { runs: el('div.panel-body'), last: el('div.panel-body'), job: el('div.panel-body'), rules: el('div.panel-body'), payload: el('pre', { tabindex: 0, 'aria-label': 'Payload' }) };
  const badges = el('span');
  const page = el('div.page', { hidden: true },
    el('section.panel.hero', { 'aria-label': 'When it runs' }, when, cron),
    el('div.columns', {},
      panel({ title: 'Next runs' }, boxes.runs),
      panel({ title: 'Last run' }, boxes.last),
      panel({ title: 'Its jobs' }, boxes.job),
      panel({ title: 'When things go wrong', id: 'rules' }, boxes.rules)),
    panel({ title: 'Payload' }, el('div.panel-body', {}, boxes.payload)));
  const none = el('div.panel.empty');
  replace(root, head({ title: [name, badges], back: ['Schedules', url.href('schedules')], actions }), notices, page, none);

  let drawn = '';
  function render() {
    const row = one.stale();
    const problem = one.problem();
    page.hidden = !row || problem?.status === 404;
    none.hidden = !page.hidden;
    if (page.hidden) { replace(none, problem ? [el('h2', {}, problem.title), el('p', {}, problemWords(problem))] : el('p', {}, 'Loading…')); return; }
    const runs = next.stale()?.items ?? [];
    const mark = JSON.stringify([row, runs]);
    if (mark === drawn) return;
    const isNew = JSON.stringify([row.cron, row.time_zone, row.next_at]);
    if (drawn && page.dataset.next !== isNew) next.reload();
    page.dataset.next = isNew;
    drawn = mark;
    draw(row, runs);
  }

  function draw(row, runs) {
    setText(when, capital(words(row.cron, row.time_zone)));
    cron.hidden = words(row.cron) === row.cron.toLowerCase();
    replace(cron, el('code', {}, row.cron), row.time_zone !== 'UTC' && ` by the clocks of ${row.time_zone}`);
    replace(badges, state(row));
    const focused = [...actions.children].indexOf(document.activeElement);
    replace(actions,
      button('Delete', () => remove(name, () => url.go('schedules'), () => url.go('schedules', name)), { kind: 'ghost', right: 'operate' }),
      button('Edit', () => edit(name, reload), { right: 'operate' }),
      button(row.paused ? 'Resume' : 'Pause', () => toggle(row, reload), { right: 'operate' }),
      button('Run now', () => runNow(row, reload), { right: 'operate' }));
    actions.children[focused]?.focus();
    replace(notices, row.failures > 0 && el('li.notice.tone-dead', {}, el('p', {},
      el('strong', {}, `It could not be enqueued ${plural(row.failures, 'time')} in a row.`), ' ', el('span', {}, `${row.last_error} · Edit it; the run that is due is tried again every few minutes.`))));
    replace(boxes.runs, row.paused && el('p.soft', {}, 'It is paused. If it ran:'), runList(runs, row.time_zone));
    replace(boxes.last, facts([
      ['Result', outcome(row)],
      ['Its time', row.last_at && time(row.last_at)],
      ['Job', row.last_job_id && el('a', { href: url.href('jobs', row.last_job_id) }, `#${row.last_job_id}`)],
      ['Waits', row.queued_at && ['the run of ', time(row.queued_at), ', for the one before it']],
      ['Left out', row.skipped_at && [time(row.skipped_at), `, as ${SKIPPED[row.skipped_because] ?? row.skipped_because}`]],
    ]));
    replace(boxes.job, facts([
      ['Type', el('a', { href: url.href('types', row.type) }, row.type)],
      ['Queue', el('a', { href: url.href('queues', row.queue) }, row.queue)],
      ['Priority', row.priority !== 0 && String(row.priority)],
      ['Retries', policy(row)],
      ['Attempt may take', row.timeout_seconds !== null && written(row.timeout_seconds)],
      ['Tags', row.tags?.join(', ')],
      ['Concurrency key', row.concurrency_key],
    ].map(([term, value]) => [term, value || null])));
    replace(boxes.rules, facts([
      ['While one runs', OVERLAP[row.overlap]],
      ['Missed runs', catchUp(row)],
      ['Starts', time(row.starts_at)],
      ['Changed', time(row.updated_at)],
    ]));
    setText(boxes.payload, pretty(row.payload, { hide: true }).text);
  }
}
