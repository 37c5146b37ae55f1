// Short messages: what an action did, or why it did not.
import { find, fill, slot, stamp } from '../dom.js';

const SHOWN_FOR = 6000;

function show(box, tone, { title, detail = '', hint = '', job = null }, lasting) {
  const element = stamp('toast');
  element.classList.add(`tone-${tone}`);
  fill(element, { title, detail, hint });
  if (job !== null) {
    const link = slot(element, 'link');
    link.hidden = false;
    link.href = `?job=${job}`;
  }
  let timer = 0;
  const leave = () => element.remove();
  const arm = () => { if (!lasting) timer = setTimeout(leave, SHOWN_FOR); };
  element.addEventListener('pointerenter', () => clearTimeout(timer));
  element.addEventListener('pointerleave', arm);
  element.addEventListener('focusin', () => clearTimeout(timer));
  find('button', element).addEventListener('click', leave);
  const parent = find(box);
  while (parent.childElementCount >= 3) parent.firstElementChild.remove();
  parent.append(element);
  arm();
}

export const done = (title, extra = {}) => show('#toasts-polite', 'completed', { title, ...extra }, false);

// The problem in its own words: what was tried, the title and values, then the hint with the code. Stays until read.
export function failed(what, problem) {
  show('#toasts-urgent', 'dead', {
    title: `${what}: ${problem.title ?? problem.message}`,
    detail: problem.detail ?? '',
    hint: [problem.code, problem.hint].filter(Boolean).join(' · '),
  }, true);
}
