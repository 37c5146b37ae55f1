// The form that changes a live job. Of one that runs, it says what its next attempt will be.
import * as api from '../../core/api.js';
import { Exact, pretty } from '../../core/json.js';
import { done } from '../../parts/toasts.js';
import { openForm } from '../../shell/doors.js';

const FIELDS = [
  { name: 'payload', label: 'Payload', kind: 'json', rows: 8, required: true, hint: 'JSON, at most 1 MiB.' },
  { name: 'priority', label: 'Priority', kind: 'whole', min: -32768, max: 32767, required: true, hint: 'Higher runs first.' },
  { name: 'max_retries', label: 'Retries at most', kind: 'whole', min: 0, max: 100000, placeholder: 'as the queue says', hint: 'After the first attempt.' },
  { name: 'queue', label: 'Queue', suggest: 'queues', required: true, waits: true },
  { name: 'scheduled_at', label: 'Run at', kind: 'time', required: true, waits: true, hint: 'Your time zone. A time that is over means now.' },
  { name: 'timeout_seconds', label: 'May run for', kind: 'seconds', placeholder: 'as the type says', waits: true, hint: '1 s to 1 day, each attempt.' },
  { name: 'tags', label: 'Tags', kind: 'list', hint: 'With commas between them.' },
];

const valuesOf = job => ({ ...job, payload: new Exact(pretty(job.payload).text) });

export async function edit(job, { address, reload }) {
  const runs = job.status === 'PROCESSING';
  const fields = FIELDS.filter(field => !(runs && field.waits));
  const dialog = await openForm({
    id: 'edit', title: `Edit ${job.type} #${job.id}`, fields, values: valuesOf(job),
    lead: runs ? 'It runs: what you change holds from its next attempt.' : null,
    async send(_, changed) {
      if (!Object.keys(changed).length) return;
      await api.call('PATCH', address, { body: changed });
      const before = Object.fromEntries(Object.keys(changed).map(name => [name, job[name]]));
      done(`${job.type} #${job.id} is changed`, { undo: async () => { await api.call('PATCH', address, { body: before }); reload(); } });
      reload();
    },
  });
  const payload = dialog?.querySelector('textarea');
  payload?.setSelectionRange(0, 0);   // read from its beginning
  payload?.scrollTo(0, 0);
}
