// The dead letters: what failed for good, by error or job by job, and what to do with it.
import { el, find, replace, setText, time } from '../core/dom.js';
import { CAP, count } from '../core/format.js';
import * as live from '../core/live.js';
import * as url from '../core/url.js';
import { button, head, segments } from '../parts/controls.js';
import { discardMany, retryMany } from './dead/act.js';
import { given, isFine, NAMES, problem } from './dead/filter.js';
import { groups } from './dead/groups.js';
import { jobs } from './dead/jobs.js';
import { revivals } from './dead/revivals.js';

export const title = 'Dead letters';

const TYPED_FOR = 300;   // ms without a letter before the address changes
const FIELDS = [
  { name: 'queue', label: 'Queue', list: 'known-queues' },
  { name: 'type', label: 'Type', list: 'known-types' },
  { name: 'error', label: 'Error', placeholder: 'Text of the error', grow: true, search: true },
  { name: 'tag', label: 'Tag' },
  { name: 'payload', label: 'Payload', placeholder: 'Payload: to=ada' },
];
const SPANS = { '': 'Any time', '15m': 'Last 15 min', '1h': 'Last hour', '24h': 'Last 24 h', '7d': 'Last 7 days' };

function filters(scope) {
  let timer = 0;
  const put = (name, value, typed) => {
    clearTimeout(timer);
    timer = setTimeout(() => url.set({ [name]: value, rows: '' }, { replace: typed }), typed ? TYPED_FOR : 0);
  };
  const inputs = FIELDS.map(field => el('input.field', {
    name: field.name, 'aria-label': field.label, placeholder: field.placeholder ?? field.label, list: field.list, type: 'search',
    autocomplete: 'off', spellcheck: 'false', 'data-search': field.search, oninput: event => put(field.name, event.target.value.trim(), true),
  }));
  const span = el('select.field', { name: 'time', 'aria-label': 'Enqueued', onchange: event => put('time', event.target.value, false) },
    Object.entries(SPANS).map(([value, word]) => el('option', { value }, word)));
  const clear = button('Clear', () => url.set(Object.fromEntries([...NAMES, 'rows'].map(name => [name, '']))), { kind: 'ghost' });
  const box = el('div.filters', { role: 'search', 'aria-label': 'Filter dead jobs' },
    inputs.map((input, index) => el(FIELDS[index].grow ? 'label.grow' : 'label', {}, input)), el('label', {}, span), clear);

  const show = () => {
    for (const input of inputs) if (input !== document.activeElement) input.value = url.get(input.name);
    const chosen = url.get('time');
    if (chosen && !(chosen in SPANS) && !find(`option[value="${CSS.escape(chosen)}"]`, span)) span.append(el('option', { value: chosen }, chosen));
    span.value = chosen;
    clear.hidden = Object.keys(given()).length === 0;
  };
  scope.onUrl(show);
  scope.listen(window, 'pagehide', () => clearTimeout(timer));
  show();
  return box;
}

export function mount({ root, scope }) {
  const number = el('span.soft.num');
  const crumb = el('span', { hidden: true }, el('span.soft', { 'aria-hidden': 'true' }, '/ '), 'One error');
  const home = el('a.back', { href: url.href('dead') }, title);
  const plain = el('span', {}, title);
  const views = segments('View', { '': 'By error', jobs: 'Job by job' }, url.get('view'), view => url.set({ view, rows: '' }));
  const reload = () => { list.reload(); byError.reload(); back.reload(); };
  const retry = button('Retry all', () => retryMany(given(), reload), { right: 'operate' });
  const discard = button('Discard all', () => discardMany(given(), reload), { right: 'operate', kind: 'ghost' });
  const group = el('section.panel.group', { id: 'dead-group', 'aria-label': 'This error' }, el('h2.group-error'), el('dl.group-facts'), el('p.group-sample'));

  const byError = groups(scope, () => back.reload(), () => show());
  const list = jobs(scope, () => { back.reload(); byError.reload(); });
  const back = revivals(scope, () => { list.reload(); byError.reload(); });

  replace(root,
    head({ title: [plain, home, crumb, number], actions: [discard, retry] }),
    back.element,
    group,
    el('section.panel', { 'aria-label': 'Dead jobs' }, el('div.panel-head.views', {}, views), filters(scope), byError.element, list.element));

  function show() {
    const filter = given();
    const isOne = Boolean(filter.fingerprint);
    const isFiltered = Object.keys(filter).length > 0;
    plain.hidden = isOne;
    home.hidden = crumb.hidden = !isOne;
    views.parentElement.hidden = isOne || isFine(filter);
    for (const input of views.querySelectorAll('input')) input.checked = input.value === url.get('view');
    setText(retry, isOne ? 'Retry this group' : isFiltered ? 'Retry all that match' : 'Retry all');
    setText(discard, isOne ? 'Discard this group' : isFiltered ? 'Discard all that match' : 'Discard all');
    const all = live.get('dead');
    number.hidden = isOne || !all?.dead;
    setText(number, all ? count(all.dead, all.capped && all.dead >= CAP) : '');
    // What cannot be read must not be taken for everything.
    retry.hidden = discard.hidden = Boolean(problem(filter)) || (!isFiltered && !all?.dead);
    showGroup(isOne ? byError.find(filter) : null, isOne);
  }

  let drawn = '';
  function showGroup(found, isOne) {
    group.hidden = !isOne || !found;
    if (!found || drawn === JSON.stringify(found)) return;
    drawn = JSON.stringify(found);
    replace(find('.group-error', group), found.title ?? found.sample_error ?? 'No error was recorded');
    replace(find('.group-facts', group), [
      ['Jobs', count(found.jobs)], ['First seen', time(found.first_seen_at)], ['Last seen', time(found.last_seen_at)],
      ['Type', el('a', { href: url.href('types', found.type) }, found.type)], ['Queue', el('a', { href: url.href('queues', found.queue) }, found.queue)],
    ].map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
    replace(find('.group-sample', group), found.sample_error && ['For example: ', el('span', {}, found.sample_error)]);
  }
  scope.onUrl(show);
  scope.watch(['dead', 'connection'], show);
}
