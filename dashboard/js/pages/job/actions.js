// What may be done to a job in its status, and how each is taken back where it can be.
import * as api from '../../core/api.js';
import { now } from '../../core/clock.js';
import { el, replace } from '../../core/dom.js';
import { Exact, pretty } from '../../core/json.js';
import { button } from '../../parts/controls.js';
import { attempt, done } from '../../parts/toasts.js';
import { ask, enqueue } from '../../shell/doors.js';
import { edit } from './edit.js';

const isLater = job => new Date(job.scheduled_at) > now();
const label = job => `${job.type} #${job.id}`;

// An action: for which jobs, its words, and what it does with (job, reload).
const ACTIONS = [
  { word: () => 'Run now', fits: job => job.status === 'PENDING' && isLater(job), work: runNow },
  { word: () => 'Retry', fits: job => ['DEAD', 'CANCELLED'].includes(job.status), work: retry },
  { word: () => 'Edit…', fits: job => ['PENDING', 'WAITING', 'PROCESSING'].includes(job.status), work: edit },
  { word: () => 'Cancel job', fits: job => ['PENDING', 'WAITING'].includes(job.status) || (job.status === 'PROCESSING' && !job.cancel_requested_at), work: cancel },
];

async function runNow(job, { address, reload }) {
  await api.call('POST', `${address}/retry`);
  done(`${label(job)} is due now`, { undo: async () => {
    await api.call('PATCH', address, { body: { scheduled_at: job.scheduled_at } });
    reload();
  } });
}

async function retry(job, { address }) {
  await api.call('POST', `${address}/retry`);
  done(`${label(job)} is ready to run`, { detail: 'With fresh retries.' });
}

// Before it ran, a job that is cancelled can be brought back; what runs, or waits for others, cannot.
async function cancel(job, { address, reload }) {
  const send = async () => {
    const change = await api.call('POST', `${address}/cancel`);
    if (change.to_status === 'PROCESSING') done(`${label(job)} was asked to stop`, { detail: 'It ends when its handler notices.' });
    else done(`${label(job)} is cancelled`, { undo: job.status === 'PENDING' ? bringBack : null });
  };
  const bringBack = async () => {
    await api.call('POST', `${address}/retry`);
    if (isLater(job)) await api.call('PATCH', address, { body: { scheduled_at: job.scheduled_at } });
    reload();
  };
  if (job.status === 'PENDING') { await send(); return; }
  await ask({
    title: `Cancel ${label(job)}?`, yes: 'Cancel job', no: 'Keep it', danger: true,
    text: job.status === 'PROCESSING' ? 'Its worker is asked to stop it. It does not run again.' : 'It never runs, and jobs that wait for it take it as failed.',
    work: async () => { await attempt(`Cancel ${label(job)}`, send); reload(); },
  });
}

// A new job like this one; what belongs to the old one alone (its key, its time) is left behind.
const copy = job => enqueue({
  type: job.type, queue: job.queue, payload: new Exact(pretty(job.payload).text), priority: job.priority, max_retries: job.max_retries,
  tags: job.tags, timeout_seconds: job.timeout_seconds, concurrency_key: job.concurrency_key,
});

export function actions({ id, job: source }) {
  const address = `jobs/${encodeURIComponent(id)}`;
  const element = el('div.actions');
  const handle = { address, reload: source.reload };
  let shown = '';
  return {
    element,
    draw(job) {
      const fitting = ACTIONS.filter(action => action.fits(job));
      const mark = fitting.map(action => action.word()).join('|');
      if (mark === shown && element.childElementCount) return;
      shown = mark;
      const make = action => button(action.word(), async () => {
        const current = source.value();
        await attempt(`${action.word().replace('…', '')} ${label(current)}`, () => action.work(current, handle));
        source.reload();
      }, { right: 'operate' });
      replace(element, fitting.map(make), button('Enqueue a copy', () => copy(source.value()), { right: 'enqueue' }));
    },
  };
}
