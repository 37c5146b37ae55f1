// The form that enqueues.
import * as api from '../core/api.js';
import { Exact } from '../core/json.js';
import * as form from '../parts/form.js';
import { done } from '../parts/toasts.js';

const FIELDS = [
  { name: 'type', label: 'Type', suggest: 'types', required: true, placeholder: 'email', hint: 'Picks the handler.', missing: 'A job needs a type: it picks the handler.' },
  { name: 'queue', label: 'Queue', suggest: 'queues', placeholder: 'default', hint: 'Workers pull from it.' },
  { name: 'payload', label: 'Payload', kind: 'json', rows: 7, required: true, hint: 'JSON, at most 1 MiB.' },
  { name: 'priority', label: 'Priority', kind: 'whole', min: -32768, max: 32767, placeholder: '0', hint: 'Higher runs first.' },
  { name: 'max_retries', label: 'Retries at most', kind: 'whole', min: 0, max: 100000, placeholder: 'as the queue says', hint: 'After the first attempt.' },
  { name: 'scheduled_at', label: 'Run at', kind: 'time', wide: true, hint: 'Your time zone. Empty: as soon as a worker is free.' },
];

async function send(values) {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
  const job = await api.call('POST', 'jobs', { body: given });
  const later = new Date(job.scheduled_at) > new Date(job.created_at);
  done(`Enqueued ${job.type} #${job.id}`, {
    detail: later ? `It runs ${new Date(job.scheduled_at).toLocaleString('en-GB')}.` : `In queue ${job.queue}.`, job: job.id,
  });
}

export function open(values = {}) {
  form.open({ id: 'enqueue', title: 'Enqueue a job', fields: FIELDS, values: { payload: new Exact('{}'), ...values }, yes: 'Enqueue', send });
}
