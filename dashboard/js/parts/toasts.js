// Short messages: what an action did and how to take it back, or why it did not.
import { busy, el, find } from '../core/dom.js';
import { href } from '../core/url.js';

const SHOWN_FOR = 6000;
const SHOWN_WITH_UNDO = 30_000;

function show(box, tone, { title, detail = '', hint = '', job = null, undo = null }, lasting) {
  const leave = () => element.remove();
  const takeBack = undo && el('button.button.small', { type: 'button', onclick: () => busy(takeBack, async () => {
    try { await undo(); leave(); } catch (problem) { leave(); failed('Undo', problem); }
  }) }, 'Undo');
  const element = el(`div.toast.tone-${tone}`, {},
    el('div.toast-text', {}, el('strong', {}, title), detail && el('span', {}, detail), hint && el('span', {}, hint)),
    job !== null && el('a', { href: href('jobs', job), onclick: leave }, 'Open'),
    takeBack,
    el('button.button.ghost.icon.small', { type: 'button', 'aria-label': 'Dismiss', onclick: leave }, '✕'));
  let timer = 0;
  const arm = () => { if (!lasting) timer = setTimeout(leave, undo ? SHOWN_WITH_UNDO : SHOWN_FOR); };
  const hold = () => clearTimeout(timer);
  element.addEventListener('pointerenter', hold);
  element.addEventListener('pointerleave', arm);
  element.addEventListener('focusin', hold);
  const parent = find(box);
  while (parent.childElementCount >= 3) parent.firstElementChild.remove();
  parent.append(element);
  arm();
}

// `undo`: an async function that takes the action back.
export const done = (title, extra = {}) => show('#toasts-polite', 'completed', { title, ...extra }, false);

// The problem in its own words: what was tried, the title and values, then the hint with the code. Stays until read.
export function failed(what, problem) {
  show('#toasts-urgent', 'dead', {
    title: `${what}: ${problem.title ?? problem.message}`,
    detail: problem.detail ?? '',
    hint: [problem.code, problem.hint].filter(Boolean).join(' · '),
  }, true);
}

// Runs an action and says how it ended; false where it failed.
export async function attempt(what, work) {
  try { await work(); return true; } catch (problem) { failed(what, problem); return false; }
}
