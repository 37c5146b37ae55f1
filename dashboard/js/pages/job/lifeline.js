// A job's life so far: each attempt with its error.
import { el, find, reconcile, setText, setTime, setTone } from '../../core/dom.js';
import { life } from '../../core/life.js';
import { panel } from '../../parts/controls.js';
import { failure } from '../../parts/failure.js';

const make = ({ failure: failed }) => el('li', {},
  el('div.life-head', {}, el('strong'), el('time')), el('p.life-note'), failed && failure(failed));

function update(element, { tone, name, at, note = '' }) {
  setTone(element, tone);
  setText(find('strong', element), name);
  setText(find('.life-note', element), note);
  setTime(find('time', element), at);
}

export function lifeline() {
  const list = el('ol.life');
  return {
    element: panel({ title: 'Life', id: 'life' }, el('div.panel-body', {}, list)),
    // What a dead job died of stands in full above; here it would be there twice.
    draw(job) {
      const events = life(job);
      const last = job.status === 'DEAD' ? events.findLast(event => event.failure) : null;
      reconcile(list, events.map(event => (event === last ? { ...event, key: `${event.key}-told`, failure: null } : event)), { key: event => event.key, make, update });
    },
  };
}
