// The tokens of the API: who may come in, as what, and since when they have not. A token itself is shown once.
import * as api from '../../core/api.js';
import { now } from '../../core/clock.js';
import { connect } from '../../core/connection.js';
import { el, time } from '../../core/dom.js';
import * as live from '../../core/live.js';
import { source } from '../../core/source.js';
import { badge, button, panel } from '../../parts/controls.js';
import { emptiness, snippet } from '../../parts/empty.js';
import { sheet } from '../../parts/sheet.js';
import { table } from '../../parts/table.js';
import { attempt, done } from '../../parts/toasts.js';
import { ask, openForm } from '../../shell/doors.js';

const ROLES = { viewer: 'Viewer: looks', producer: 'Producer: enqueues', worker: 'Worker: takes jobs and reports on them', operator: 'Operator: everything' };
const LIFE = [['2592000', '30 days'], ['7776000', '90 days'], ['31536000', '1 year'], ['', 'Until it is revoked']];

const may = right => (live.get('session')?.rights ?? []).includes(right);
const ended = token => token.revoked_at ?? (token.expires_at && Date.parse(token.expires_at) <= now() ? token.expires_at : null);

function state(token) {
  if (token.revoked_at) return badge('Revoked', 'quiet');
  return ended(token) ? badge('Expired', 'quiet') : badge('Good', 'completed');
}

// `use`: this page has no token yet, and would be refused from now on.
function showOnce({ token, name, role }, use) {
  const take = close => { api.setToken(token, api.base().href); close(); connect(); };
  sheet({ id: 'token', title: `The token of ${name}`, narrow: true, content: close => ({
    body: el('div.sheet-body', {},
      el('p', {}, `It lets its bearer in as ${role}. It is shown this once; nobody can read it again.`),
      snippet(token, 'the token')),
    foot: [
      use && el('button.button', { type: 'button', onclick: () => take(close) }, 'Use it on this page'),
      el('button.button.primary', { type: 'button', onclick: close }, 'I have it'),
    ],
  }) });
}

const create = (list, first) => openForm({
  id: 'new-token', title: 'New token', yes: 'Create', narrow: true, values: { role: first ? 'operator' : 'viewer', expires_in_seconds: '7776000' },
  lead: first ? 'The first token closes the API: from then on everybody needs one, this page too. So let it be an operator’s.' : null,
  fields: [
    { name: 'name', label: 'Name', required: true, placeholder: 'wall screen', hint: 'Whose it is, for people.' },
    { name: 'role', label: 'Role', kind: 'choice', options: Object.entries(ROLES) },
    { name: 'expires_in_seconds', label: 'Good for', kind: 'choice', options: LIFE },
  ],
  async send({ name, role, expires_in_seconds: seconds }) {
    const made = await api.call('POST', 'tokens', { body: { name, role, ...(seconds && { expires_in_seconds: Number(seconds) }) } });
    list.reload();
    setTimeout(() => showOnce(made, first));   // after the form has closed
  },
});

const revoke = (token, list) => ask({
  title: `Revoke the token of ${token.name}?`, text: 'Whoever uses it is refused within seconds. It cannot be brought back.', yes: 'Revoke', danger: true,
  work: () => attempt('Revoke', async () => {
    await api.call('DELETE', `tokens/${token.id}`);
    list.reload();
    done(`The token of ${token.name} is revoked`);
  }),
});

export function tokens(scope) {
  // Only operators may see them; the API would refuse the others.
  const list = source(scope, { wanted: () => (may('operate') ? { path: 'tokens', query: { limit: 100 } } : null), topics: ['session'], every: 30_000, render });
  const rows = table({ key: token => token.id, caption: 'Tokens', columns: [
    { head: 'Name', cell: token => [token.name, ' ', el('span.id', {}, `#${token.id}`)] },
    { head: 'Role', cell: token => token.role },
    { head: 'State', cell: state },
    { head: 'Last used', class: 'end', cell: token => (token.last_used_at ? time(token.last_used_at) : el('span.soft', {}, 'never')) },
    { head: 'Created', class: 'end soft', cell: token => time(token.created_at) },
    { head: 'Ends', class: 'end soft', cell: token => (ended(token) || token.expires_at ? time(ended(token) ?? token.expires_at) : 'when revoked') },
    { head: '', class: 'end', cell: token => (ended(token) ? '' : button('Revoke', () => revoke(token, list), { kind: 'small ghost', right: 'operate', 'aria-label': `Revoke the token of ${token.name}` })) },
  ] });
  const empty = emptiness(list, value => value.items, { title: 'No tokens', text: 'Without any, the API takes every caller on this machine for an operator. The first one closes it.' });
  const element = panel({
    title: 'Tokens', note: 'What lets programs and people into the API.',
    actions: button('New token', () => create(list, (list.value()?.items ?? []).length === 0), { kind: 'small', right: 'operate' }),
  }, rows.element, empty.element);
  function render() {
    element.hidden = !may('operate');
    rows.draw(list.value()?.items ?? list.stale()?.items ?? []);
    empty.draw();
  }
  scope.watch(['session', 'connection'], render);
  return element;
}
