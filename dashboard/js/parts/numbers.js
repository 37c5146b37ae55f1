// Large figures in a row: what counts of one thing, at a glance.
import { el, find, reconcile, setText, setTime } from '../core/dom.js';

const make = item => el('li', {}, el(item.link ? 'a' : 'div', {},
  el(`span.number-name${item.tone ? `.tone-${item.tone}` : ''}`, {}, item.name),
  item.at === undefined ? el('strong') : el('strong', {}, el('time', { 'data-form': 'age' })),
  el('small')));

function update(element, item) {
  const [box] = element.children;
  if (item.link) box.href = item.link;
  box.dataset.zero = item.value === '0' || item.at === null;
  if (item.at === undefined) setText(find('strong', box), item.value);
  else setTime(find('time', box), item.at);
  setText(find('small', box), item.note ?? '');
}

// items: [{ name, value (or at: a time, shown as its age), note, tone, link }]; names, tones and links stay as they were.
export function numbers(label) {
  const element = el('ul.numbers.panel', { 'aria-label': label });
  return { element, draw: items => reconcile(element, items, { key: item => item.name, make, update }) };
}
