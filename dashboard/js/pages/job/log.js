// What a job says in its log, line after line. It follows the end while the reader is there.
import * as api from '../../core/api.js';
import { el, setText, setTone, time } from '../../core/dom.js';
import { pretty } from '../../core/json.js';
import { panel } from '../../parts/controls.js';

const PAGE = 500;
const SHOWN = 2_000; // lines; more would be slow to lay out, and the oldest leave first
const NEAR = 24;     // px from the end that still count as being there
const TONES = { error: 'dead', warning: 'processing', debug: 'quiet' };

// What is short reads better in one line. No text holds a line break of its own: in JSON it is written \n.
const inLine = text => (text.length > 200 ? text : text.replace(/\n\s*/g, ' '));

function lineOf({ at, level, message, attempt, data }) {
  const word = el('strong', {}, level === 'info' ? '' : level);
  setTone(word, TONES[level] ?? 'quiet');
  return el('li', { title: `Attempt ${attempt}` }, time(at, { form: 'clock' }),
    el('div', {}, el('p', {}, word, level !== 'info' && ' ', message), data !== null && el('pre.code', {}, inLine(pretty(data, { hide: true }).text))));
}

export function log({ scope, address, job }) {
  const lines = el('ol');
  const view = el('div.log', { role: 'log', 'aria-label': 'Log', tabindex: 0 }, lines);
  const note = el('span.hint.num');
  const toEnd = el('button.button.small', { type: 'button', hidden: true, onclick: follow }, 'Follow');
  const element = panel({ title: 'Log', id: 'log', actions: [note, toEnd] }, el('div.panel-body', {}, view));
  element.hidden = true;
  let after = 0;
  let total = 0;
  let seen = '';      // the job as it was when the log was last read to its end

  const isAtEnd = () => view.scrollHeight - view.scrollTop - view.clientHeight < NEAR;
  function follow() { view.scrollTop = view.scrollHeight; toEnd.hidden = true; }

  const read = scope.paced(async () => {
    try {
      for (let more = true; more && !scope.signal.aborted;) {
        const { items, next } = await api.read(`${address}/log`, { after, limit: PAGE });
        const stays = element.hidden || isAtEnd();
        lines.append(...items.map(lineOf));
        while (lines.children.length > SHOWN) lines.firstElementChild.remove();
        total += items.length;
        element.hidden = total === 0;
        setText(note, total > SHOWN ? `the last ${SHOWN.toLocaleString('en')} lines` : '');
        if (items.length) { if (stays) follow(); else toEnd.hidden = false; }
        after = next;
        more = items.length === PAGE;
      }
    } catch {
      // the page says already what is wrong with the API; the next reading goes on from here
    }
  }, 1000);

  view.addEventListener('scroll', () => { if (isAtEnd()) toEnd.hidden = true; });
  scope.every(1000, () => { if (job.value()?.status === 'PROCESSING') read(); });
  return {
    element,
    draw(found) {
      const mark = [found.status, found.attempts, found.finished_at].join();
      if (mark !== seen) read();
      seen = mark;
    },
  };
}
