// Which page is shown: the first part of the address names it. A page is a module with `title` and `mount`, and a style of
// its own, both loaded when it is first asked for.
//   export const title = 'Jobs';                       // or title(args)
//   export function mount({ root, args, scope }) {…}    // fills root; everything it sets going hangs on scope
import { el, find, replace, setText } from './dom.js';
import { scope } from './scope.js';
import * as url from './url.js';

const PAGES = {
  overview: () => import('../pages/overview.js'),
  jobs: () => import('../pages/jobs.js'),
  job: () => import('../pages/job.js'),
  dead: () => import('../pages/dead.js'),
  queues: () => import('../pages/queues.js'),
  queue: () => import('../pages/queue.js'),
  workers: () => import('../pages/workers.js'),
  worker: () => import('../pages/worker.js'),
  schedules: () => import('../pages/schedules.js'),
  schedule: () => import('../pages/schedule.js'),
  types: () => import('../pages/types.js'),
  type: () => import('../pages/type.js'),
  sql: () => import('../pages/sql.js'),
  system: () => import('../pages/system.js'),
};
// A list and one of its things are two pages at one address: #/jobs and #/jobs/12.
const ONE = { jobs: 'job', queues: 'queue', workers: 'worker', schedules: 'schedule', types: 'type' };
// Those that need more than the shared styles: css/pages/jobs.css, also for the page of one thing.
const STYLED = new Set(['overview', 'jobs', 'dead', 'queues', 'schedules', 'types', 'system']);

const styles = new Map();

// A style sheet once it is there; better unstyled than shut.
export function style(name) {
  if (!styles.has(name)) {
    styles.set(name, new Promise(resolve => {
      document.head.append(el('link', { rel: 'stylesheet', href: `css/${name}.css`, onload: resolve, onerror: resolve }));
    }));
  }
  return styles.get(name);
}

let current = { key: null, scope: null };

function chosen() {
  const [first = 'overview', ...args] = url.path();
  const name = args.length && ONE[first] ? ONE[first] : first;
  return { name: PAGES[name] ? name : null, first, args };
}

const lost = () => el('div.panel.empty', {},
  el('h2', {}, 'A part of the page could not be loaded'), el('p', {}, 'Reload it once the connection is back.'));

const nowhere = () => el('div.panel.empty', {},
  el('h2', {}, 'There is no such page'), el('p', {}, el('a', { href: '#/' }, 'Go to the overview')));

async function follow() {
  const { name, first, args } = chosen();
  const key = [name, ...args].join('\n');
  document.querySelectorAll('.nav a').forEach(link => {
    if (link.dataset.page === first) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  });
  if (key === current.key) return;
  const isFirst = current.key === null;
  current.scope?.leave();
  current = { key, scope: scope() };
  const mine = current;
  const main = find('#main');
  let page;
  try {
    if (name) [page] = await Promise.all([PAGES[name](), STYLED.has(first) && style(`pages/${first}`)]);
  } catch { page = null; }
  if (mine !== current) return;
  const root = el('div.page');
  root.dataset.page = name ?? 'none';
  replace(main, root);
  const title = typeof page?.title === 'function' ? page.title(args) : page?.title;
  document.title = title && name !== 'overview' ? `${title} · Forge` : 'Forge';
  if (!name) replace(root, nowhere());
  else if (!page) { replace(root, lost()); current.key = ''; }
  else page.mount({ root, args, scope: mine.scope });
  if (isFirst) return;
  scrollTo(0, 0);
  setText(find('#announce'), title ?? '');   // a screen reader hears which page it is on
  main.focus({ preventScroll: true });
}

export function route() {
  url.onChange(follow);
  return follow();
}
