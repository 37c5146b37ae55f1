// What a job says in its log, line after line, while its drawer is open.
import * as api from '../api.js';
import { fill, setTime, setTone, slot, stamp } from '../dom.js';
import { pretty } from '../json.js';

const PAGE = 500;
const SHOWN = 2_000; // lines; more would be slow to lay out, and the oldest leave first
const TONES = { error: 'dead', warning: 'ready', debug: 'quiet' };

function lineOf({ at, level, message, data }) {
  const element = stamp('log-line');
  const said = data === null ? '' : pretty(data, { hide: true }).text;
  fill(element, { level: level === 'info' ? '' : level, message, data: said });
  setTone(slot(element, 'level'), TONES[level] ?? 'quiet');
  setTime(slot(element, 'at'), at);
  return element;
}

// Adds the lines that have come since the last call. One call at a time.
export async function readLog(view, id) {
  if (view.dataset.reading) return;
  view.dataset.reading = 'yes';
  try {
    for (let more = true; more && view.isConnected;) {
      const { items, next } = await api.read(`jobs/${encodeURIComponent(id)}/log`, { after: view.dataset.line, limit: PAGE });
      const list = slot(view, 'lines');
      list.append(...items.map(lineOf));
      while (list.children.length > SHOWN) list.firstElementChild.remove();
      slot(view, 'log').hidden = list.children.length === 0;
      view.dataset.line = next;
      more = items.length === PAGE;
    }
  } catch {
    // the drawer says already what is wrong with the API; the next call goes on from here
  } finally {
    delete view.dataset.reading;
  }
}
