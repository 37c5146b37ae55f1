// A worker as a row: the list of all, and those of one queue or type, show the same columns.
import { el, time } from '../../core/dom.js';
import { count } from '../../core/format.js';
import { href } from '../../core/url.js';
import { bar } from '../../parts/bar.js';
import { badge } from '../../parts/controls.js';
import { names } from '../../parts/names.js';

export const standing = row => (!row.alive ? ['Lost', 'dead'] : row.draining_at ? ['Draining', 'processing'] : ['Alive', 'completed']);

// In a row, a dot is enough for one that is well.
function mark(row) {
  const [word, tone] = standing(row);
  return el(`span.dot.tone-${tone}`, { role: 'img', 'aria-label': word, title: word });
}

const loadBar = row => bar([['processing', Math.min(1, row.processing / row.concurrency)]], `${row.processing} of ${row.concurrency} places in use`);
const load = row => el('span.load', {}, el('span.num', {}, `${count(row.processing)} / ${count(row.concurrency)}`), loadBar(row));

// A worker without a list of types runs whatever comes.
export const typesOf = (row, most) => (row.types ? names(row.types, 'types', most) : el('span.soft', {}, 'any'));

const COLUMNS = {
  worker: { head: 'Worker', class: 'name', cell: row => el('span.who', {}, mark(row), el('a', { href: href('workers', row.worker), 'data-row': true }, row.worker), (!row.alive || row.draining_at) && badge(...standing(row))) },
  host: { head: 'Host', cell: row => row.host ?? '–' },
  version: { head: 'Version', cell: row => row.version ?? '–' },
  queues: { head: 'Queues', class: 'wide', cell: row => names(row.queues, 'queues', 4) },
  types: { head: 'Types', class: 'wide', cell: row => typesOf(row, 4) },
  load: { head: 'In hand', class: 'load-cell', cell: load },
  heartbeat: { head: 'Heartbeat', class: 'end', cell: row => time(row.heartbeat_at) },
};
export const crewColumns = list => list.map(name => COLUMNS[name]);
