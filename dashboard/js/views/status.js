// Is this live? The connection's state in the bar, and notices for what needs a person.
import * as api from '../api.js';
import { connect } from '../connection.js';
import { find, reconcile, setText } from '../dom.js';
import { CAP, age, count, plural, timeOfDay } from '../format.js';
import * as live from '../live.js';
import { now } from '../clock.js';

const WORDS = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', offline: 'Offline', refused: 'Not connected' };

function connectionNotice({ state, problem, since }) {
  if (state !== 'offline') return [];
  const stale = since ? ` What you see is from ${timeOfDay(new Date(since))}.` : '';
  return [{
    key: 'offline', tone: 'dead', action: 'Try now',
    title: navigator.onLine === false ? 'You are offline.' : `${problem?.title ?? 'The event stream keeps ending'}.`,
    text: `${[problem?.detail, problem?.hint].filter(Boolean).join(' ')}${stale}`,
  }];
}

function problemNotice(problem) {
  if (!problem) return [];
  const text = [problem.detail, problem.hint, problem.code].filter(Boolean).join(' · ');
  return [{ key: 'problem', tone: 'dead', title: `${problem.title}.`, text }];
}

function workerNotice(stats) {
  if (!stats || stats.workers.alive > 0 || stats.totals.ready === 0) return [];
  const { ready, capped } = stats.totals;
  return [{
    key: 'workers', tone: 'processing', title: 'No worker is running.',
    text: `${count(ready, capped && ready >= CAP)} ready ${ready === 1 ? 'job waits' : 'jobs wait'}. Start one with “forge worker”.`,
  }];
}

function pausedNotices(queues, stats) {
  const depth = new Map(stats?.queues.map(row => [row.queue, row.ready]));
  return (queues?.items ?? []).filter(row => row.paused && depth.get(row.queue) > 0).map(row => ({
    key: `paused ${row.queue}`, tone: 'processing', title: `Queue ${row.queue} is paused.`,
    text: `For ${age(now() - Date.parse(row.paused_at))} so far; ${plural(depth.get(row.queue), 'ready job')} ${depth.get(row.queue) === 1 ? 'waits' : 'wait'} there.${row.pause_reason ? ` Reason: ${row.pause_reason}` : ''}`,
  }));
}

function make(notice) {
  const item = document.createElement('li');
  const text = document.createElement('p');
  item.className = `notice tone-${notice.tone}`;
  text.append(document.createElement('strong'), ' ', document.createElement('span'));
  item.append(text);
  if (notice.action) {
    const button = document.createElement('button');
    button.className = 'button small';
    button.type = 'button';
    button.textContent = notice.action;
    button.addEventListener('click', connect);
    item.append(button);
  }
  return item;
}

function update(item, notice) {
  setText(find('strong', item), notice.title);
  setText(find('span', item), notice.text);
}

export function mount() {
  live.watch('connection', () => {
    const { state } = live.get('connection') ?? { state: 'connecting' };
    const box = find('#connection');
    box.dataset.state = state;
    setText(find('span', box), WORDS[state]);
    const where = find('#where');
    where.hidden = api.base().origin === location.origin;
    setText(where, api.base().host);
  });
  live.watch(['connection', 'problem', 'stats', 'queues'], () => {
    const stats = live.get('stats');
    reconcile(find('#notices'), [
      ...connectionNotice(live.get('connection') ?? {}),
      ...problemNotice(live.get('problem')),
      ...workerNotice(stats),
      ...pausedNotices(live.get('queues'), stats),
    ], { key: notice => notice.key, make, update });
  });
}
