// A worker that drains claims no more and finishes what it has: before it is replaced.
import * as api from '../../core/api.js';
import { button } from '../../parts/controls.js';
import { attempt, done } from '../../parts/toasts.js';

export const pathOf = worker => `workers/${encodeURIComponent(worker)}`;
const steer = (worker, what) => api.call('POST', `${pathOf(worker)}/${what}`);

function turn(row, changed) {
  const drains = Boolean(row.draining_at);
  const [what, back] = drains ? ['resume', 'drain'] : ['drain', 'resume'];
  return attempt(drains ? 'Resume' : 'Drain', async () => {
    await steer(row.worker, what);
    changed();
    done(drains ? `${row.worker} claims again` : `${row.worker} drains`, {
      detail: drains ? '' : 'It finishes the jobs it has and claims no more.',
      undo: async () => { await steer(row.worker, back); changed(); },
    });
  });
}

export const drainButton = (row, changed = () => {}, kind = 'small') => row.alive && button(row.draining_at ? 'Resume' : 'Drain', () => turn(row, changed), {
  kind, right: 'operate', 'aria-label': `${row.draining_at ? 'Resume' : 'Drain'} worker ${row.worker}`,
});
