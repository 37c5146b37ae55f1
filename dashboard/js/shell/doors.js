// What is not in the first view: dialogs and the keyboard. Loaded once the page has drawn its first numbers, or when
// asked for before that.
import { find } from '../core/dom.js';
import * as live from '../core/live.js';
import { style } from '../core/router.js';
import { failed } from '../parts/toasts.js';

const parts = {
  access: () => import('./access.js'),
  confirm: () => import('../parts/confirm.js'),
  enqueue: () => import('./enqueue.js'),
  form: () => import('../parts/form.js'),
  keys: () => import('./keys.js'),
  suggest: () => import('./suggest.js'),
};

// The module of a part, once its style is there. Rejects where it cannot be loaded: whoever asked for it says so.
export async function door(name) {
  await style('dialogs');
  return parts[name]();
}

const LOST = { title: 'a part of the page could not be loaded', hint: 'Reload the page once the connection is back.' };
export const lost = () => failed('Open', LOST);

export const may = right => document.documentElement.dataset.rights?.split(' ').includes(right) ?? false;

// `values` fill the form in: a copy of a job that is on the page.
export function enqueue(values = {}) {
  if (may('enqueue')) door('enqueue').then(part => part.open(values), lost);
}

// A form in a sheet, and a question before something large: see parts/form.js and parts/confirm.js.
export const openForm = form => door('form').then(part => part.open(form), lost);
export const ask = question => door('confirm').then(part => part.ask(question), lost);

export function mount() {
  find('#enqueue-open').addEventListener('click', () => enqueue());
  let loaded = false;
  const rest = () => {
    if (!loaded) Object.keys(parts).forEach(name => door(name).catch(() => {})); // tried again when asked for
    loaded = true;
  };
  live.watch('stats', () => { if (live.get('stats')) setTimeout(rest); });
  setTimeout(rest, 3000); // no numbers came; the keyboard and the theme work all the same
}
