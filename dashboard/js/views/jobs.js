// The newest jobs, live, by type, queue and status.
import { now } from '../clock.js';
import { fill, find, reconcile, setText, setTime, setTone, slot, stamp } from '../dom.js';
import { plural, status } from '../format.js';
import { happening } from '../life.js';
import * as live from '../live.js';
import * as url from '../url.js';
import { showEmpty } from './empty.js';
import { listing } from './listing.js';

const FIELDS = ['type', 'queue', 'status'];
const given = () => Object.fromEntries(FIELDS.map(name => [name, url.get(name)]).filter(([, value]) => value));
const isFiltered = () => Object.keys(given()).length > 0;

let list;
let drawn = null;   // what was drawn last, to mark the rows that are new and to hold the rest under a pointer

function make(job) {
  const row = stamp('job-row');
  find('a', row).href = `?job=${job.id}`;
  row.addEventListener('click', event => { if (!event.target.closest('a')) find('a', row).click(); });
  return row;
}

function update(row, job) {
  const { word, tone } = status(job, now());
  const { text, time = null, age = false, title, failed = false } = happening(job, now());
  fill(row, {
    status: word, type: job.type, id: `#${job.id}`, queue: job.queue, note: time && text ? `${text} ` : text,
    attempt: job.attempts > 0 ? `${job.attempts}/${job.max_retries + 1}` : '',
  });
  setTone(slot(row, 'status'), tone);
  slot(row, 'type').title = job.type;
  slot(row, 'queue').title = job.queue;
  const note = slot(row, 'note');
  note.title = title ?? '';
  note.classList.toggle('failed', failed);
  const when = slot(row, 'note-time');
  when.hidden = !time;
  when.dataset.form = age ? 'age' : '';
  if (time) setTime(when, time);
  setTime(slot(row, 'created'), job.created_at);
  row.classList.toggle('open', url.get('job') === String(job.id));
}

// Rows must not move away under a pointer or the focus: while there is one, new rows wait behind a button.
const isHeld = body => body.matches(':hover') || body.contains(document.activeElement);

function render() {
  const body = find('#job-rows');
  const key = JSON.stringify([given(), url.get('rows')]);
  const rows = list.rows();
  const same = drawn?.key === key;
  const fresh = same ? rows.filter(row => !drawn.ids.has(String(row.id))) : [];
  const hold = same && fresh.length > 0 && drawn.ids.size > 0 && !drawn.release && isHeld(body);
  const newest = new Map(rows.map(row => [String(row.id), row]));
  const shown = hold ? drawn.rows.map(row => newest.get(String(row.id)) ?? row) : rows;

  if (list.ready()) {
    reconcile(body, shown, { key: row => row.id, make, update });
    if (!hold) for (const row of fresh) find(`[data-key="${row.id}"]`, body)?.classList.add('fresh');
    drawn = { key, rows: shown, ids: new Set(shown.map(row => String(row.id))) };
  }
  find('#newer').hidden = !hold;
  setText(find('#newer'), `Show ${plural(fresh.length, 'newer job')}`);
  find('#job-table').hidden = shown.length === 0;
  find('#jobs-more').hidden = !list.full();
  find('#clear').hidden = !isFiltered();
  setText(find('#jobs-title'), isFiltered() ? 'Jobs that match' : 'Newest jobs');
  showEmpty(find('#jobs-empty'), emptiness(shown));
}

function emptiness(shown) {
  if (shown.length > 0) return null;
  if (!list.ready()) return live.get('connection')?.state === 'live' ? { text: 'Loading…' } : { text: 'Nothing to show before the API answers.' };
  if (list.problem()) return { problem: list.problem() };
  return isFiltered() ? { title: 'No job matches', text: 'Types and queues match by their whole name, letter by letter.' } : { first: true };
}

function mountFilter() {
  const form = find('#filter');
  const show = () => FIELDS.forEach(name => {
    const field = form.elements[name];
    if (field !== document.activeElement) field.value = url.get(name);
  });
  let timer = 0;
  const apply = () => {
    clearTimeout(timer);
    url.set({ ...Object.fromEntries(FIELDS.map(name => [name, form.elements[name].value.trim()])), rows: '' }, { replace: true });
  };
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(apply, 250); });
  form.addEventListener('change', apply);
  form.addEventListener('submit', event => { event.preventDefault(); apply(); });
  find('#clear').addEventListener('click', () => {
    url.set({ type: '', queue: '', status: '', rows: '' });
    form.elements.type.focus();
  });
  url.onChange(show);
  show();
}

export function mount() {
  list = listing({ topic: 'jobs', path: 'jobs', rowsKey: 'rows', filter: () => (isFiltered() ? given() : null), render: () => render() });
  mountFilter();
  live.watch('connection', () => render());
  const body = find('#job-rows');
  body.addEventListener('pointerleave', () => live.paint(render));
  body.addEventListener('focusout', () => live.paint(render));
  body.addEventListener('animationend', event => event.target.classList.remove('fresh'));
  find('#newer').addEventListener('click', () => { drawn.release = true; render(); });
  find('#jobs-more').addEventListener('click', () => list.more());
  setInterval(() => { if (!document.hidden) live.paint(render); }, 1000); // what is due changes with the clock alone
}
