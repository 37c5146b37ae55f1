// Suggestions for the fields of types and queues: the names that are on the page already.
import { find, reconcile } from '../dom.js';
import * as live from '../live.js';

live.watch(['jobs', 'stats'], () => {
  const jobs = [...(live.get('jobs')?.items ?? []), ...(live.get('dead')?.items ?? [])];
  const queues = [...(live.get('stats')?.queues ?? []), ...jobs];
  for (const [id, names] of [['#known-types', jobs.map(job => job.type)], ['#known-queues', queues.map(row => row.queue)]]) {
    reconcile(find(id), [...new Set(names)].sort(), {
      key: name => name,
      make: () => document.createElement('option'),
      update: (option, name) => { option.value = name; },
    });
  }
});
