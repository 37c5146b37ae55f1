// Who is asking, and what the page does about it: the role's rights decide what is offered, a refusal asks for a token.
import * as api from './api.js';
import { door, lost } from './doors.js';
import * as live from './live.js';

// Asked at every new connection: a restarted API may have other tokens.
async function learnRights() {
  try {
    const session = await api.read('session');
    document.documentElement.dataset.rights = session.rights.join(' ');
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
