// What is not in the first view: dialogs, the job's drawer, the keyboard. Loaded once the page has drawn its first
// numbers, or when asked for before that.
import { find } from './dom.js';
import * as live from './live.js';
import * as url from './url.js';
import { failed } from './views/toasts.js';

const parts = {
  access: () => import('./views/access.js'),
  enqueue: () => import('./views/enqueue.js'),
  job: () => import('./views/job.js'),
  keys: () => import('./views/keys.js'),
  retryAll: () => import('./views/retryall.js'),
  suggest: () => import('./views/suggest.js'),
};

let styled = null;
const style = () => new Promise(resolve => {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = 'css/dialogs.css';
  link.addEventListener('load', resolve);
  link.addEventListener('error', resolve); // better unstyled than shut
  document.head.append(link);
});

// The module of a part, once its style is there. Rejects where it cannot be loaded: whoever asked for it says so.
export async function door(name) {
  styled ??= style();
  await styled;
  return parts[name]();
}

const LOST = { title: 'a part of the page could not be loaded', hint: 'Reload the page once the connection is back.' };
export const lost = () => failed('Open', LOST);

const mayEnqueue = () => document.documentElement.dataset.rights?.split(' ').includes('enqueue');
export function enqueue() {
  if (mayEnqueue()) door('enqueue').then(part => part.open(), lost);
}

export function mount() {
  find('#enqueue-open').addEventListener('click', enqueue);
  const openJob = () => { if (url.get('job')) door('job').catch(lost); };
  url.onChange(openJob);
  openJob();
  let loaded = false;
  const rest = () => {
    if (!loaded) Object.keys(parts).forEach(name => door(name).catch(() => {})); // tried again when asked for
    loaded = true;
  };
  live.watch('stats', () => { if (live.get('stats')) setTimeout(rest); });
  setTimeout(rest, 3000); // no numbers came; the keyboard and the theme work all the same
}
