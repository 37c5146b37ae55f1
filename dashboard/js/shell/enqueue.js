// The form that enqueues: the known types and queues, what the type's schema asks for, all options, or the request as JSON.
import * as api from '../core/api.js';
import { now } from '../core/clock.js';
import { el, replace } from '../core/dom.js';
import { plural } from '../core/format.js';
import { Exact, parse, pretty } from '../core/json.js';
import * as live from '../core/live.js';
import { fields as fieldsOf, skeleton, wrong } from '../core/schema.js';
import { button } from '../parts/controls.js';
import * as form from '../parts/form.js';
import { done } from '../parts/toasts.js';

const schemaOf = type => (live.get('types')?.items ?? []).find(row => row.type === type)?.schema ?? null;

const FIELDS = [
  { name: 'type', label: 'Type', suggest: 'types', required: true, placeholder: 'email', hint: 'Picks the handler.', missing: 'A job needs a type: it picks the handler.' },
  { name: 'queue', label: 'Queue', suggest: 'queues', placeholder: 'default', hint: 'Workers pull from it.' },
  { name: 'payload', label: 'Payload', kind: 'json', rows: 7, required: true, hint: 'JSON, at most 1 MiB.',
    check: (value, values) => wrong(schemaOf(values.type), parse(value.source)) },
  { name: 'scheduled_at', label: 'Run at', kind: 'time', hint: 'Your time zone. Empty: as soon as a worker is free.' },
  { name: 'delay_seconds', label: 'Or after', kind: 'seconds', placeholder: '10 min', hint: 'From now.',
    check: (value, values) => (value !== null && values.scheduled_at ? 'Either a time or a delay.' : null) },

  { more: 'This job', name: 'priority', label: 'Priority', kind: 'whole', min: -32768, max: 32767, placeholder: '0', hint: 'Higher runs first.' },
  { more: 'This job', name: 'tags', label: 'Tags', kind: 'list', placeholder: 'invoice, customer-7', hint: 'To find it by; with commas between.' },
  { more: 'This job', name: 'timeout_seconds', label: 'One attempt may take', kind: 'seconds', placeholder: 'as the type says', hint: '1 s to 1 d.' },
  { more: 'This job', name: 'concurrency_key', label: 'Concurrency key', placeholder: 'customer-7', hint: 'Whose limits it counts against.' },

  { more: 'Only once', name: 'unique_key', label: 'Unique key', max: 500, placeholder: 'order-1234', hint: 'One live job holds a key.' },
  { more: 'Only once', name: 'unique_by', label: 'Or made out of', kind: 'list', placeholder: 'type, payload.id', hint: 'type, queue, payload, payload.name' },
  { more: 'Only once', name: 'on_conflict', label: 'If the key is taken', kind: 'choice', options: [['', 'Keep the job that holds it'], ['replace', 'Replace its payload, priority and time'], ['merge', 'Merge the payload into its own'], ['raise', 'Refuse this one']] },
  { more: 'Only once', name: 'unique_scope', label: 'The key counts', kind: 'choice', options: [['', 'In its queue'], ['global', 'In all queues']] },
  { more: 'Only once', name: 'unique_for_seconds', label: 'Taken on after the end for', kind: 'seconds', placeholder: '1 h', hint: 'Empty: free as soon as it is done.' },
  { more: 'Only once', name: 'debounce_seconds', label: 'Debounce', kind: 'seconds', placeholder: '30 s', hint: 'Due so long after the last one of this key.' },
  { more: 'Only once', name: 'debounce_max_seconds', label: 'But at most', kind: 'seconds', placeholder: '10 min', hint: 'After the first one.' },

  { more: 'After other jobs', name: 'depends_on', label: 'Waits for jobs', kind: 'list', placeholder: '17, 18', hint: 'Their ids.',
    check: value => (value?.every(id => /^[1-9]\d*$/.test(id)) ?? true ? null : 'Ids are whole numbers.') },
  { more: 'After other jobs', name: 'on_parent_failure', label: 'If one of them fails', kind: 'choice', options: [['', 'Wait on'], ['run', 'Run all the same'], ['cancel', 'Cancel this one']] },
  { more: 'After other jobs', name: 'batch', label: 'Belongs to batch', kind: 'whole', min: 1, hint: 'The id of its callback.' },

  { more: 'Retries', name: 'max_retries', label: 'Retries at most', kind: 'whole', min: 0, max: 100000, placeholder: 'as the queue says', hint: 'After the first attempt.' },
  { more: 'Retries', name: 'retry_base_seconds', label: 'First wait', kind: 'seconds', placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_factor', label: 'Then times', kind: 'number', min: 1, placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_cap_seconds', label: 'Longest wait', kind: 'seconds', placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_jitter', label: 'Spread', kind: 'number', min: 0, max: 1, placeholder: 'as the queue says', hint: 'A share of the wait, 0 to 1, added at random.' },
  { more: 'Retries', name: 'retry_rules', label: 'Rules by error', kind: 'json', rows: 3, placeholder: '[{"error_type": "RateLimited", "action": "retry", "max_retries": 50}]', hint: 'First that matches decides: retry, permanent or pause.' },
];

// The request as the API takes it.
function request({ delay_seconds: delay, ...values }) {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
  if (given.depends_on) given.depends_on = given.depends_on.map(id => new Exact(String(id)));
  if (delay !== null && delay !== undefined) given.scheduled_at = new Date(now() + delay * 1000).toISOString();
  return given;
}

async function one(body) {
  const job = await api.call('POST', 'jobs', { body });
  const later = new Date(job.scheduled_at) > new Date(job.created_at);
  done(`Enqueued ${job.type} #${job.id}`, {
    detail: later ? `It runs ${new Date(job.scheduled_at).toLocaleString('en-GB')}.` : `In queue ${job.queue}.`, job: job.id,
  });
}

async function many(jobs) {
  const { items } = await api.call('POST', 'jobs/batch', { body: { jobs } });
  const made = items.filter(item => item.created).length;
  done(`Enqueued ${plural(made, 'job')}`, made < items.length ? { detail: `${items.length - made} unique keys were taken.` } : {});
}

// A payload goes through the forms as text, with every digit that was typed.
const whole = value => (value instanceof Exact && !/^-?\d/.test(value.source) ? parse(value.source) : value);

function openRaw(values) {
  const plain = Object.fromEntries(Object.entries(request(values)).map(([name, value]) => [name, whole(value)]));
  form.open({
    id: 'enqueue', title: 'Enqueue as JSON', yes: 'Enqueue',
    fields: [{ name: 'request', label: 'Request', kind: 'json', rows: 16, required: true, hint: 'One job, or a list of jobs: all of them are enqueued, or none. Every field of POST /jobs.' }],
    values: { request: new Exact(pretty(plain).text) },
    fieldOf: () => 'request',
    foot: ({ read, close }) => button('As a form', () => {
      let back = null;
      try { back = parse(read().request.source); } catch { /* it stays here until it can be read */ }
      if (back === null || Array.isArray(back) || typeof back !== 'object') return;
      close();
      open(back);
    }, { kind: 'ghost aside' }),
    async send({ request: text }) {
      const body = parse(text.source);
      await (Array.isArray(body) ? many(body) : one(body));
    },
  });
}

function schemaHelp() {
  const box = el('details.preview.wide', { hidden: true });
  let shown;
  return {
    box,
    show(type) {
      const schema = schemaOf(type);
      const known = schema ? fieldsOf(schema) : [];
      const mark = JSON.stringify([type, known]);
      if (mark === shown) return;
      shown = mark;
      box.hidden = known.length === 0;
      box.open = known.length > 0 && known.length < 8;
      replace(box,
        el('summary', {}, `What ${type} takes`),
        el('dl.schema', {}, known.map(field => [
          el('dt', {}, el('code', {}, field.name)),
          el('dd', {}, field.type, field.required ? ', needed' : '', field.note && el('span.soft', {}, ` · ${field.note}`)),
        ])));
    },
  };
}

// `values` fill the form in: a copy of a job that is on the page.
export function open(values = {}) {
  const help = schemaHelp();
  let dialog = null;
  const follow = ({ type }) => {
    help.show(type);
    const payload = dialog?.querySelector('#field-payload');
    const start = skeleton(schemaOf(type));
    if (payload?.value.trim() === '{}' && Object.keys(start).length) payload.value = pretty(start).text;
  };
  const given = { ...values, payload: values.payload ?? new Exact('{}') };
  dialog = form.open({
    id: 'enqueue', title: 'Enqueue a job', fields: FIELDS, values: given, yes: 'Enqueue',
    after: { payload: help.box }, follow,
    fieldOf: ({ code }) => ({ JQ012: 'unique_key', JQ013: 'queue', JQ014: 'payload' })[code] ?? null,
    foot: ({ read, close }) => button('As JSON', () => { const now = read(); close(); openRaw(now); }, { kind: 'ghost aside' }),
    send: values => one(request(values)),
  });
  // What is known of types is asked when it is wanted; the form works without.
  api.read('types', { limit: 500 }).then(types => {
    live.set('types', types);
    const type = dialog.querySelector('#field-type');
    if (type) follow({ type: type.value.trim() });
  }, () => {});
}
