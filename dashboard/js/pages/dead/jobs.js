// Dead jobs one by one: of one group, or all that a filter finds, each with its attempts behind its error.
import { el, find, setText, time } from '../../core/dom.js';
import { duration, firstLine } from '../../core/format.js';
import { keyset } from '../../core/keyset.js';
import * as url from '../../core/url.js';
import { button } from '../../parts/controls.js';
import { emptiness } from '../../parts/empty.js';
import { failure } from '../../parts/failure.js';
import { table } from '../../parts/table.js';
import { armed, discardOne, retryOne } from './act.js';
import { describe, given, isFine, problem, query } from './filter.js';

const last = job => job.errors?.at(-1) ?? null;

function attempt(error) {
  const took = error.started_at && error.failed_at ? ` after ${duration(Date.parse(error.failed_at) - Date.parse(error.started_at))}` : '';
  return el('li', {},
    el('p.soft', {}, `Attempt ${error.attempt} failed${took}, `, time(error.failed_at), error.worker && ` on ${error.worker}`),
    failure(error));
}

function story(job) {
  const error = last(job);
  if (job.omitted?.includes('errors')) return el('a', { href: url.href('jobs', job.id) }, 'Its errors are long: open the job');
  if (!error) return el('span.soft', {}, 'No error was recorded');
  return el('details.story', {},
    el('summary', {}, el('span.clip', {}, [error.error_type, firstLine(error.error)].filter(Boolean).join(': '))),
    el('ol.attempts', {}, [...job.errors].reverse().map(attempt)));
}

export function jobs(scope, onchange) {
  const gone = new Set();   // acted on here, and maybe still in an answer that is on its way
  const isShown = () => Boolean(url.get('fingerprint')) || url.get('view') === 'jobs' || isFine(given());
  const isRight = () => isShown() && !problem(given());

  const act = work => async job => {
    const row = find(`[data-key="${job.id}"]`, rows.body);
    const next = row?.nextElementSibling ?? row?.previousElementSibling;
    const had = row?.contains(document.activeElement);
    if (!await work(job)) return;
    gone.add(job.id);
    render();
    if (had) (find('a[data-row]', next ?? element) ?? find('#main')).focus();
    list.reload();
    onchange();
  };
  const retry = act(retryOne);
  const discard = act(discardOne);

  const rows = table({ key: job => job.id, caption: 'Dead jobs', version: job => `${job.id} ${job.finished_at}`, columns: [
    { head: 'Job', class: 'job', cell: job => [el('a', { href: url.href('jobs', job.id), 'data-row': true }, job.type), ' ', el('span.id', {}, `#${job.id}`)] },
    { head: 'Error', label: '', class: 'wide error', cell: story },
    { head: 'Queue', cell: job => el('a.soft', { href: url.href('queues', job.queue) }, job.queue) },
    { head: 'Attempts', class: 'end', cell: job => `${job.attempts}` },
    { head: 'Died', class: 'end', cell: job => time(job.finished_at) },
    { head: '', class: 'end', cell: job => el('span.pair', {},
      armed('Discard', () => discard(job), { 'aria-label': `Discard ${job.type} ${job.id}` }),
      button('Retry', () => retry(job), { kind: 'small', right: 'operate', 'aria-label': `Retry ${job.type} ${job.id}` })) },
  ] });
  const list = keyset(scope, {
    path: 'dlq', topic: 'dead', filter: () => (isRight() ? given() : null), query: () => query(given()), topics: ['dead'], render,
  });
  const empty = emptiness(list, value => value.rows.filter(job => !gone.has(job.id)), () => ({ title: 'No dead job matches', text: `There is none ${describe(given())}.` }));
  const more = button('Show more', () => list.more(), { kind: 'ghost more' });
  const note = el('p.panel-note', { hidden: true });
  const element = el('div', { id: 'dead-jobs' }, note, rows.element, empty.element, more);

  function render() {
    element.hidden = !isShown();
    if (element.hidden) return;
    rows.draw(isRight() ? list.rows().filter(job => !gone.has(job.id)) : []);
    more.hidden = !isRight() || !list.isMore();
    const wrong = problem(given());
    note.hidden = !wrong && !list.searchedTo();
    if (wrong) { setText(note, `This filter cannot be read. ${wrong}`); empty.element.hidden = true; return; }
    if (!note.hidden) note.replaceChildren('Looked at jobs as far back as ', time(list.searchedTo()), '; show more to look further.');
    empty.draw();
  }
  scope.onUrl(render);
  scope.watch('connection', render);
  return { element, reload: () => list.reload() };
}
