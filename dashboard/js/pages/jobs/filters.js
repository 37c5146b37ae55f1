// The filters of the list of jobs: fields whose values live in the address.
import { now } from '../../core/clock.js';
import { el, setText } from '../../core/dom.js';
import { containment, span } from '../../core/filters.js';
import * as url from '../../core/url.js';

export const NAMES = ['type', 'queue', 'status', 'tag', 'payload', 'time'];
const STATUSES = { '': 'Any status', PENDING: 'Ready or scheduled', PROCESSING: 'Processing', WAITING: 'Waiting', COMPLETED: 'Completed', CANCELLED: 'Cancelled', DEAD: 'Dead' };
const TIMES = { '': 'Any time', '15m': 'Last 15 min', '1h': 'Last hour', '24h': 'Last 24 h', '7d': 'Last 7 days', range: 'Between …' };

// As the address has them.
export const given = () => Object.fromEntries(NAMES.map(name => [name, url.get(name)]).filter(([, value]) => value));
export const isFiltered = () => Object.keys(given()).length > 0;

// As the API takes them: for a list, a count, and in the bodies of what changes many.
export function query() {
  const { payload = '', time = '', ...names } = given();
  // Whole minutes: the same question gets the same answer for a while.
  const { after, before } = span(time, Math.floor(now() / 60_000) * 60_000) ?? {};
  const found = { ...names, created_after: after, created_before: before, payload: containment(payload).json };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value));
}

// Said in full before anything is done to all that match.
export function words() {
  const { type, queue, status, tag, payload, time } = given();
  const parts = [
    type && `of type ${type}`, queue && `in queue ${queue}`, status && `that are ${STATUSES[status]?.toLowerCase() ?? status}`, tag && `with the tag ${tag}`,
    payload && `whose payload has ${payload}`, time && (TIMES[time] ? `of the ${TIMES[time].toLowerCase()}` : 'of the chosen time'),
  ].filter(Boolean);
  return parts.length ? parts.join(', ') : 'in every queue';
}

const choice = (name, label, options) => el('select.field', { name, 'aria-label': label },
  Object.entries(options).map(([value, word]) => el('option', { value }, word)));
const text = (name, label, extra = {}) => el('input.field', { name, placeholder: label, 'aria-label': label, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', ...extra });

export function filters(scope) {
  const problem = el('p.problem.filter-problem', { id: 'payload-problem', hidden: true, role: 'status' });
  const moment = (name, label) => el('label.stack', {}, label, el('input.field.num', { type: 'datetime-local', name }));
  const range = el('div.filter-range', { hidden: true }, moment('from', 'Enqueued from'), moment('to', 'up to'));
  const clear = el('button.button.ghost', { type: 'button', id: 'clear' }, 'Clear');
  const form = el('form.filters', { id: 'filter', role: 'search', 'aria-label': 'Filter' },
    text('type', 'Type', { 'data-search': true, list: 'known-types', maxlength: 200 }),
    text('queue', 'Queue', { list: 'known-queues', maxlength: 200 }),
    choice('status', 'Status', STATUSES),
    text('tag', 'Tag', { maxlength: 100 }),
    text('payload', 'Payload: to=ada@example.com', { 'aria-label': 'Payload', 'aria-describedby': 'payload-problem', title: 'to=ada@example.com, item.colour="light blue", or JSON that the payload contains' }),
    choice('time', 'Time', TIMES),
    clear, range, problem);
  const fields = form.elements;

  const isRange = value => Boolean(value) && !(value in TIMES);
  function show() {
    for (const name of NAMES) {
      const field = fields[name];
      if (field === document.activeElement) continue;
      const value = url.get(name);
      field.value = name === 'time' && isRange(value) ? 'range' : value;
    }
    const time = url.get('time');
    if (isRange(time) && !range.contains(document.activeElement)) [fields.from.value, fields.to.value] = [...time.split('/'), ''];
    range.hidden = fields.time.value !== 'range';
    clear.hidden = !isFiltered();
    say();
  }

  function say() {
    const wrong = containment(fields.payload.value).problem;
    problem.hidden = !wrong;
    setText(problem, wrong);
    if (wrong) fields.payload.setAttribute('aria-invalid', 'true');
    else fields.payload.removeAttribute('aria-invalid');
    return !wrong;
  }

  let timer = 0;
  function apply() {
    clearTimeout(timer);
    range.hidden = fields.time.value !== 'range';
    const values = Object.fromEntries(NAMES.map(name => [name, fields[name].value.trim()]));
    if (values.time === 'range') values.time = fields.from.value || fields.to.value ? `${fields.from.value}/${fields.to.value}` : '';
    if (!say()) delete values.payload;
    url.set({ ...values, rows: '' }, { replace: true });
  }
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(apply, 250); });
  form.addEventListener('change', apply);
  form.addEventListener('submit', event => { event.preventDefault(); apply(); });
  clear.addEventListener('click', () => {
    form.reset();
    url.set({ ...Object.fromEntries(NAMES.map(name => [name, ''])), rows: '' });
    fields.type.focus();
  });
  scope.signal.addEventListener('abort', () => clearTimeout(timer));
  scope.onUrl(show);
  show();
  return form;
}
