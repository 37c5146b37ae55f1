// The dead letters by error: each group is jobs of one queue and type that died of the same.
import { el, time } from '../../core/dom.js';
import { count, firstLine } from '../../core/format.js';
import { source } from '../../core/source.js';
import * as url from '../../core/url.js';
import { button } from '../../parts/controls.js';
import { emptiness } from '../../parts/empty.js';
import { table } from '../../parts/table.js';
import { discardMany, retryMany } from './act.js';
import { describe, given, isFine } from './filter.js';

const PAGE = 50;
const MOST = 500;   // groups that the API lists

const filterOf = ({ fingerprint, queue, type }) => ({ fingerprint, queue, type });

const columns = reload => [
  { head: 'Error', class: 'error', cell: group => [
    el('a.clip', { href: url.href('dead', filterOf(group)), 'data-row': true, title: group.sample_error }, firstLine(group.title ?? group.sample_error) || 'No error was recorded'),
    el('span.sub', {}, el('a', { href: url.href('types', group.type) }, group.type), ' in ', el('a', { href: url.href('queues', group.queue) }, group.queue)),
  ] },
  { head: 'Jobs', class: 'end', cell: group => el('strong', {}, count(group.jobs)) },
  { head: 'First seen', class: 'end soft', cell: group => time(group.first_seen_at) },
  { head: 'Last seen', class: 'end', cell: group => time(group.last_seen_at) },
  { head: '', class: 'end', cell: group => el('span.pair', {},
    button('Discard', () => discardMany(filterOf(group), reload), { kind: 'small ghost', right: 'operate', 'aria-label': `Discard the group: ${firstLine(group.title)}` }),
    button('Retry', () => retryMany(filterOf(group), reload), { kind: 'small', right: 'operate', 'aria-label': `Retry the group: ${firstLine(group.title)}` })) },
];

// What the API is asked for: the groups of the list, or those among which the one is that is opened.
function wanted(limit) {
  const { queue, type, fingerprint } = given();
  if (fingerprint) return { queue, type, limit: MOST };
  return url.get('view') === 'jobs' || isFine(given()) ? null : { queue, type, limit };
}

// `onchange`: what else is to be read anew when something was done here; `ondraw`: hears of every answer.
export function groups(scope, onchange, ondraw) {
  const isShown = () => !url.get('fingerprint') && url.get('view') !== 'jobs' && !isFine(given());
  const limit = () => Math.min(MOST, Math.max(PAGE, Number(url.get('rows')) || PAGE));
  const reload = () => { list.reload(); onchange(); };
  const rows = table({ columns: columns(() => reload()), key: group => `${group.fingerprint} ${group.queue} ${group.type}`, caption: 'Dead jobs by error' });
  const more = button('Show more', () => url.set({ rows: limit() + PAGE }, { replace: true }), { kind: 'ghost more' });
  const list = source(scope, {
    wanted: () => wanted(limit()) && { path: 'dlq/groups', query: wanted(limit()) }, topics: ['dead'], gap: 1500, render,
  });
  const empty = emptiness(list, value => value.items, () => (url.get('queue') || url.get('type')
    ? { title: 'No dead job matches', text: `There is none ${describe(given())}.` }
    : { title: 'Nothing has died', text: 'A job comes here when its retries are used up or its error is permanent. Then you retry or discard it.' }));
  const element = el('div', { id: 'dead-groups' }, rows.element, empty.element, more);

  function render() {
    element.hidden = !isShown();
    ondraw();
    if (element.hidden) return;
    const items = list.value()?.items ?? (list.problem() ? [] : list.stale()?.items ?? []);
    rows.draw(items);
    more.hidden = items.length < limit() || limit() >= MOST;
    empty.draw();
  }
  scope.onUrl(render);
  scope.watch('connection', render);
  const isOf = filter => group => Object.entries(filterOf(group)).every(([name, value]) => (filter[name] ?? value) === value);
  return { element, reload: () => list.reload(), find: filter => (list.stale()?.items ?? []).find(isOf(filter)) };
}
