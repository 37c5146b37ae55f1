// A JSON value as a tree that folds: read with the pointer or the arrow keys, copied, its path shown where one is.
// Secrets are masked and long texts cut until they are asked for; what is folded is not built, so that a large value opens at once.
import { el, find, replace, setText } from '../core/dom.js';
import { bytes, plural } from '../core/format.js';
import { Exact, isSecret, pretty, stringify, visible } from '../core/json.js';
import { copyButton } from './copy.js';

const LONG = 2_000;    // characters of a text shown at first: laying out a megabyte takes a browser seconds
const CHUNK = 100;     // entries of a list or an object shown at first, and with each "more"
const ROOMY = 12;      // what has more entries than this begins folded

const isNode = value => value !== null && typeof value === 'object' && !(value instanceof Exact);
const entries = value => (Array.isArray(value) ? value.map((item, index) => [index, item]) : Object.entries(value));
const step = (path, key) => (typeof key === 'number' ? `${path}[${key}]`
  : /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`);
const size = text => new TextEncoder().encode(text).length;

// What stands for a list or an object that is folded.
const folded = value => (Array.isArray(value) ? `[ ${plural(value.length, 'item')} ]` : `{ ${plural(Object.keys(value).length, 'field')} }`);

export function tree(name, value) {
  let hide = true;
  const { secrets } = pretty(value);
  const whole = size(stringify(value) ?? 'null');
  const path = el('span.tree-path');
  const list = el('ul.tree', { role: 'tree', 'aria-label': name });
  const reveal = el('button.button.small.ghost', { type: 'button', hidden: secrets === 0, onclick: () => { hide = !hide; draw(); } });

  function text(string) {
    const shown = el('span.tree-text', {}, `"${string.length > LONG ? `${string.slice(0, LONG)}…` : string}"`);
    if (string.length <= LONG) return shown;
    const more = el('button.button.small', { type: 'button', tabindex: -1, onclick: event => {
      event.stopPropagation();
      replace(shown, `"${string}"`);
      more.remove();
    } }, `Show all ${bytes(size(string))}`);
    return [shown, more];
  }

  function leaf(item, key) {
    if (hide && typeof key === 'string' && isSecret(key) && item !== null && item !== '') return el('span.tree-masked', { title: 'A secret by its name' }, '••••••');
    if (typeof item === 'string') return text(item);
    return el(item === null ? 'span.tree-null' : 'span.tree-plain', {}, String(item));
  }

  const isMasked = (item, key) => hide && typeof key === 'string' && isSecret(key) && item !== null && item !== '';

  function node(key, item, here, level) {
    const opens = isNode(item) && !isMasked(item, key) && entries(item).length > 0;
    const row = el('div.tree-row', { title: visible(here) },
      key !== null && el('span.tree-key', {}, typeof key === 'number' ? String(key) : key === '' ? '""' : key),
      opens ? el('span.tree-fold', {}, folded(item)) : isNode(item) && !isMasked(item, key) ? el('span.tree-null', {}, Array.isArray(item) ? '[ ]' : '{ }') : leaf(item, key));
    const element = el('li', { role: 'treeitem', 'aria-level': level, tabindex: -1, 'data-path': here }, row);
    if (!opens) return element;
    element.setAttribute('aria-expanded', 'false');
    const group = el('ul', { role: 'group' });
    element.append(group);
    let built = 0;
    const more = el('button.button.small.tree-more', { type: 'button', tabindex: -1, onclick: event => { event.stopPropagation(); build(); } });
    function build() {
      const all = entries(item);
      group.append(...all.slice(built, built + CHUNK).map(([name, child]) => node(name, child, step(here, name), level + 1)));
      built = Math.min(all.length, built + CHUNK);
      if (built < all.length) { setText(more, `Show ${plural(Math.min(CHUNK, all.length - built), 'more', 'more')} of ${all.length}`); group.append(more); } else more.remove();
    }
    element.unfold = () => { if (!built) build(); element.setAttribute('aria-expanded', 'true'); };
    element.fold = () => element.setAttribute('aria-expanded', 'false');
    if (level === 1 || (level < 4 && entries(item).length <= ROOMY)) element.unfold();
    return element;
  }

  function draw() {
    setText(reveal, hide ? 'Show secrets' : 'Hide secrets');
    const root = node(null, value, '$', 1);
    root.tabIndex = 0;
    replace(list, root);
    setText(path, '');
  }

  const shown = () => [...list.querySelectorAll('[role="treeitem"]')].filter(item => !item.parentElement.closest('[aria-expanded="false"]'));
  const toggle = item => (item.getAttribute('aria-expanded') === 'true' ? item.fold() : item.unfold?.());

  function focus(item) {
    if (!item) return;
    list.querySelectorAll('[tabindex="0"]').forEach(other => { other.tabIndex = -1; });
    item.tabIndex = 0;
    item.focus({ preventScroll: true });
    find('.tree-row', item).scrollIntoView({ block: 'nearest' });
  }

  const KEYS = {
    ArrowDown: (item, all) => focus(all[all.indexOf(item) + 1]),
    ArrowUp: (item, all) => focus(all[all.indexOf(item) - 1]),
    ArrowRight: item => { if (item.ariaExpanded === 'false') item.unfold(); else focus(find('[role="treeitem"]', item)); },
    ArrowLeft: item => { if (item.ariaExpanded === 'true') item.fold(); else focus(item.parentElement.closest('[role="treeitem"]')); },
    Home: (_, all) => focus(all[0]),
    End: (_, all) => focus(all.at(-1)),
    Enter: item => (item.unfold ? toggle(item) : find('.tree-row button', item)?.click()),
  };
  list.addEventListener('keydown', event => {
    const item = event.target.closest('[role="treeitem"]');
    const run = KEYS[event.key === ' ' ? 'Enter' : event.key];
    if (!run || !item || event.target.closest('button') || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    run(item, shown());
  });
  list.addEventListener('click', event => {
    const item = event.target.closest('[role="treeitem"]');
    if (!item || event.target.closest('button') || !getSelection().isCollapsed) return;
    focus(item);
    if (item.unfold && event.target.closest('.tree-row')?.parentElement === item) toggle(item);
  });
  const tell = event => setText(path, event.target.closest('[role="treeitem"]')?.dataset.path ?? '');
  list.addEventListener('pointerover', tell);
  list.addEventListener('focusin', tell);
  list.addEventListener('pointerleave', () => setText(path, list.contains(document.activeElement) ? document.activeElement.dataset.path ?? '' : ''));

  draw();
  const isPlain = !isNode(value);
  return el('section.value', {},
    el('div.value-head', {}, el('h3', {}, name), whole >= 1024 && el('span.hint', {}, bytes(whole)), path, reveal,
      copyButton(() => (isPlain && !(hide && secrets) && typeof value === 'string' ? value : pretty(value, { hide }).text), name.toLowerCase())),
    list);
}
