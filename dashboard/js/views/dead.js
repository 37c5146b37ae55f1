// The dead letters: what failed for good, and what to do with it, one by one or all that match.
import * as api from '../api.js';
import { busy, fill, find, reconcile, setText, setTime, slot, stamp } from '../dom.js';
import { door, lost } from '../doors.js';
import { CAP, count, describeFilter, firstLine, plural } from '../format.js';
import { errorOf } from '../life.js';
import * as live from '../live.js';
import * as url from '../url.js';
import { showEmpty } from './empty.js';
import { listing } from './listing.js';
import { done, failed } from './toasts.js';

const ARMED_FOR = 4000; // ms in which a second press discards

let list;
const gone = new Set(); // acted on here, and maybe still in a picture that is on its way
const given = () => Object.fromEntries(['type', 'queue', 'error'].map(name => [name, url.get(name)]).filter(([, value]) => value));
const isFiltered = () => Object.keys(given()).length > 0;

async function act(row, job, { method, path, what, past, hint }) {
  try {
    await api.call(method, path);
    const next = find('button', row.nextElementSibling ?? row.previousElementSibling ?? find('#dead'));
    const hadFocus = row.contains(document.activeElement);
    gone.add(String(job.id));
    setTimeout(() => gone.delete(String(job.id)), 5000);
    render();
    list.reload();
    if (hadFocus) (next ?? find('#dead')).focus();
    done(`${past} ${job.type} #${job.id}`, { detail: hint, job: job.id });
  } catch (problem) {
    failed(`${what} #${job.id}`, problem);
  }
}

const retry = (row, job) => act(row, job, {
  method: 'POST', path: `dlq/${job.id}/retry`, what: 'Retry', past: 'Retried', hint: 'It is ready, with fresh retries.',
});
const discard = (row, job) => act(row, job, {
  method: 'DELETE', path: `dlq/${job.id}`, what: 'Discard', past: 'Discarded', hint: 'It stays in the history.',
});

// Discarding takes two presses: the first one arms the button for a while.
function onDiscard(button, run) {
  let timer = 0;
  const disarm = () => { clearTimeout(timer); button.classList.remove('armed'); setText(button, 'Discard'); };
  button.addEventListener('blur', disarm);
  button.addEventListener('click', () => {
    if (button.classList.contains('armed')) { disarm(); busy(button, run); return; }
    button.classList.add('armed');
    setText(button, 'Really discard?');
    timer = setTimeout(disarm, ARMED_FOR);
  });
}

function make(job) {
  const row = stamp('dead-row');
  find('a', row).href = `?job=${job.id}`;
  slot(row, 'retry').ariaLabel = `Retry ${job.type} ${job.id}`;
  slot(row, 'retry').addEventListener('click', event => busy(event.currentTarget, () => retry(row, job)));
  onDiscard(slot(row, 'discard'), () => discard(row, job));
  return row;
}

function update(row, job) {
  fill(row, {
    type: job.type, id: `#${job.id}`, error: firstLine(errorOf(job)) || 'No error was recorded',
    meta: `${job.queue} · ${plural(job.attempts, 'attempt')}`,
  });
  setTime(slot(row, 'died'), job.finished_at);
}

function emptiness(rows) {
  if (rows.length > 0) return null;
  if (!list.ready()) return live.get('connection')?.state === 'live' ? { text: 'Loading…' } : null;
  if (list.problem()) return { problem: list.problem() };
  if (isFiltered()) return { title: 'No dead job matches', text: `There is none ${describeFilter(given())}.` };
  return { title: 'Nothing has died', text: 'A job comes here when its retries are used up or its error is permanent. Then you retry or discard it.' };
}

function render() {
  const rows = list.rows().filter(row => !gone.has(String(row.id)));
  const all = live.get('dead');
  reconcile(find('#dead-rows'), rows, { key: row => row.id, make, update });
  const badge = find('#dead-count');
  badge.hidden = !all || all.dead === 0;
  setText(badge, all ? count(all.dead, all.capped && all.dead >= CAP) : '');
  find('#retry-all').hidden = rows.length === 0;
  setText(find('#retry-all'), isFiltered() ? 'Retry all that match' : 'Retry all');
  find('#dead-filter').hidden = !isFiltered();
  setText(find('#dead-filter'), `Only those ${describeFilter(given())}.`);
  find('#dead .filters').hidden = !isFiltered() && rows.length === 0;
  find('#dead-more').hidden = !list.full();
  showEmpty(find('#dead-empty'), emptiness(rows));
}

export function mount() {
  list = listing({ topic: 'dead', path: 'dlq', rowsKey: 'dead_rows', page: 8, filter: () => (isFiltered() ? given() : null), render: () => render() });
  const field = find('#dead-error');
  const show = () => { if (field !== document.activeElement) field.value = url.get('error'); };
  let timer = 0;
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => url.set({ error: field.value.trim(), dead_rows: '' }, { replace: true }), 250);
  });
  url.onChange(show);
  show();
  live.watch('connection', () => render());
  find('#retry-all').addEventListener('click', () => {
    door('retryAll').then(part => part.askRetryAll(given(), list.reload), lost);
  });
  find('#dead-more').addEventListener('click', () => list.more());
}
