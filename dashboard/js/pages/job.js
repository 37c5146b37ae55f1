// One job: what it is, why it does not run, what it was given and gave back, its life, its log, its relatives.
import { now } from '../core/clock.js';
import { el, find, replace, setText, setTone, time } from '../core/dom.js';
import { count, duration, plural, status } from '../core/format.js';
import { stringify } from '../core/json.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { facts, head, panel } from '../parts/controls.js';
import { emptiness } from '../parts/empty.js';
import { tree } from '../parts/tree.js';
import { actions } from './job/actions.js';
import { family } from './job/family.js';
import { lifeline } from './job/lifeline.js';
import { log } from './job/log.js';
import { reasons } from './job/reasons.js';

export const title = ([id]) => `Job #${id}`;

const hasEnded = job => ['COMPLETED', 'CANCELLED', 'DEAD'].includes(job.status);

const AFTER_FAILURE = { cancel: 'it is cancelled', run: 'it runs all the same', wait: 'it goes on waiting' };

function cameFrom(origin) {
  if (!origin) return null;
  const how = origin.revival ? `revival ${origin.revival}` : String(origin.by ?? '').replaceAll('_', ' ');
  return `${origin.status}, ${how} by ${origin.who}`;
}

const queueLink = name => el('a', { href: href('queues', name) }, name);
const typeLink = name => el('a', { href: href('types', name) }, name);
const tagLinks = tags => el('span.tags', {}, tags.map(tag => el('a.tag', { href: href('jobs', { tag }) }, tag)));

const about = job => facts([
  ['Type', typeLink(job.type)],
  ['Queue', queueLink(job.queue)],
  ['Priority', count(job.priority)],
  ['Attempts', `${job.attempts} of ${count(Number(job.max_retries) + 1)}`],
  ['Enqueued', time(job.created_at)],
  [hasEnded(job) || job.status === 'PROCESSING' ? 'Was due' : 'Due', job.status === 'WAITING' ? null : time(job.scheduled_at)],
  ['Worker', job.worker && el('a', { href: href('workers', job.worker) }, job.worker)],
  ['May run for', job.timeout_seconds === null ? null : duration(job.timeout_seconds * 1000)],
  ['Lease until', job.status === 'PROCESSING' ? time(job.lease_expires_at, { form: 'clock' }) : null],
  ['Unique key', job.unique_key],
  ['Concurrency key', job.concurrency_key],
  ['If a parent fails', job.status === 'WAITING' ? AFTER_FAILURE[job.on_parent_failure] ?? job.on_parent_failure : null],
  ['Schedule', job.schedule && el('a', { href: href('schedules', job.schedule) }, job.schedule)],
  ['Planned for', job.nominal_at && time(job.nominal_at, { form: 'clock' })],
  ['Tags', job.tags?.length ? tagLinks(job.tags) : null],
  ['Revived', job.revivals ? plural(Number(job.revivals), 'time') : null],
  ['Came from', cameFrom(job.origin)],
]);

export function mount({ root, args: [id], scope }) {
  const address = `jobs/${encodeURIComponent(id)}`;
  const job = source(scope, { wanted: () => ({ path: address }), topics: ['jobs', 'stats'], gap: 1000, settled: hasEnded, render });
  const missing = emptiness(job, () => [1], () => null);
  const view = el('div.job', { hidden: true });
  const waiting = panel({ title: 'Job', id: 'missing' }, missing.element);
  const badge = el('span.badge');
  const name = el('b');
  const bar = actions({ id, job, scope });
  const progress = el('div.job-progress', { hidden: true }, el('progress', { max: 1, 'aria-label': 'Progress' }), el('span.num'));
  replace(root,
    head({ title: [name, el('span.id', {}, `#${id}`), badge], back: ['Jobs', '#/jobs'], actions: bar.element }),
    progress, waiting, view);

  const why = reasons({ scope, address, job });
  const life = lifeline();
  const said = log({ scope, address, job });
  const kin = family({ scope, address, job });
  const factsPanel = panel({ title: 'Facts', id: 'facts' });
  const factsBody = el('div.panel-body');
  factsPanel.append(factsBody);
  const documents = el('div.panel.documents');
  replace(view,
    el('div.job-main', {}, why.element, documents, said.element, kin.element),
    el('div.job-side', {}, factsPanel, life.element));

  // Each part is drawn anew only where what it shows has changed: a fold that was opened stays open.
  const drawn = {};
  const part = (key, value, draw) => {
    const mark = stringify(value);
    if (drawn[key] !== mark) draw();
    drawn[key] = mark;
  };

  function render() {
    const found = job.value();
    missing.draw();
    waiting.hidden = Boolean(found);
    view.hidden = !found;
    if (!found) return;
    missing.element.hidden = true;
    const { word, tone } = status(found, now());
    setText(name, found.type);
    setText(badge, word);
    setTone(badge, tone);
    progress.hidden = found.progress === null || found.status !== 'PROCESSING';
    find('progress', progress).value = Number(found.progress ?? 0);
    setText(find('span', progress), [`${Math.round(Number(found.progress ?? 0) * 100)} %`, found.progress_note].filter(Boolean).join(' · '));
    part('facts', [{ ...found, payload: 0, result: 0, errors: 0, progress: 0, progress_note: 0 }], () => replace(factsBody, about(found)));
    part('documents', [found.payload, found.result, found.status === 'COMPLETED'], () => replace(documents,
      tree('Payload', found.payload), found.result !== null && tree('Result', found.result)));
    bar.draw(found);
    why.draw(found);
    life.draw(found);
    said.draw(found);
    kin.draw(found);
  }

  scope.watch('session', () => live.paint(render));
  scope.every(1000, () => live.paint(render));                   // what is due changes with the clock alone
  scope.every(2000, () => { if (job.value()?.status === 'PROCESSING') job.reload(); });  // progress is no event
  scope.every(15_000, job.reload);
}
