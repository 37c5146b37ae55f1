// One job in the drawer: what it is, what happens to it, its payload and result, and its life so far.
import * as api from '../api.js';
import { now } from '../clock.js';
import { busy, fill, find, reconcile, setText, setTime, setTone, slot, stamp } from '../dom.js';
import { count, duration, plural, status } from '../format.js';
import { errorOf, life } from '../life.js';
import * as live from '../live.js';
import * as url from '../url.js';
import { readLog } from './log.js';
import { done, failed } from './toasts.js';
import { valueView } from './value.js';

const ENDED = ['COMPLETED', 'CANCELLED', 'DEAD'];
const ACTIONS = {
  retry: { word: job => (job.status === 'PENDING' ? 'Run now' : 'Retry'), past: 'is ready to run',
       allowed: job => ['DEAD', 'CANCELLED'].includes(job.status) || (job.status === 'PENDING' && new Date(job.scheduled_at) > now()) },
  cancel: { word: () => 'Cancel job', past: 'is cancelled', allowed: job => !ENDED.includes(job.status) && !job.cancel_requested_at },
};

let job = null;      // the one that is shown
let shown = '';      // its text, to draw only what changed
let opener = null;   // the element to go back to
const wanted = () => url.get('job');
const drawer = () => find('#job');

function action(name) {
  const { word, past, allowed } = ACTIONS[name];
  if (!allowed(job)) return [];
  const button = document.createElement('button');
  button.className = 'button small';
  button.type = 'button';
  button.dataset.right = 'operate';
  button.textContent = word(job);
  button.addEventListener('click', () => busy(button, async () => {
    const { id } = job;
    try {
      const change = await api.call('POST', `jobs/${id}/${name}`);
      const asked = name === 'cancel' && change.to_status === 'PROCESSING';
      done(`${change.type} #${id} ${asked ? 'was asked to stop' : past}`, asked ? { detail: 'It ends when its handler notices.' } : {});
    } catch (problem) {
      failed(`${word(job)} #${id}`, problem);
    }
    load();
  }));
  return [button];
}

function cameFrom(origin) {
  if (!origin) return null;
  const how = origin.revival ? `revival ${origin.revival}` : origin.by;
  return `${origin.status}, ${how} by ${origin.who}`;
}

function facts() {
  const list = [
    ['Queue', job.queue],
    ['Priority', count(job.priority)],
    ['Attempts', `${job.attempts} of ${count(job.max_retries + 1)}`],
    ['Scheduled for', job.scheduled_at, 'time'],
    ['Worker', job.worker],
    ['May run for', job.timeout_seconds === null ? null : duration(job.timeout_seconds * 1000)],
    ['Lease until', job.status === 'PROCESSING' ? job.lease_expires_at : null, 'time'],
    ['Unique key', job.unique_key],
    ['Tags', job.tags?.join(', ')],
    ['Revived', job.revivals ? plural(job.revivals, 'time') : null],
    ['Came from', cameFrom(job.origin)],
  ];
  return list.filter(([, value]) => value !== null && value !== undefined && value !== '').flatMap(([name, value, form]) => {
    const term = document.createElement('dt');
    const description = document.createElement('dd');
    term.textContent = name;
    if (form === 'time') {
      const time = document.createElement('time');
      setTime(time, value);
      description.append(time);
    } else setText(description, value);
    return [term, description];
  });
}

function event(element, { tone, name, at, note = '', error = '', traceback = '' }) {
  setTone(element, tone);
  fill(element, { name, note, error, traceback });
  setTime(slot(element, 'at'), at);
  slot(element, 'error').hidden = !error;
  find('details', element).hidden = !traceback;
}

function render() {
  const view = find('.drawer-inner', drawer());
  const { word, tone } = status(job, now());
  const failing = job.status === 'DEAD' || word === 'Retrying';
  fill(view, { status: word, type: job.type, id: `#${job.id}`, note: (failing && errorOf(job)) || '' });
  slot(view, 'note').classList.add('failed');
  setTone(slot(view, 'status'), tone);
  const box = slot(view, 'progress-box');
  box.hidden = job.progress === null || job.status !== 'PROCESSING';
  find('progress', box).value = job.progress ?? 0;
  setText(slot(view, 'progress'), [`${Math.round((job.progress ?? 0) * 100)} %`, job.progress_note].filter(Boolean).join(' · '));
  slot(view, 'actions').replaceChildren(...Object.keys(ACTIONS).flatMap(action));
  slot(view, 'facts').replaceChildren(...facts());
  if (!slot(view, 'payload').hasChildNodes()) slot(view, 'payload').append(valueView('Payload', job.payload));
  slot(view, 'result').hidden = job.result === null;
  if (job.result !== null) slot(view, 'result').replaceChildren(valueView('Result', job.result));
  reconcile(slot(view, 'events'), life(job), { key: item => item.key, make: () => stamp('life-event'), update: event });
}

function open() {
  const element = drawer();
  if (!element.open) {
    opener = document.activeElement;
    element.show();
  }
  if (find('.drawer-inner', element)?.dataset.id === wanted()) return;
  const view = stamp('job-view');
  view.dataset.id = wanted();
  fill(view, { type: 'Job', id: `#${wanted()}`, note: 'Loading…' });
  element.replaceChildren(view);
  element.scrollTop = 0;
  find('[data-close]', view).addEventListener('click', close);
  find('[data-close]', view).focus({ preventScroll: true });
}

function close() { url.set({ job: '' }); }

function hide() {
  drawer().close();
  drawer().replaceChildren();
  job = null;
  shown = '';
  if (opener?.isConnected) opener.focus({ preventScroll: true });
}

const load = live.paced(async () => {
  const id = wanted();
  if (!id) return;
  let answer;
  try { answer = await api.read(`jobs/${encodeURIComponent(id)}`); } catch (problem) {
    if (id === wanted() && job === null) fill(find('.drawer-inner', drawer()), { note: [problem.title, problem.detail, problem.hint, problem.code].filter(Boolean).join(' · ') });
    return;
  }
  if (id !== wanted()) return;
  job = answer;
  const text = JSON.stringify(answer);
  if (text !== shown) render();
  shown = text;
  listen();
}, 1000);

function listen() {
  const view = find('.drawer-inner', drawer());
  if (view && job) readLog(view, wanted());
}

function follow() {
  if (!wanted()) { if (drawer().open) hide(); return; }
  if (job && String(job.id) !== wanted()) { job = null; shown = ''; }
  open();
  load();
}

url.onChange(follow);
live.watch(['jobs', 'stats'], () => { if (wanted() && !(job && ENDED.includes(job.status))) load(); });
setInterval(() => { if (wanted() && job?.status === 'PROCESSING' && !document.hidden) listen(); }, 1000);
follow();
