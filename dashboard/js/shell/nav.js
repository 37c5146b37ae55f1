// The pages' names: what waits on them as a number, and on a phone those that do not fit behind "More".
import { find, setText } from '../core/dom.js';
import { count } from '../core/format.js';
import * as live from '../core/live.js';
import * as url from '../core/url.js';

function number(selector, value, words, over = false) {
  const badge = find(selector);
  badge.hidden = !value;
  setText(badge, value ? count(value, over) : '');
  badge.title = value ? words : '';
}

export function mount() {
  live.watch(['dead', 'warnings'], () => {
    const dead = live.get('dead');
    number('#count-dead', dead?.dead ?? 0, 'dead jobs wait for a decision', dead?.capped && dead.dead >= 10_000);
    const urgent = (live.get('warnings')?.items ?? []).filter(item => item.severity === 'warning');
    number('#count-warnings', urgent.length, 'warnings');
  });
  const more = find('#nav-more');
  const show = open => more.setAttribute('aria-expanded', String(open));
  more.addEventListener('click', () => show(more.getAttribute('aria-expanded') === 'false'));
  document.addEventListener('click', event => { if (!event.target.closest('#nav-more')) show(false); });
  addEventListener('keydown', event => { if (event.key === 'Escape') show(false); });
  url.onChange(() => show(false));
  // A link to #main would be taken for the address of a page.
  find('#skip').addEventListener('click', event => { event.preventDefault(); find('#main').focus(); });
}
