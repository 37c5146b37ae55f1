// A payload or a result: indented, secrets masked, the long ones cut until asked for.
import { fill, find, setText, slot, stamp } from '../dom.js';
import { bytes } from '../format.js';
import { pretty } from '../json.js';

const SHOWN = 20_000; // characters; laying out a megabyte of text takes a browser seconds

export function valueView(name, value) {
  const element = stamp('value-view');
  const pre = find('pre', element);
  const reveal = slot(element, 'reveal');
  const all = slot(element, 'all');
  const copy = slot(element, 'copy');
  let hide = true;
  let whole = false;

  function render() {
    const { text, secrets } = pretty(value, { hide });
    const size = new TextEncoder().encode(text).length;
    const cut = !whole && text.length > SHOWN;
    setText(pre, cut ? `${text.slice(0, SHOWN)}…` : text);
    setText(slot(element, 'size'), size < 1024 ? '' : bytes(size));
    all.hidden = !cut;
    setText(all, `Show all ${bytes(size)}`);
    reveal.hidden = secrets === 0;
    setText(reveal, hide ? 'Show secrets' : 'Hide secrets');
  }

  fill(element, { name });
  pre.ariaLabel = name;
  copy.ariaLabel = `Copy ${name.toLowerCase()}`;
  reveal.addEventListener('click', () => { hide = !hide; render(); });
  all.addEventListener('click', () => { whole = true; render(); });
  copy.addEventListener('click', async () => {
    const worked = await navigator.clipboard?.writeText(pretty(value, { hide }).text).then(() => true, () => false);
    setText(copy, worked ? 'Copied' : 'Not allowed');
    setTimeout(() => setText(copy, 'Copy'), 1500);
  });
  render();
  return element;
}
