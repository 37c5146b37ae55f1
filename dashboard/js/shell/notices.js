// Is this live? The connection's state in the bar, and notices for what makes the whole page wrong.
import * as api from '../core/api.js';
import { connect } from '../core/connection.js';
import { el, find, reconcile, setText } from '../core/dom.js';
import { timeOfDay } from '../core/format.js';
import * as live from '../core/live.js';

const WORDS = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', offline: 'Offline', refused: 'Not connected' };

function connectionNotice({ state, problem, since }) {
  if (state !== 'offline') return [];
  const stale = since ? ` What you see is from ${timeOfDay(new Date(since))}.` : '';
  return [{
    key: 'offline', action: 'Try now',
    title: navigator.onLine === false ? 'You are offline.' : `${problem?.title ?? 'The event stream keeps ending'}.`,
    text: `${[problem?.detail, problem?.hint].filter(Boolean).join(' ')}${stale}`,
  }];
}

function problemNotice(problem) {
  if (!problem) return [];
  const text = [problem.detail, problem.hint, problem.code].filter(Boolean).join(' · ');
  return [{ key: 'problem', title: `${problem.title}.`, text }];
}

const make = notice => el('li.notice.tone-dead', {},
  el('p', {}, el('strong'), ' ', el('span')),
  notice.action && el('button.button.small', { type: 'button', onclick: connect }, notice.action));

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
  live.watch(['connection', 'problem'], () => {
    reconcile(find('#notices'), [
      ...connectionNotice(live.get('connection') ?? {}),
      ...problemNotice(live.get('problem')),
    ], { key: notice => notice.key, make, update });
  });
}
