// The switch that stops a queue: with a reason for those who will wonder, and each way has its undo.
import * as api from '../../core/api.js';
import { openForm } from '../../shell/doors.js';
import { attempt, done } from '../../parts/toasts.js';

export const pathOf = queue => `queues/${encodeURIComponent(queue)}`;

const pauseWith = (queue, reason) => api.call('PATCH', pathOf(queue), { body: { paused: true, ...(reason && { pause_reason: reason }) } });
const resumeIt = queue => api.call('PATCH', pathOf(queue), { body: { paused: false } });

function askToPause(queue, changed) {
  openForm({
    id: 'pause', title: `Pause ${queue}`, narrow: true, yes: 'Pause',
    lead: 'Running jobs finish; no new one is started until the queue is resumed.',
    fields: [{ name: 'reason', label: 'Reason', max: 500, placeholder: 'the mail server moves', hint: 'Shown wherever somebody asks why nothing runs. May be left empty.' }],
    send: async ({ reason }) => {
      await pauseWith(queue, reason);
      changed();
      done(`Queue ${queue} is paused`, { undo: async () => { await resumeIt(queue); changed(); } });
    },
  });
}

const resume = (queue, reason, changed) => attempt(`Resume ${queue}`, async () => {
  await resumeIt(queue);
  changed();
  done(`Queue ${queue} runs again`, { undo: async () => { await pauseWith(queue, reason); changed(); } });
});

// `row`: { queue, paused, pause_reason }; `changed` is called when it worked.
export const toggle = (row, changed = () => {}) => (row.paused ? resume(row.queue, row.pause_reason, changed) : askToPause(row.queue, changed));
