// A button that copies a text, and says whether it did.
import { setText } from '../core/dom.js';
import { button } from './controls.js';
import { failed } from './toasts.js';

const SAID_FOR = 1500;

// `text()`: asked for when pressed. `name`: of what, for a screen reader.
export function copyButton(text, name) {
  const copy = button('Copy', async () => {
    try { await navigator.clipboard.writeText(text()); } catch {
      failed('Copy', { title: 'the browser does not allow it', hint: 'Select the text and copy it by hand.' });
      return;
    }
    setText(copy, 'Copied');
    setTimeout(() => setText(copy, 'Copy'), SAID_FOR);
  }, { kind: 'small ghost', 'aria-label': `Copy ${name}` });
  return copy;
}
