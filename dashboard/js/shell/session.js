// Who is asking, and what the page does about it: the role's rights decide what is offered, a refusal asks for a token.
import * as api from '../core/api.js';
import * as live from '../core/live.js';
import { door, lost } from './doors.js';

// Asked at every new connection: a restarted API may have other tokens.
async function learnRights() {
  try {
    const session = await api.read('session');
    document.documentElement.dataset.rights = session.rights.join(' ');
    live.set('session', session);
  } catch { /* the stream reports what is wrong */ }
}

export function mount() {
  let before = '';
  live.watch('connection', () => {
    const { state, problem } = live.get('connection') ?? {};
    if (state === before) return;
    before = state;
    if (state === 'live') learnRights();
    if (state === 'refused') door('access').then(part => part.ask(problem), lost);
  });
}
