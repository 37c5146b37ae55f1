// The form that enqueues. It says what is wrong while it is typed, and the API has the last word.
import * as api from '../api.js';
import { busy, find, setText } from '../dom.js';
import { parse, pretty } from '../json.js';
import { problem as payloadProblem } from '../payload.js';
import { done } from './toasts.js';

const form = () => find('#enqueue-form');
const fields = () => form().elements;
const hints = {};

function wholeNumber(name, what) {
  const field = fields()[name];
  if (field.validity.badInput || field.validity.stepMismatch) return `${what} is a whole number.`;
  if (field.validity.rangeUnderflow || field.validity.rangeOverflow) return `${what} is from ${field.min} to ${field.max}.`;
  return null;
}

const checks = {
  type: () => (fields().type.value.trim() ? null : 'A job needs a type: it picks the handler.'),
  payload: () => payloadProblem(fields().payload.value),
  priority: () => wholeNumber('priority', 'The priority'),
  max_retries: () => wholeNumber('max_retries', 'The number of retries'),
  scheduled_at: () => (fields().scheduled_at.validity.badInput ? 'The date or the time is not complete.' : null),
};

function check(name) {
  const wrong = checks[name]?.() ?? null;
  mark(name, wrong);
  return wrong === null;
}

function mark(name, wrong) {
  const field = fields()[name];
  const note = find(`#${name}-problem`);
  hints[name] ??= note.textContent;
  if (wrong === null) field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
  setText(note, wrong ?? hints[name]);
}

// Built as text around the payload as it was typed: a large number in it must not pass through a double.
function body() {
  const { type, queue, payload, priority, max_retries, scheduled_at } = fields();
  const rest = { type: type.value.trim() };
  if (queue.value.trim()) rest.queue = queue.value.trim();
  if (priority.value) rest.priority = Number(priority.value);
  if (max_retries.value) rest.max_retries = Number(max_retries.value);
  if (scheduled_at.value) rest.scheduled_at = new Date(scheduled_at.value).toISOString();
  return `${JSON.stringify(rest).slice(0, -1)},"payload":${payload.value}}`;
}

function refuse(problem) {
  const box = find('#enqueue-error');
  const named = problem.errors?.filter(error => error.field in checks) ?? [];
  named.forEach(error => mark(error.field, error.message));
  box.hidden = false;
  setText(box, [`${problem.title}.`, problem.detail, problem.hint, problem.code].filter(Boolean).join(' · ').replace('. ·', '.'));
}

async function send() {
  const wrong = Object.keys(checks).filter(name => !check(name));
  if (wrong.length) { fields()[wrong[0]].focus(); return; }
  find('#enqueue-error').hidden = true;
  try {
    const job = await api.call('POST', 'jobs', { body: body() });
    find('#enqueue').close();
    const later = new Date(job.scheduled_at) > new Date(job.created_at);
    done(`Enqueued ${job.type} #${job.id}`, { detail: later ? `It runs ${new Date(job.scheduled_at).toLocaleString('en-GB')}.` : `In queue ${job.queue}.`, job: job.id });
  } catch (problem) {
    refuse(problem);
  }
}

function tidy() {
  if (check('payload')) fields().payload.value = pretty(parse(fields().payload.value)).text;
  else fields().payload.focus();
}

export function open() {
  const dialog = find('#enqueue');
  if (dialog.open) return;
  find('#enqueue-error').hidden = true;
  dialog.showModal();
  fields().type.focus();
  fields().type.select();
}

const submit = () => busy(find('[type="submit"]', form()), send);
// A field is not called wrong before it was typed in.
form().addEventListener('input', event => { if (event.target.name in checks) check(event.target.name); });
form().addEventListener('submit', event => { event.preventDefault(); submit(); });
form().addEventListener('keydown', event => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); submit(); }
});
find('#payload-tidy').addEventListener('click', tidy);
