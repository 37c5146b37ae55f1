// Retries all dead jobs that match, in batches, after asking.
import * as api from '../api.js';
import { now } from '../clock.js';
import { describeFilter, plural } from '../format.js';
import * as live from '../live.js';
import { ask } from './confirm.js';
import { done, failed } from './toasts.js';

const BATCH = 100;

// Only jobs that were dead at the start count: one that dies again meanwhile must not keep it going.
async function retryAll(filter, { progress, stopped }) {
  const died_before = new Date(now()).toISOString();
  let retried = 0;
  for (;;) {
    const answer = await api.call('POST', 'dlq/retry', { body: { ...filter, died_before, limit: BATCH } });
    retried += answer.retried;
    progress(retried);
    if (!answer.more || stopped()) return retried;
  }
}

// How many there are is known only of all of them together: a filter's matches are not counted.
export function askRetryAll(filter, reload) {
  const isFiltered = Object.keys(filter).length > 0;
  const all = live.get('dead');
  const known = isFiltered || !all || all.capped ? null : all.dead;
  const number = known === null ? '' : ` (${plural(known, 'job')})`;
  ask({
    title: isFiltered ? 'Retry all that match?' : 'Retry all dead jobs?',
    text: `Every dead job ${describeFilter(filter)} becomes ready again, with fresh retries${number}.`,
    yes: 'Retry all',
    total: known,
    unit: 'retried',
    work: async steps => {
      try {
        const retried = await retryAll(filter, steps);
        done(`Retried ${plural(retried, 'job')}`, steps.stopped() ? { detail: 'Stopped; the others are still dead.' } : {});
      } catch (problem) {
        failed('Retry all', problem);
      }
      reload();
    },
  });
}
