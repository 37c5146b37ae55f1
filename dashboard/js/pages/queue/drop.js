// Removing a queue: asked for by its name, done in batches, and nothing brings it back.
import * as api from '../../core/api.js';
import { go } from '../../core/url.js';
import { button, panel } from '../../parts/controls.js';
import { attempt, done } from '../../parts/toasts.js';
import { ask } from '../../shell/doors.js';
import { pathOf } from './pause.js';

const BATCH = 1000;
const BREATH = 250; // ms between two batches: a tick may hold what the last one needs

const rest = () => new Promise(resolve => { setTimeout(resolve, BREATH); });

async function drop(queue, { progress, stopped }) {
  for (let batches = 1; ; batches += 1) {
    const { dropped } = await api.call('DELETE', pathOf(queue), { query: { limit: BATCH } });
    if (dropped) {
      done(`Queue ${queue} is removed`);
      go('queues');
      return;
    }
    progress(batches * BATCH);
    if (stopped()) { done(`Stopped: a part of ${queue} is left`); return; }
    await rest();
  }
}

export function dropPanel({ queue, state }) {
  const open = () => {
    const pulling = (state().workers ?? []).filter(worker => worker.alive).length;
    ask({
      title: `Remove ${queue}`, yes: 'Remove for good', danger: true, typed: queue, unit: 'jobs at most',
      text: ['Its jobs, their history, its dead letters, settings and numbers go. Nothing brings them back.',
        pulling > 0 && ` ${pulling === 1 ? 'A worker pulls' : `${pulling} workers pull`} from it: pause it and stop them first, or it comes back with the next job.`],
      work: steps => attempt(`Remove ${queue}`, () => drop(queue, steps)),
    });
  };
  const box = panel({
    title: 'Remove this queue', note: 'With its jobs, their history and its settings, for good.',
    actions: button('Remove…', open, { kind: 'small', right: 'operate' }),
  });
  box.dataset.right = 'operate';
  return box;
}
