// The few ways in which the page is written to. Text only ever arrives as text.
import { now } from './clock.js';
import { age, clockTime, exact, relative } from './format.js';
import { visible } from './json.js';

export const find = (selector, root = document) => root.querySelector(selector);

const SAID = new Set(['title', 'aria-label']);   // attributes that people read or hear
const SVG = 'http://www.w3.org/2000/svg';
const SHAPES = new Set(['svg', 'path', 'line', 'circle', 'rect', 'g', 'polyline', 'text', 'title']);

// el('button.button.small', { type: 'button', onclick: work }, 'Text', child): an element with its classes, attributes,
// listeners and children. null, undefined and false leave an attribute or a child out; a text child is made visible.
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split('.');
  const element = SHAPES.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  if (classes.length) element.setAttribute('class', classes.join(' '));
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'value') element.value = value;
    else element.setAttribute(key, value === true ? '' : SAID.has(key) ? visible(value) : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === '') continue;
    element.append(child instanceof Node ? child : visible(child));
  }
}

export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

// Sets text only where it changed: screen readers and selections notice every write.
export function setText(element, text) {
  const safe = visible(text ?? '');
  if (element.textContent !== safe) element.textContent = safe;
}

export function setTone(element, tone) {
  const name = `tone-${tone}`;
  if (element.dataset.tone === name) return;
  if (element.dataset.tone) element.classList.remove(element.dataset.tone);
  element.classList.add(name);
  element.dataset.tone = name;
}

function say(element) {
  const when = Date.parse(element.dateTime);
  const { form } = element.dataset;
  setText(element, form === 'age' ? age(now() - when) : form === 'clock' ? clockTime(new Date(when), now()) : relative(when, now()));
}

// <time>: relative in view, exact on hover, and it goes on by itself. `form: 'age'` is for a length without "ago",
// `'clock'` for the time of day.
export function setTime(element, iso) {
  if (!iso) {
    element.removeAttribute('datetime');
    element.removeAttribute('title');
    setText(element, '–');
    return;
  }
  if (element.dateTime !== iso) {
    element.dateTime = iso;
    element.title = exact(new Date(iso));
  }
  say(element);
}

export function time(iso, { form = '' } = {}) {
  const element = el('time', { 'data-form': form || null });
  setTime(element, iso);
  return element;
}

setInterval(() => { if (!document.hidden) document.querySelectorAll('time[datetime]').forEach(say); }, 1000);

// Makes the children of `parent` one element per item, in order, keeping the elements (and the focus) of those that stay.
export function reconcile(parent, items, { key, make, update = () => {} }) {
  const old = new Map([...parent.children].map(child => [child.dataset.key, child]));
  const wanted = new Set(items.map(item => String(key(item))));
  // Those that go leave first: moving an element that stays would take the focus from it.
  old.forEach((element, id) => { if (!wanted.has(id)) element.remove(); });
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = String(key(item));
    let element = old.get(id);
    if (!element) {
      element = make(item);
      element.dataset.key = id;
    }
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}

// A busy button does nothing when pressed again. It is not `disabled`, as that would take the focus from it.
export async function busy(button, work) {
  if (button.ariaBusy === 'true') return;
  button.ariaBusy = 'true';
  try { await work(); } finally { button.ariaBusy = null; }
}
