// Every queue: how deep, how old, paused or not.
import * as api from '../api.js';
import { busy, fill, find, reconcile, setText, setTime, slot, stamp } from '../dom.js';
import { count } from '../format.js';
import * as live from '../live.js';
import { done, failed } from './toasts.js';

// Both topics know queues: stats the numbers, queues the settings. A queue may be new to one of them.
function rows() {
  const paused = new Map(live.get('queues')?.items.map(row => [row.queue, row]));
  const counted = (live.get('stats')?.queues ?? []).map(row => ({ ...row, ...pausedOf(paused.get(row.queue), row) }));
  return counted.sort((a, b) => a.queue.localeCompare(b.queue));
}

const pausedOf = (setting, row) => ({ paused: setting?.paused ?? row.paused, paused_at: setting?.paused_at ?? null });

async function toggle(queue, paused) {
  const what = paused ? 'Pause' : 'Resume';
  try {
    const answer = await api.call('PATCH', `queues/${encodeURIComponent(queue)}`, { body: { paused } });
    const items = (live.get('queues')?.items ?? []).filter(row => row.queue !== queue);
    live.set('queues', { items: [...items, answer] });
    done(paused ? `${queue} is paused` : `${queue} runs again`,
       paused ? { detail: 'Running jobs finish; no new one is started.' } : {});
  } catch (problem) {
    failed(`${what} ${queue}`, problem);
  }
}

function make(row) {
  const element = stamp('queue-row');
  const button = slot(element, 'action');
  button.addEventListener('click', () => busy(button, () => toggle(row.queue, button.dataset.paused !== 'true')));
  return element;
}

function update(element, row) {
  const number = name => count(row[name], row[name] >= row.counted_to);
  fill(element, { queue: row.queue, ready: number('ready'), processing: number('processing') });
  slot(element, 'queue').href = `?${new URLSearchParams({ queue: row.queue })}#jobs`;
  slot(element, 'paused').hidden = !row.paused;
  setTime(slot(element, 'oldest'), row.oldest_ready_at);
  const button = slot(element, 'action');
  button.dataset.paused = row.paused;
  setText(button, row.paused ? 'Resume' : 'Pause');
  button.ariaLabel = `${row.paused ? 'Resume' : 'Pause'} queue ${row.queue}`;
}

function render() {
  const all = rows();
  reconcile(find('#queue-rows'), all, { key: row => row.queue, make, update });
  find('#queues .scroll').hidden = all.length === 0;
  find('#queues-empty').hidden = all.length > 0 || !live.get('stats');
}

export const mount = () => live.watch(['stats', 'queues'], render);
