// The few ways in which the page is written to. Text only ever arrives as text.
import { now } from './clock.js';
import { age, exact, relative } from './format.js';
import { visible } from './json.js';

export const find = (selector, root = document) => root.querySelector(selector);

// A copy of <template id="name">.
export const stamp = name => document.getElementById(name).content.firstElementChild.cloneNode(true);

// Sets text only where it changed: screen readers and selections notice every write.
export function setText(element, text) {
  const safe = visible(text ?? '');
  if (element.textContent !== safe) element.textContent = safe;
}

// Fills the [data-slot] elements of a stamped template.
export function fill(root, slots) {
  for (const [name, text] of Object.entries(slots)) {
    setText(find(`[data-slot="${name}"]`, root), text);
  }
}

export const slot = (root, name) => find(`[data-slot="${name}"]`, root);

function say(element) {
  const when = Date.parse(element.dateTime);
  const text = element.dataset.form === 'age' ? age(now() - when) : relative(when, now());
  setText(element, text);
}

// <time>: relative in view, exact on hover. `form="age"` is for a length without "ago".
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

setInterval(() => { if (!document.hidden) document.querySelectorAll('time[datetime]').forEach(say); }, 1000);

export function setTone(element, tone) {
  const name = `tone-${tone}`;
  if (element.dataset.tone === name) return;
  element.classList.remove(element.dataset.tone ?? name);
  element.classList.add(name);
  element.dataset.tone = name;
}

// Makes the children of `parent` one element per item, in order, keeping the elements (and the focus) of those that stay.
export function reconcile(parent, items, { key, make, update }) {
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
