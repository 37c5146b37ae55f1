// Revivals: dead jobs that come back bit by bit, by themselves; those that run, and the last ones that ended.
import * as api from '../../core/api.js';
import { now } from '../../core/clock.js';
import { el, time } from '../../core/dom.js';
import { count, plural } from '../../core/format.js';
import { source } from '../../core/source.js';
import { badge, button, panel } from '../../parts/controls.js';
import { table } from '../../parts/table.js';
import { attempt, done } from '../../parts/toasts.js';
import { describe, ofRevival, query } from './filter.js';

const WORDS = {
  CANARY: ['Trying the first', 'processing'], RUNNING: ['Running', 'processing'], DONE: ['Done', 'completed'],
  STOPPED: ['Stopped', 'dead'], CANCELLED: ['Cancelled', 'quiet'],
};
const RECENT = 3_600_000;
const SHOWN = 5;

const runs = revival => revival.finished_at === null;

export function revivals(scope, onchange) {
  const left = new Map();   // revival -> { count, capped } of the jobs that it has yet to bring back
  const list = source(scope, {
    wanted: () => ({ path: 'revivals', query: { limit: 50 } }), topics: ['dead'], gap: 1000, render,
  });
  const cancel = revival => attempt('Cancel', async () => {
    await api.call('POST', `revivals/${revival.id}/cancel`);
    done(`Revival ${revival.id} is cancelled`, { detail: 'What it has not brought back stays dead.' });
    list.reload();
    onchange();
  });

  function progress(revival) {
    const back = revival.revived + revival.kept;
    const words = [`${count(revival.revived)} back`, revival.kept > 0 && `${count(revival.kept)} stayed, as their unique key is taken`];
    const rest = left.get(revival.id);
    if (!runs(revival)) return words.filter(Boolean).join(', ');
    if (!rest) return [words.filter(Boolean).join(', ')];
    return [
      el('progress', { max: Math.max(1, back + rest.count), value: back, 'aria-label': `Progress of revival ${revival.id}` }),
      el('span.num', {}, [...words, `${count(rest.count, rest.capped)} to go`].filter(Boolean).join(', ')),
    ];
  }

  const pace = ({ rate, canary }) => [rate && `${plural(rate, 'job')} a second`, canary && `${count(canary)} first`].filter(Boolean).join(', ');
  const rows = table({ key: revival => revival.id, caption: 'Revivals', version: revival => JSON.stringify([revival, left.get(revival.id)]), columns: [
    { head: 'Revival', cell: revival => [`Jobs ${describe(ofRevival(revival.filter ?? {}))}`, ' ', el('span.id', {}, `#${revival.id}`)] },
    { head: 'Status', cell: revival => [badge(...(WORDS[revival.status] ?? [revival.status, 'quiet'])), revival.reason && el('span.sub', {}, revival.reason)] },
    { head: 'Progress', class: 'progress wide', cell: progress },
    { head: 'Pace', class: 'soft', cell: pace },
    { head: 'Begun', class: 'end', cell: revival => time(revival.created_at) },
    { head: '', class: 'end', cell: revival => (runs(revival)
      ? button('Cancel', () => cancel(revival), { kind: 'small', right: 'operate', 'aria-label': `Cancel revival ${revival.id}` }) : '') },
  ] });
  const element = panel({ title: 'Revivals', id: 'revivals', note: 'Dead jobs that come back by themselves. They stay here for an hour after the end.' }, rows.element);

  const items = () => (list.stale()?.items ?? [])
    .filter(revival => runs(revival) || now() - Date.parse(revival.finished_at) < RECENT).slice(0, SHOWN);

  function render() {
    element.hidden = items().length === 0;
    rows.draw(items());
  }

  // How many are left is counted for the first few only, and no further than the API counts.
  scope.every(2000, async () => {
    const running = items().filter(runs).slice(0, 3);
    if (!running.length) return;
    list.reload();
    await Promise.all(running.map(async revival => {
      try { left.set(revival.id, await api.read('dlq/count', query(ofRevival(revival.filter ?? {})))); } catch { /* the bar goes without it */ }
    }));
    render();
  });
  return { element, reload: () => list.reload() };
}
