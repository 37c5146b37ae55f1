// A job's life as a list of events, oldest first, and what it is doing now, in words. Pure.
import { duration, plural, status } from './format.js';

const between = (from, to) => duration(Date.parse(to) - Date.parse(from));
export const errorOf = job => job.error ?? job.errors?.at(-1)?.error ?? null;

function failure(error) {
  const took = error.started_at ? `after ${between(error.started_at, error.failed_at)}` : '';
  return {
    key: `failed-${error.attempt}-${error.failed_at}`,
    tone: 'dead',
    name: `Attempt ${error.attempt} failed`,
    at: error.failed_at,
    note: [took, error.worker && `on ${error.worker}`].filter(Boolean).join(' '),
    failure: error,
  };
}

function now(job) {
  const on = job.worker ? `on ${job.worker}` : '';
  switch (job.status) {
    case 'PENDING':
      return { tone: 'ready', name: job.attempts > 0 ? `Attempt ${job.attempts + 1} is due` : 'Due', at: job.scheduled_at };
    case 'PROCESSING':
      return { tone: 'processing', name: `Attempt ${job.attempts} started`, at: job.attempted_at, note: on };
    case 'COMPLETED':
      return { tone: 'completed', name: 'Completed', at: job.finished_at,
           note: `${job.attempted_at ? `after ${between(job.attempted_at, job.finished_at)} ` : ''}${on}` };
    case 'DEAD':
      return { tone: 'dead', name: 'Given up', at: job.finished_at, note: `after ${plural(job.attempts, 'attempt')}` };
    case 'CANCELLED':
      return { tone: 'quiet', name: 'Cancelled', at: job.finished_at };
    default:
      return { tone: 'quiet', name: 'Waits for other jobs', at: job.created_at };
  }
}

export function life(job) {
  const events = [
    { key: 'enqueued', tone: 'quiet', name: 'Enqueued', at: job.created_at },
    ...job.errors.map(failure),
    { key: 'now', ...now(job) },
  ];
  if (job.revived_at) {
    const times = job.revivals > 1 ? `, for the ${job.revivals}. time` : '';
    events.push({ key: 'revived', tone: 'ready', name: `Revived${times}`, at: job.revived_at });
  }
  if (job.cancel_requested_at && job.status === 'PROCESSING') {
    events.push({ key: 'cancel', tone: 'quiet', name: 'Asked to stop', at: job.cancel_requested_at });
  }
  return events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

// One short clause for a row of a list: text, then a time where there is one ("age": a length, without "ago").
export function happening(job, clock) {
  const error = errorOf(job);
  const { word } = status(job, clock);
  switch (word) {
    case 'Ready': return { text: 'due', time: job.scheduled_at };
    case 'Scheduled': return { text: 'runs', time: job.scheduled_at };
    case 'Retrying': return { text: 'retries', time: job.scheduled_at, title: error };
    case 'Processing':
    case 'Cancelling': {
      const share = job.progress === null ? null : `${Math.round(job.progress * 100)} %`;
      const said = [share, job.progress_note].filter(Boolean).join(' · ');
      return said ? { text: said, title: job.worker } : { text: 'for', time: job.attempted_at, age: true, title: job.worker };
    }
    case 'Completed': return { text: job.attempted_at ? `took ${between(job.attempted_at, job.finished_at)}` : '', title: job.worker };
    case 'Dead': return { text: error ?? 'no error recorded', failed: true, title: error };
    case 'Cancelled': return { text: '', time: job.finished_at };
    default: return { text: 'for what it depends on' };
  }
}
