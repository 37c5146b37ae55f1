// The flow of jobs, as numbers: scheduled, ready, processing, completed; and the dead, who left it.
import { now } from '../clock.js';
import { find, setText } from '../dom.js';
import { CAP, age, count, plural, rate } from '../format.js';
import { series } from '../history.js';
import * as live from '../live.js';

function pace() {
  const history = live.get('history');
  if (!history) return '';
  return `${rate(series(history, 1, now())[0].completed, 1)} now`;
}

const notes = {
  scheduled: () => 'for later, or backing off',
  ready: ({ totals }) => {
    if (!totals.oldest_ready_at) return 'nothing waits';
    return `oldest waits ${age(now() - Date.parse(totals.oldest_ready_at))}`;
  },
  processing: ({ workers }) => (workers.alive ? `by ${plural(workers.alive, 'worker')}` : 'no worker'),
  completed: ({ totals }) => [pace(), totals.cancelled > 0 && `${count(totals.cancelled)} cancelled`].filter(Boolean).join(' · '),
  dead: ({ totals }) => (totals.dead > 0 ? 'wait for your decision' : 'nothing to decide'),
};
const LIVE_NUMBERS = ['scheduled', 'ready', 'processing', 'dead'];

function render() {
  const stats = live.get('stats');
  if (!stats) return;
  for (const [name, note] of Object.entries(notes)) {
    const tile = find(`[data-tile="${name}"]`);
    const number = Number(stats.totals[name]);
    const over = stats.totals.capped && LIVE_NUMBERS.includes(name) && number >= CAP;
    tile.dataset.zero = number === 0;
    setText(find('.tile-count', tile), count(number, over));
    setText(find('.tile-note', tile), note(stats));
  }
}

export function mount() {
  live.watch(['stats', 'history'], render);
  setInterval(() => live.paint(render), 1000);
}
