// The system: what is wrong and what to do, how long things are kept, who may come in, and what is installed.
import * as api from '../core/api.js';
import { el, replace } from '../core/dom.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import { badge, button, facts, head, panel } from '../parts/controls.js';
import { emptiness } from '../parts/empty.js';
import { warningList } from '../parts/names.js';
import { rulesPanel } from '../parts/rules.js';
import { door } from '../shell/doors.js';
import { keeping } from './system/keeping.js';
import { migrations } from './system/migrations.js';
import { tokens } from './system/tokens.js';

export const title = 'System';

const RIGHTS = { read: 'look', enqueue: 'enqueue', work: 'run jobs', operate: 'change everything' };

function doctor(scope) {
  const found = warningList();
  const list = source(scope, { wanted: () => ({ path: 'doctor' }), topics: ['warnings'], gap: 5000, every: 20_000, render });
  const empty = emptiness(list, value => value.items, [el('p', {}, badge('All well', 'completed'), ' Nothing is wrong with the queues or the server under them.')]);
  function render() {
    found.draw(list.value()?.items ?? list.stale()?.items ?? []);
    empty.draw();
  }
  return panel({
    title: 'What needs a look', id: 'doctor', note: null,
    actions: button('Look again', () => list.reload(), { kind: 'small ghost' }),
  }, el('div.findings', {}, found.element), empty.element);
}

function session(scope) {
  const body = el('div.panel-body');
  scope.watch('session', () => {
    const now = live.get('session');
    if (!now) { replace(body, el('p.soft', {}, 'Loading…')); return; }
    replace(body, facts([
      ['Role', now.role],
      ['May', Object.keys(RIGHTS).filter(right => now.rights.includes(right)).map(right => RIGHTS[right]).join(', ')],
      ['Tokens', now.tokens ? 'asked for' : 'not asked for: everybody who reaches this address is an operator'],
      ['API', api.base().href],
    ]));
  });
  return panel({
    title: 'This session', id: 'session',
    actions: button('Use a token', () => door('access').then(part => part.ask({ status: 401, title: 'Another token' })), { kind: 'small' }),
  }, body);
}

export function mount({ root, scope }) {
  replace(root,
    head({ title: 'System', lead: 'What Forge itself says, and the settings that hold for all.' }),
    doctor(scope),
    el('div.columns', {}, keeping(scope)),
    rulesPanel({ scope, of: {} }),
    tokens(scope),
    el('div.columns', {}, session(scope), migrations(scope)));
}
