// A question before something large, then the progress of it in the same place.
import { find, setText } from '../dom.js';
import { count } from '../format.js';

const parts = () => ({
  dialog: find('#confirm'), yes: find('#confirm-yes'), no: find('#confirm-no'),
  box: find('#confirm-progress'), bar: find('#confirm-progress progress'), words: find('#confirm-progress p'),
});

let current = null; // { question, running, stop }

// `work({ progress(done), stopped() })` runs after yes; `total` null where it is not known.
export function ask(question) {
  const { dialog, yes, no, box } = parts();
  current = { question, running: false, stop: false };
  setText(find('#confirm-title'), question.title);
  setText(find('#confirm-text'), question.text);
  setText(yes, question.yes);
  setText(no, 'Cancel');
  yes.hidden = false;
  box.hidden = true;
  dialog.showModal();
  no.focus();
}

async function run() {
  const { dialog, yes, no, box, bar, words } = parts();
  const mine = current;
  const { question } = mine;
  mine.running = true;
  yes.hidden = true;
  box.hidden = false;
  setText(no, 'Stop');
  bar.removeAttribute('value');
  if (question.total) bar.max = question.total;
  setText(words, '');
  no.focus();
  await question.work({
    stopped: () => mine.stop,
    progress: number => {
      if (question.total) bar.value = Math.min(number, question.total);
      setText(words, `${count(number)}${question.total ? ` of ${count(question.total)}` : ''} ${question.unit}`);
    },
  });
  mine.running = false;
  dialog.close();
}

// Escape and Cancel leave the question; once it runs, they stop it after the batch in hand.
function leave() {
  const { dialog, no } = parts();
  if (!current?.running) { dialog.close(); return; }
  current.stop = true;
  setText(no, 'Stopping…');
}

parts().yes.addEventListener('click', run);
parts().no.addEventListener('click', leave);
parts().dialog.addEventListener('cancel', event => { event.preventDefault(); leave(); });
