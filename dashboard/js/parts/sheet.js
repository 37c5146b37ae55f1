// A dialog in the middle of the page: head, body, foot. It is made when it opens, and gone when it is closed.
import { el } from '../core/dom.js';

// `content(close)` returns { body, foot }. Closing gives the focus back to where it was, as the browser does by itself.
export function sheet({ id, title, narrow = false, onclose = () => {}, content }) {
  const dialog = el(narrow ? 'dialog.sheet.narrow' : 'dialog.sheet', { id, 'aria-labelledby': `${id}-title` });
  const close = () => dialog.close();
  const { body, foot, form = null } = content(close);
  const inner = [
    el('header.sheet-head', {},
      el('h2', { id: `${id}-title` }, title),
      el('button.button.ghost.icon', { type: 'button', 'aria-label': 'Close', onclick: () => dialog.dispatchEvent(new Event('cancel', { cancelable: true })) && close() }, '✕')),
    body,
    foot && el('footer.sheet-foot', {}, foot),
  ].filter(Boolean);
  if (form) { form.append(...inner); dialog.append(form); } else dialog.append(...inner);
  dialog.addEventListener('close', () => { dialog.remove(); onclose(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
