// The types that are known, who runs them, and what is said of them: by name, a page at a time.
import * as api from '../core/api.js';
import { el, replace, time } from '../core/dom.js';
import { plural, written } from '../core/format.js';
import { source } from '../core/source.js';
import * as url from '../core/url.js';
import { href } from '../core/url.js';
import { badge, button, head, panel } from '../parts/controls.js';
import { emptiness, firstJob } from '../parts/empty.js';
import { table } from '../parts/table.js';
import { attempt } from '../parts/toasts.js';

export const title = 'Types';

const PAGE = 100;

function overrides(row) {
  const own = [
    row.max_retries !== null && plural(row.max_retries, 'retry', 'retries'),
    row.retry_base_seconds !== null && `first after ${written(row.retry_base_seconds)}`,
    row.timeout_seconds !== null && `at most ${written(row.timeout_seconds)} an attempt`,
    [row.retry_factor, row.retry_cap_seconds, row.retry_jitter].some(value => value !== null) && 'backoff of its own',
  ].filter(Boolean);
  return own.length ? own.join(', ') : el('span.soft', {}, 'as the queue');
}

const payload = row => [row.schema !== null && badge('Schema'), row.schema !== null && row.function_name && ' ', row.function_name && badge('SQL check', 'quiet', { title: row.function_name })];

const COLUMNS = [
  { head: 'Type', class: 'name', cell: row => [el('a', { href: href('types', row.type), 'data-row': true }, row.type), ' ', Number(row.workers) === 0 && badge('No worker', 'dead', { title: 'No live worker runs this type: its jobs wait.' })] },
  { head: 'Workers', class: 'end', cell: row => String(row.workers) },
  { head: 'Queue', cell: row => (row.queue ? el('a', { href: href('queues', row.queue) }, row.queue) : el('span.soft', {}, '–')) },
  { head: 'Retries and timeout', class: 'wide', cell: overrides },
  { head: 'Payloads', cell: row => (row.schema !== null || row.function_name ? payload(row) : el('span.soft', {}, 'any')) },
  { head: 'Newest job', class: 'end', cell: row => (row.seen_at ? time(row.seen_at) : el('span.soft', {}, '–')) },
];

export function mount({ root, scope }) {
  const list = table({ columns: COLUMNS, key: row => row.type, caption: 'Types' });
  const first = source(scope, { wanted: () => ({ path: 'types', query: { limit: PAGE } }), topics: ['workers', 'queues'], every: 10_000, gap: 5000, render: draw });
  const empty = emptiness(first, () => shown(), () => (url.get('search') ? { text: `No type that is loaded has “${url.get('search')}” in its name.` } : firstJob()));
  const search = el('input.field.search', {
    type: 'search', 'data-search': true, 'aria-label': 'Search types', placeholder: 'Search', autocomplete: 'off', spellcheck: 'false', value: url.get('search'),
    oninput: () => url.set({ search: search.value.trim() }, { replace: true }),
  });
  const more = button('Show more', loadMore, { kind: 'more', hidden: true });
  let later = [];       // the pages after the first
  let next;             // undefined: as the first page says

  const items = () => [...first.value()?.items ?? first.stale()?.items ?? [], ...later];
  function shown() {
    const wanted = url.get('search').toLowerCase();
    return items().filter(row => row.type.toLowerCase().includes(wanted));
  }

  function loadMore() {
    return attempt('Show more', async () => {
      const page = await api.read('types', { limit: PAGE, after: next === undefined ? first.value().next : next });
      later = [...later, ...page.items];
      next = page.next;
      draw();
    });
  }

  function draw() {
    list.draw(shown());
    empty.draw();
    more.hidden = !(next === undefined ? first.value()?.next : next);
  }

  replace(root,
    head({ title: 'Types', lead: 'A type picks the handler. Settings of a type go before those of its queue.' }),
    panel({ title: 'All types', actions: search }, list.element, empty.element, more));
  scope.onUrl(() => {
    if (search.value.trim() !== url.get('search')) search.value = url.get('search');
    draw();
  });
}
