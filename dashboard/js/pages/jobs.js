// The newest jobs, live, by what they are: every filter is in the address. Many are changed at once from here.
import { el, replace, setText, time } from '../core/dom.js';
import { count, plural } from '../core/format.js';
import { keyset } from '../core/keyset.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import * as url from '../core/url.js';
import { button, head, panel } from '../parts/controls.js';
import { emptiness, firstJob } from '../parts/empty.js';
import { bulk } from './jobs/bulk.js';
import { filters, given, isFiltered, query } from './jobs/filters.js';
import { rows } from './jobs/rows.js';
import { selection } from './jobs/selection.js';

export const title = 'Jobs';

export function mount({ root, scope }) {
  const draw = () => live.paint(render);
  const chosen = selection(draw);
  const list = keyset(scope, {
    path: 'jobs', topic: 'jobs', topics: ['jobs', 'stats'], gap: 2000, query, render: () => live.paint(render),
    filter: () => (isFiltered() ? given() : null),
  });
  // Bounded, and no more than a number to go by: every ten seconds are enough.
  const total = source(scope, { wanted: () => ({ path: 'jobs/count', query: query() }), topics: ['stats'], gap: 10_000, render: draw });
  let known = { filter: null, value: null };    // the count before, as long as it is of the same filter
  function matching() {
    const filter = JSON.stringify(given());
    if (total.value()) known = { filter, value: total.value() };
    return known.filter === filter ? known.value : null;
  }

  const table = rows({ scope, list, chosen, draw });
  const empty = emptiness(list, () => list.rows(), () => (isFiltered()
    ? { title: 'No job matches', text: 'Types, queues and tags match by their whole name, letter by letter; a payload by what it contains.' } : firstJob()));
  const number = el('span.soft.num', { id: 'jobs-count' });
  const heading = el('span', {}, 'Newest jobs');
  const newer = el('button.button.small', { type: 'button', id: 'newer', hidden: true, onclick: () => table.release() });
  const searched = el('p.panel-note', { hidden: true });
  const more = button('Show more', () => list.more(), { kind: 'more', id: 'jobs-more', hidden: true });
  const tools = bulk({ scope, chosen, list, matching, shown: () => table.shown() });

  replace(root,
    head({ title: 'Jobs', lead: 'What waits, runs and has ended, the newest first.' }),
    panel({ title: [heading, ' ', number], id: 'jobs', actions: [newer] }, filters(scope), table.element, empty.element, searched, more, tools.element));

  function render() {
    const { fresh } = table.draw();
    empty.draw();
    const found = matching();
    setText(heading, isFiltered() ? 'Jobs that match' : 'Newest jobs');
    setText(number, found ? count(found.count, found.capped) : '');
    newer.hidden = !fresh && !list.isBehind();
    setText(newer, list.isBehind() ? 'Show the newest' : `Show ${plural(fresh, 'newer job')}`);
    const cutShort = list.isMore() && list.searchedTo();
    if (cutShort && !list.problem()) empty.element.hidden = true;   // not found so far is not the same as nowhere
    searched.hidden = !cutShort;
    if (cutShort && searched.dataset.to !== cutShort) {
      searched.dataset.to = cutShort;
      replace(searched, 'Looked back as far as ', time(cutShort, { form: 'clock' }), '. There may be older ones that match.');
    }
    more.hidden = !list.isMore();
    setText(more, cutShort ? 'Look further back' : 'Show more');
    tools.draw();
  }

  scope.watch('connection', render);
  scope.every(1000, draw);   // what is due changes with the clock alone
  scope.onUrl(() => { if (!chosen.isFor(url.all())) chosen.clear(); draw(); });
}
