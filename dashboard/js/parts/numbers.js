// Large figures in a row: what counts of one thing, at a glance.
import { el, find, reconcile, setText, setTime, setTone } from '../core/dom.js';

const make = item => el('li', {}, el(item.link ? 'a' : 'div', {},
  el(item.tone ? 'span.number-name.dotted' : 'span.number-name', {}, item.name),
  item.at === undefined ? el('strong') : el('strong', {}, el('time', { 'data-form': 'age' })),
  el('small')));

function update(element, item) {
  const [box] = element.children;
  if (item.link) box.href = item.link;
  if (item.tone) setTone(find('.number-name', box), item.tone);
  box.dataset.zero = item.value === '0' || item.at === null;
  if (item.at === undefined) setText(find('strong', box), item.value);
  else setTime(find('time', box), item.at);
  setText(find('small', box), item.note ?? '');
}

// items: [{ name, value (or at: a time, shown as its age), note, tone, link }]; whether it has a tone and a link stays as it was.
export function numbers(label) {
  const element = el('ul.numbers.panel', { 'aria-label': label });
  return { element, draw: items => reconcile(element, items, { key: item => item.name, make, update }) };
}
