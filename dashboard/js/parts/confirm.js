// A question before something large, then the progress of it in the same place.
import { el, setText } from '../core/dom.js';
import { count } from '../core/format.js';
import { visible } from '../core/json.js';
import { sheet } from './sheet.js';

// question: { title, text (or nodes), yes, no, total (null: not known), unit, danger, typed, work({ progress(done), stopped() }) }.
// `typed`: a name that has to be typed before yes can be pressed, for what nothing brings back.
// `work` runs after yes, in batches; what fails in it is its own to say.
export function ask({ title, text, yes, no: refusal = 'Cancel', total = null, unit = '', danger = false, typed = null, work }) {
  let running = false;
  let stop = false;
  const bar = el('progress', { max: total });
  const words = el('p.num', { role: 'status' });
  const box = el('div', { id: 'confirm-progress', hidden: true }, bar, words);
  const name = typed && el('input.field', { id: 'confirm-typed', autocomplete: 'off', spellcheck: 'false' });
  const label = typed && el('label.stack', {}, el('span', {}, 'Type ', el('strong', {}, typed), ' to confirm'), name);
  const dialog = sheet({ id: 'confirm', title, narrow: true, content: close => {
    const no = el('button.button', { type: 'button', id: 'confirm-no', onclick: leave }, refusal);
    const go = el(danger ? 'button.button.danger' : 'button.button.primary', { type: 'button', id: 'confirm-yes', onclick: run, disabled: Boolean(typed) }, yes);
    name?.addEventListener('input', () => { go.disabled = name.value.trim() !== visible(typed).trim(); });
    name?.addEventListener('keydown', event => { if (event.key === 'Enter' && !go.disabled && !running) run(); });

    // Escape and Cancel leave the question; once it runs, they stop it after the batch in hand.
    function leave() {
      if (!running) { close(); return; }
      stop = true;
      setText(no, 'Stopping…');
    }

    async function run() {
      running = true;
      go.hidden = true;
      if (label) label.hidden = true;
      box.hidden = false;
      setText(no, 'Stop');
      no.focus();
      await work({
        stopped: () => stop,
        progress: number => {
          if (total) bar.value = Math.min(number, total);
          setText(words, `${count(number)}${total ? ` of ${count(total)}` : ''} ${unit}`);
        },
      });
      running = false;
      close();
    }

    return { body: el('div.sheet-body', {}, el('p', { id: 'confirm-text' }, text), label, box), foot: [no, go] };
  } });
  dialog.addEventListener('cancel', event => {
    if (!running) return;
    event.preventDefault();
    stop = true;
  });
  (name ?? dialog.querySelector('#confirm-no')).focus();
}
