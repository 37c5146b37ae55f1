// Times that are to come, as the clocks of a zone show them, and how far away they are.
import { el, time } from '../../core/dom.js';

const formats = new Map();

function format(zone) {
  if (!formats.has(zone)) {
    const style = { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone: zone };
    try { formats.set(zone, new Intl.DateTimeFormat('en-GB', style)); } catch { formats.set(zone, new Intl.DateTimeFormat('en-GB', { ...style, timeZone: 'UTC' })); }
  }
  return formats.get(zone);
}

const inZone = (iso, zone) => format(zone).format(new Date(iso)).replace(/:00$/, '');

export const runList = (times, zone) => (times.length
  ? el('ol.runs', {}, times.map(at => el('li', {}, el('span.num', {}, inZone(at, zone)), time(at))))
  : el('p.soft', {}, 'It never comes.'));
