// The keyboard, the theme, and the dialogs' ways out.
import { find } from '../dom.js';
import { enqueue } from '../doors.js';
import * as url from '../url.js';

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

function step(by) {
  const links = [...document.querySelectorAll('#job-rows a')];
  const here = links.findIndex(link => link === document.activeElement || link.closest('tr').classList.contains('open'));
  const link = links[here < 0 ? 0 : Math.min(Math.max(here + by, 0), links.length - 1)];
  link?.focus();
  if (find('#job').open) link?.click();
}

const KEYS = {
  '?': () => find('#help').showModal(),
  '/': () => find('#filter [name="type"]').focus(),
  e: enqueue,
  j: () => step(1),
  k: () => step(-1),
  d: () => { find('#dead').scrollIntoView(); find('#dead').focus({ preventScroll: true }); },
  t: nextTheme,
  Escape: () => url.set({ job: '' }),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || find('dialog:modal')) return;
  const typing = event.target.closest('input:not([type="radio"]), textarea, select');
  if (typing) {
    if (event.key === 'Escape') typing.blur();
    return;
  }
  const run = KEYS[event.key];
  if (!run) return;
  event.preventDefault();
  run();
}

addEventListener('keydown', onKey);
find('#theme').addEventListener('click', nextTheme);
find('#help-open').addEventListener('click', KEYS['?']);
for (const dialog of document.querySelectorAll('dialog.sheet')) {
  dialog.addEventListener('click', event => {
    if (event.target.closest('[data-close]')) dialog.close();
  });
}
nameTheme();
