// Suggestions for the fields of types and queues: <datalist id="known-types">, <datalist id="known-queues">.
import { el, reconcile } from '../core/dom.js';
import * as live from '../core/live.js';

const lists = Object.fromEntries(['types', 'queues'].map(name => [name, el('datalist', { id: `known-${name}` })]));
document.body.append(...Object.values(lists));

live.watch(['jobs', 'stats', 'dead', 'workers', 'types'], () => {
  const jobs = [...(live.get('jobs')?.items ?? []), ...(live.get('dead')?.items ?? [])];
  const workers = live.get('workers')?.items ?? [];
  const names = {
    types: [...jobs.map(job => job.type), ...workers.flatMap(row => row.types ?? []), ...(live.get('types')?.items ?? []).map(row => row.type)],
    queues: [...(live.get('stats')?.queues ?? []), ...jobs].map(row => row.queue),
  };
  for (const [name, list] of Object.entries(lists)) {
    reconcile(list, [...new Set(names[name])].sort(), {
      key: item => item,
      make: () => el('option'),
      update: (option, item) => { option.value = item; },
    });
  }
});
