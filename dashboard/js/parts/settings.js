// Settings of one thing: shown as facts, changed by a form that sends only what changed, put back by undo.
import * as api from '../core/api.js';
import { el, replace } from '../core/dom.js';
import { openForm } from '../shell/doors.js';
import { button, facts, panel } from './controls.js';
import { done } from './toasts.js';

// A panel of facts. draw([[name, value], …], version): version is what the facts are drawn anew for.
export function settingsPanel({ title, id, note = null, name = title, edit, extra = [] }) {
  const body = el('div.panel-body');
  const change = button('Edit', edit, { kind: 'small', right: 'operate', 'aria-label': `Edit ${name.toLowerCase()}` });
  let drawn = null;
  return {
    element: panel({ title, id, note, actions: el('div.actions', {}, extra, change) }, body),
    draw(list, version = JSON.stringify(list)) {
      if (version === drawn) return;
      drawn = version;
      replace(body, Array.isArray(list) ? facts(list) : list);
    },
  };
}

// `body(changes)` and `back(before)` are what goes out, and what undo sends; as they stand unless said otherwise.
export function editSettings({ path, values, said, reload, body = changes => changes, back = body, ...form }) {
  openForm({ ...form, values, send: async (_all, changed) => {
    const names = Object.keys(changed);
    if (!names.length) return;
    const before = Object.fromEntries(names.map(name => [name, values[name] ?? null]));
    await api.call('PATCH', path, { body: body(changed) });
    reload();
    done(said, { undo: async () => { await api.call('PATCH', path, { body: back(before) }); reload(); } });
  } });
}
