// The keyboard and the theme.
import { el, find } from '../core/dom.js';
import * as url from '../core/url.js';
import { sheet } from '../parts/sheet.js';
import { enqueue } from './doors.js';

const THEMES = ['', 'light', 'dark'];
const WORDS = { '': 'as the system', light: 'light', dark: 'dark' };

function nameTheme() {
  const theme = document.documentElement.dataset.theme ?? '';
  const button = find('#theme');
  button.ariaLabel = `Theme: ${WORDS[theme]}. Change`;
  button.title = `Theme: ${WORDS[theme]} (t)`;
}

function nextTheme() {
  const root = document.documentElement;
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? '') + 1) % THEMES.length];
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  try { localStorage.setItem('forge.theme', theme); } catch { /* then it holds for this page only */ }
  nameTheme();
}

// The rows of a page are links marked with data-row.
function step(by) {
  const links = [...document.querySelectorAll('main a[data-row]')];
  const here = links.indexOf(document.activeElement);
  links[here < 0 ? 0 : Math.min(Math.max(here + by, 0), links.length - 1)]?.focus();
}

// Up from one thing to its list; elsewhere there is nothing to close.
function leave() {
  const [first, ...rest] = url.path();
  if (rest.length) url.go(first);
}

const PAGES = { o: '', j: 'jobs', d: 'dead', q: 'queues', w: 'workers', s: 'schedules', t: 'types', x: 'sql', y: 'system' };
const KEYS = {
  '?': help,
  '/': () => find('main [data-search]')?.focus(),
  e: () => enqueue(),
  j: () => step(1),
  k: () => step(-1),
  t: nextTheme,
  Escape: leave,
};

const LIST = [
  [['e'], 'Enqueue a job'],
  [['/'], 'Search on this page'],
  [['j', 'k'], 'Next and previous row'],
  [['↵'], 'Open it'],
  [['g', 'o'], 'Go to the overview'],
  [['g', 'j'], 'Jobs'],
  [['g', 'd'], 'Dead letters'],
  [['g', 'q'], 'Queues'],
  [['g', 'w'], 'Workers'],
  [['g', 's'], 'Schedules'],
  [['g', 't'], 'Types'],
  [['g', 'x'], 'In SQL'],
  [['g', 'y'], 'System'],
  [['t'], 'Light, dark, or as the system'],
  [['Esc'], 'Close what is open; up to the list'],
  [['?'], 'This list'],
];

function help() {
  sheet({ id: 'help', title: 'Keyboard shortcuts', narrow: true, content: () => ({
    body: el('dl.sheet-body.keys', {}, LIST.map(([keys, what]) => el('div', {},
      el('dt', {}, keys.map(key => [el('kbd', {}, key), ' '])), el('dd', {}, what)))),
  }) });
}

let going = 0; // until when a letter after g names a page

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || find('dialog:modal')) return;
  const typing = event.target.closest('input:not([type="radio"], [type="checkbox"]), textarea, select');
  if (typing) {
    if (event.key === 'Escape') typing.blur();
    return;
  }
  const goes = Date.now() < going && event.key in PAGES;
  going = event.key === 'g' ? Date.now() + 1500 : 0;
  const run = goes ? () => url.go(...[PAGES[event.key]].filter(Boolean)) : KEYS[event.key];
  if (!run) return;
  event.preventDefault();
  run();
}

addEventListener('keydown', onKey);
find('#theme').addEventListener('click', nextTheme);
find('#help-open').addEventListener('click', help);
nameTheme();
