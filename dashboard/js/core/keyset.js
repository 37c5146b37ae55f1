// A long list, the newest first, of which more and more is shown: pages by id, so that nothing is shown twice or left out
// however many rows come meanwhile. What is shown is kept fresh: the first page at every hint, the others in turn.
import * as api from './api.js';
import * as live from './live.js';
import * as url from './url.js';

const PAGE = 50;
const STREAMED = 25;       // rows that the stream carries
const LARGEST = 500;       // rows that one request may ask for
const TURN = 5_000;        // ms between two looks at the older pages

// `filter()`: what is wanted, by which one list is told from another; null where the rows of the stream's `topic` are it.
// `query()`: the same for the API. `topics`: hints that something changed. The number of rows shown is `rows` in the address.
export function keyset(scope, { path, topic, filter, query = filter, topics = [], gap = 1500, render }) {
  let list = fresh();
  const key = () => JSON.stringify(filter());
  const isStreamed = () => filter() === null;
  const wish = () => Math.min(LARGEST, Math.max(PAGE, Number(url.get('rows')) || PAGE));

  function fresh() { return { key: null, rows: [], next: null, searchedTo: null, problem: null, ready: false, paged: false, behind: false, walk: null }; }

  const ask = (before, limit) => api.read(path, { ...query(), before, limit });

  // Rows from `from` (exclusive; null: the newest) down to where the answer ends are as it says.
  function merge({ items, next }, from) {
    const end = next ?? 0;
    const kept = list.rows.filter(row => row.id < end || (from !== null && row.id >= from));
    list.rows = [...kept, ...items].sort((a, b) => b.id - a.id);
    if (list.next !== null && end <= list.next) list.next = next;
  }

  function takeHead(answer) {
    const isGap = list.rows.length > 0 && (answer.next ?? 0) > list.rows[0].id;
    list.behind = list.paged && isGap;
    if (list.behind) return;
    if (list.paged) merge(answer, null);
    else Object.assign(list, { rows: answer.items, next: answer.next, searchedTo: answer.searched_to ?? null });
  }

  async function about(work) {
    const mine = list;
    try { await work(mine); } catch (problem) { if (mine === list) list.problem = problem; }
    if (mine === list && !scope.signal.aborted) live.paint(render);
  }

  function readStream() {
    const items = live.get(topic)?.items;
    if (!items || list.key !== key()) return;
    takeHead({ items, next: items.length < STREAMED ? null : items.at(-1).id });
    Object.assign(list, { ready: true, problem: null });
    live.paint(render);
  }

  const load = scope.paced(async () => {
    if (document.hidden && list.ready) return;
    const begins = list.key !== key();
    if (begins) { list = fresh(); list.key = key(); }
    const first = begins ? wish() : PAGE;
    if (isStreamed() && first === PAGE) { readStream(); return; }
    await about(async mine => {
      const answer = await ask(undefined, first);
      if (mine !== list || list.key !== key()) return;
      takeHead(answer);
      Object.assign(list, { ready: true, problem: null, paged: list.paged || first > PAGE });
    });
  }, Math.min(gap, 500));
  const hint = scope.paced(async () => load(), gap);

  const walk = () => list.paged && about(async mine => {
    // The first page is kept fresh by the hints, unless it is too far from the newest for that.
    const from = list.walk ?? (list.behind ? list.rows[0].id + 1 : list.rows[(isStreamed() ? STREAMED : PAGE) - 1]?.id);
    if (from === undefined) return;
    const answer = await ask(from, PAGE);
    if (mine !== list) return;
    merge(answer, from);
    list.walk = answer.next !== null && answer.next > (list.rows.at(-1)?.id ?? 0) ? answer.next : null;
  });

  if (topic) scope.watch(topic, () => { if (isStreamed()) readStream(); });
  if (topics.length) scope.watch(topics, () => { if (!isStreamed()) hint(); });
  scope.watch('connection', () => { if (live.get('connection')?.state === 'live') load(); });
  scope.onUrl(() => { if (list.key !== key()) load(); });
  scope.listen(document, 'visibilitychange', () => { if (!document.hidden) load(); });
  scope.every(TURN, walk);
  load();

  const isCurrent = () => list.key === key();
  return {
    rows: () => (isCurrent() ? list.rows : []),
    value: () => (isCurrent() && list.ready ? list : undefined),
    problem: () => (isCurrent() ? list.problem : null),
    isMore: () => isCurrent() && list.next !== null,
    searchedTo: () => list.searchedTo,
    // So many rows came at once that the newest do not reach those that are shown.
    isBehind: () => list.behind,
    reload: load,
    restart() { list = { ...fresh(), rows: list.rows, key: null }; url.set({ rows: '' }, { replace: true }); load(); },
    more: () => about(async mine => {
      const from = list.next;
      const answer = await ask(from, PAGE);
      if (mine !== list) return;
      list.rows = [...list.rows.filter(row => row.id >= from), ...answer.items];
      Object.assign(list, { next: answer.next, searchedTo: answer.searched_to ?? null, paged: true });
      url.set({ rows: list.rows.length }, { replace: true });
    }),
  };
}
