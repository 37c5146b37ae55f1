// Why a job does not run, or what it does, in words, as long as it has not ended.
import { el, replace, time } from '../../core/dom.js';
import { capital } from '../../core/format.js';
import { errorOf } from '../../core/life.js';
import { source } from '../../core/source.js';
import { href } from '../../core/url.js';
import { panel } from '../../parts/controls.js';
import { failure } from '../../parts/failure.js';

const MOMENT = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d(?::?\d\d)?`;
const CALM = new Set(['running', 'next', 'scheduled', 'from_schedule', 'behind']);

function moment(text) {
  const when = new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
  return Number.isNaN(when.getTime()) ? text : time(when.toISOString(), { form: 'clock' });
}
const idsOf = detail => Object.values(detail).filter(Array.isArray).flat().map(item => item?.id ?? item).filter(Number.isInteger);

// A reason's sentence: PostgreSQL's times in it as times of the reader's day, the ids of jobs as links to them.
function sentence({ sentence: text, detail }) {
  const ids = idsOf(detail).map(String);
  const pieces = capital(text).split(new RegExp(`(${[MOMENT, ...ids.map(id => `\\b${id}\\b`)].join('|')})`));
  return pieces.map((piece, index) => {
    if (index % 2 === 0) return piece;
    return ids.includes(piece) ? el('a', { href: href('jobs', piece) }, `#${piece}`) : moment(piece);
  });
}

// Where to look further, by the reason's code.
function further({ code, detail }) {
  if (code.startsWith('queue_')) return ['Open the queue', href('queues', detail.queue ?? '')];
  if (code.startsWith('no_worker')) return ['See the workers', '#/workers'];
  if (code === 'from_schedule' && detail.schedule) return ['Open the schedule', href('schedules', detail.schedule)];
  return null;
}

function item(reason) {
  const more = further(reason);
  return el('li', { 'data-code': reason.code }, el('p', {}, sentence(reason), more && [' ', el('a', { href: more[1] }, more[0])]));
}

export function reasons({ scope, address, job }) {
  const isOver = found => ['COMPLETED', 'CANCELLED'].includes(found.status);
  const list = el('ul.reasons');
  const heading = el('span');
  const element = panel({ title: heading, id: 'why' }, el('div.panel-body', {}, list));
  element.hidden = true;
  const wanted = () => { const found = job.value(); return found && !isOver(found) && found.status !== 'DEAD' ? { path: `${address}/explain`, query: {} } : null; };
  const redraw = () => job.value() && draw(job.value());
  let answer = null;    // asked for once it is known that the job has not ended
  let drawn = '';
  let asked = '';

  function draw(found) {
    if (wanted() && !answer) answer = source(scope, { wanted, topics: ['stats', 'queues', 'jobs'], gap: 2000, render: redraw });
    else if (wanted() && asked !== found.status) answer.reload();
    asked = wanted() ? found.status : '';
    const isDead = found.status === 'DEAD';
    const items = isDead ? [] : wanted() ? answer.value()?.items ?? answer.stale()?.items ?? [] : [];
    element.hidden = !isDead && items.length === 0;
    const mark = JSON.stringify([found.status, isDead ? errorOf(found) : items]);
    if (mark === drawn) return;
    drawn = mark;
    replace(heading, isDead ? 'Why it was given up' : found.status === 'PROCESSING' ? 'What it does' : items.every(reason => CALM.has(reason.code)) ? 'When it runs' : 'Why it does not run');
    if (isDead) replace(list, el('li', {}, failure(found.errors.at(-1) ?? { error: 'No error was recorded.' })));
    else replace(list, items.map(item));
  }
  return { element, draw };
}
