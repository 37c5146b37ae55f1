// The flow of jobs, as numbers: scheduled, ready, processing, completed; and the dead, who left it.
import { now } from '../../core/clock.js';
import { el, setText } from '../../core/dom.js';
import { CAP, age, count, plural } from '../../core/format.js';
import { href } from '../../core/url.js';

const TILES = [
  ['scheduled', 'Scheduled', 'quiet', () => href('jobs', { status: 'PENDING' }),
    ({ totals }) => (totals.waiting > 0 ? `and ${count(totals.waiting)} wait for others` : 'for later, or backing off')],
  ['ready', 'Ready', 'ready', () => href('jobs', { status: 'PENDING' }),
    ({ totals }) => (totals.oldest_ready_at ? `oldest waits ${age(now() - Date.parse(totals.oldest_ready_at))}` : 'nothing waits')],
  ['processing', 'Processing', 'processing', () => href('jobs', { status: 'PROCESSING' }),
    ({ workers }) => (workers.alive ? `by ${plural(workers.alive, 'worker')}` : 'no worker')],
  ['completed', 'Completed', 'completed', () => href('jobs', { status: 'COMPLETED' }),
    ({ totals }) => (totals.cancelled > 0 ? `${count(totals.cancelled)} cancelled` : 'since the beginning')],
  ['dead', 'Dead', 'dead', () => href('dead'),
    ({ totals }) => (totals.dead > 0 ? 'wait for your decision' : 'nothing to decide')],
];
const LIVE_NUMBERS = ['scheduled', 'ready', 'processing', 'dead'];

export function tiles() {
  const drawn = TILES.map(([name, word, tone, address, note]) => {
    const number = el('span.tile-count.num', {}, '–');
    const words = el('span.tile-note');
    const tile = el(`a.tile.tone-${tone}`, { href: address(), 'data-tile': name }, el('span.tile-name', {}, word), number, words);
    return { name, tile, number, words, note };
  });
  return {
    element: el('nav.flow.panel', { id: 'flow', 'aria-label': 'Jobs by status' }, drawn.map(each => each.tile)),
    draw(stats) {
      for (const { name, tile, number, words, note } of drawn) {
        const value = Number(stats.totals[name]);
        tile.dataset.zero = value === 0;
        setText(number, count(value, stats.totals.capped && LIVE_NUMBERS.includes(name) && value >= CAP));
        setText(words, note(stats));
      }
    },
  };
}
