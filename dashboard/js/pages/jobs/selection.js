// Which jobs are meant by an action: those that were ticked, or all that match the filter.
import { given } from './filters.js';

export function selection(changed) {
  const jobs = new Map();
  let all = false;
  let filter = '';          // that the ticks were made under
  let last = null;          // the tick before, where a tick with Shift begins
  const mark = () => { filter = JSON.stringify(given()); };

  function tick(job, on) {
    if (on) jobs.set(job.id, job); else jobs.delete(job.id);
    all = false;
  }

  return {
    has: id => all || jobs.has(id),
    size: () => jobs.size,
    isAll: () => all,
    isEmpty: () => !all && jobs.size === 0,
    jobs: () => [...jobs.values()],
    isFor: () => filter === JSON.stringify(given()),
    // With Shift also those between this tick and the one before.
    toggle(job, on, shown, isRange) {
      mark();
      const [from, to] = [shown.findIndex(row => row.id === last), shown.findIndex(row => row.id === job.id)].sort((a, b) => a - b);
      const meant = isRange && from >= 0 ? shown.slice(from, to + 1) : [job];
      meant.forEach(row => tick(row, on));
      last = job.id;
      changed();
    },
    setShown(shown, on) {
      mark();
      all = false;
      jobs.clear();
      if (on) shown.forEach(job => jobs.set(job.id, job));
      changed();
    },
    setAll() { mark(); all = true; changed(); },
    clear() { jobs.clear(); all = false; last = null; changed(); },
    // What is known of them may have changed since they were ticked.
    refresh: shown => shown.forEach(job => { if (jobs.has(job.id)) jobs.set(job.id, job); }),
  };
}
