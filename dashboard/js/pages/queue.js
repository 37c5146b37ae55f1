// One queue: how it stands, what it is held to, and the way to change each of it.
import { el, replace, time } from '../core/dom.js';
import { CAP, count } from '../core/format.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { badge, button, head } from '../parts/controls.js';
import { newestJobs } from '../parts/briefs.js';
import { warningList } from '../parts/names.js';
import { numbers } from '../parts/numbers.js';
import { rulesPanel } from '../parts/rules.js';
import { enqueue } from '../shell/doors.js';
import { admission } from './queue/admission.js';
import { dropPanel } from './queue/drop.js';
import { limits } from './queue/limits.js';
import { pathOf, toggle } from './queue/pause.js';
import { retention } from './queue/retention.js';
import { retries } from './queue/retries.js';
import { throughput } from './queue/throughput.js';
import { crewPanel } from './workers/crew.js';

export const title = ([queue]) => `Queue ${queue}`;

function figures(queue, stats) {
  const number = (name, what, tone, link) => ({
    name: what, tone, value: stats ? count(stats[name], stats.capped && stats[name] >= CAP) : '–', link: link && href(...link),
  });
  return [
    number('ready', 'Ready', 'ready', ['jobs', { queue, status: 'PENDING' }]),
    number('processing', 'Running', 'processing', ['jobs', { queue, status: 'PROCESSING' }]),
    number('scheduled', 'Scheduled', 'quiet', ['jobs', { queue, status: 'PENDING' }]),
    number('waiting', 'Waiting', 'quiet', ['jobs', { queue, status: 'WAITING' }]),
    number('dead', 'Dead', 'dead', ['dead', { queue }]),
    { name: 'Oldest ready', at: stats?.oldest_ready_at ?? null },
  ];
}

const unknown = queue => el('div.panel.empty', {},
  el('h2', {}, 'There is no such queue'),
  el('p', {}, 'A queue appears with its first job.'),
  el('div.actions', {}, button('Enqueue a job in it', () => enqueue({ queue }), { right: 'enqueue' }), el('a.button', { href: '#/queues' }, 'All queues')));

export function mount({ root, args: [queue], scope }) {
  const page = source(scope, { wanted: () => ({ path: pathOf(queue) }), topics: ['queues'], every: 10_000, render: draw });
  const common = source(scope, { wanted: () => ({ path: 'settings' }), every: 300_000, render: draw });
  const find = topic => (live.get(topic)?.items ?? live.get(topic)?.queues ?? []).find(row => row.queue === queue);

  // The stream knows numbers and settings first; the rest is asked for.
  function state() {
    const read = page.value() ?? {};
    return { ...read, stats: find('stats') ?? read.stats, settings: find('queues') ?? read.queue, common: common.value() };
  }

  const context = { queue, scope, state, reload: page.reload };
  const sections = [retries, limits, admission, retention].map(make => make(context));
  const counts = numbers(`Numbers of ${queue}`);
  const warnings = warningList();
  const paused = el('div.notice.tone-processing', { hidden: true });
  const acts = el('div.actions');
  const crew = crewPanel({
    columns: ['worker', 'types', 'load', 'heartbeat'],
    none: 'No worker pulls from this queue, so nothing in it runs. Start one:', command: `forge worker myapp:forge --queue ${queue}`,
  });

  const body = [
    paused, warnings.element, counts.element, throughput(context),
    el('div.columns', {}, sections.map(section => section.element)),
    rulesPanel({ scope, of: { queue } }),
    crew.element,
    newestJobs({ scope, filter: { queue }, columns: ['job', 'status', 'attempts', 'created'], none: { text: 'No job of this queue is kept.' } }),
    dropPanel(context),
  ];
  const content = el('div.page');
  replace(root, head({ title: queue, back: ['Queues', '#/queues'], actions: acts }), content);

  let shown = null;
  function drawSwitch(row) {
    const key = JSON.stringify([row?.paused, row?.paused_at, row?.pause_reason]);
    if (key === shown) return;
    shown = key;
    const isPaused = Boolean(row?.paused);
    replace(acts,
      button('Enqueue here', () => enqueue({ queue }), { right: 'enqueue' }),
      button(isPaused ? 'Resume' : 'Pause', () => toggle({ ...row, queue, paused: isPaused }, page.reload), { kind: isPaused ? 'primary' : '', right: 'operate' }));
    paused.hidden = !isPaused;
    replace(paused, el('p', {}, badge('Paused', 'processing'), ' since ', time(row?.paused_at), el('span', {}, row?.pause_reason ? `. Reason: ${row.pause_reason}` : '. No reason was given.')));
  }

  function draw() {
    const now = state();
    const missing = page.problem()?.status === 404 && !now.stats && !now.settings;
    if (missing) { replace(content, unknown(queue)); acts.hidden = true; return; }
    acts.hidden = false;
    if (!content.contains(counts.element)) replace(content, body);
    drawSwitch(now.settings ?? now.stats);
    counts.draw(figures(queue, now.stats));
    crew.draw(now.workers);
    warnings.draw((live.get('warnings')?.items ?? []).filter(item => item.queue === queue && item.code !== 'paused_with_work'));
    sections.forEach(section => section.draw(now));
  }
  scope.watch(['stats', 'queues', 'warnings'], draw);
}
