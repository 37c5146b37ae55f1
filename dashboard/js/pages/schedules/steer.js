// What is done to one schedule, each with its undo.
import * as api from '../../core/api.js';
import { attempt, done } from '../../parts/toasts.js';

export const path = name => `schedules/${encodeURIComponent(name)}`;

const SET = [
  'cron', 'time_zone', 'type', 'payload', 'queue', 'priority', 'max_retries', 'retry_base_seconds', 'retry_factor', 'retry_cap_seconds',
  'retry_jitter', 'tags', 'concurrency_key', 'timeout_seconds', 'retry_rules', 'catch_up', 'catch_up_limit', 'grace_seconds', 'overlap', 'starts_at',
];

// What a schedule was set to, as the API takes it.
const settingsOf = row => Object.fromEntries(SET.map(name => [name, row[name]]).filter(([name, value]) => name === 'payload' || (value !== null && value !== undefined)));

const put = (name, settings) => api.call('PUT', path(name), { body: settings });

export const toggle = (row, reload) => attempt(row.paused ? 'Resume' : 'Pause', async () => {
  const steer = paused => api.call('POST', `${path(row.name)}/${paused ? 'pause' : 'resume'}`);
  await steer(!row.paused);
  reload();
  done(`${row.name} ${row.paused ? 'runs again' : 'is paused'}`, {
    detail: row.paused ? '' : 'What comes due meanwhile is not made up for.',
    undo: async () => { await steer(row.paused); reload(); },
  });
});

export const runNow = (row, reload) => attempt('Run now', async () => {
  const job = await api.call('POST', `${path(row.name)}/run`);
  reload();
  done(`Enqueued ${job.type} #${job.id}`, { detail: `For ${row.name}; its next run stays as it is.`, job: job.id });
});

// Saves what a form gives; `before` is the whole schedule where there was one.
export async function save(name, settings, before, reload) {
  const made = await put(name, settings);
  reload();
  done(before ? `${name} is changed` : `${name} is made`, {
    undo: async () => {
      if (before) await put(name, settingsOf(before));
      else await api.call('DELETE', path(name));
      reload();
    },
  });
  return made;
}

// `after()` leaves the page of what is gone; `back()` shows it again.
export const remove = (name, after, back) => attempt('Delete', async () => {
  const row = await api.read(path(name));    // whole: a list leaves long payloads out
  await api.call('DELETE', path(name));
  after();
  done(`${name} is deleted`, {
    detail: 'Its jobs stay.',
    undo: async () => {
      await put(name, settingsOf(row));
      if (row.paused) await api.call('POST', `${path(name)}/pause`);
      back();
    },
  });
});
