// What is done to many jobs at once: counted first, confirmed, then in batches that can be stopped.
import * as api from '../../core/api.js';
import { now } from '../../core/clock.js';
import { el, setText } from '../../core/dom.js';
import { count, plural } from '../../core/format.js';
import { Exact } from '../../core/json.js';
import { button } from '../../parts/controls.js';
import { attempt, done } from '../../parts/toasts.js';
import { ask, openForm } from '../../shell/doors.js';
import { isFiltered, query, words } from './filters.js';

const BATCH = 500;
const COUNTED = 10_000;    // one look goes through so many at most

// `calls(target)`: the requests that do it, each in batches; `statuses`: which jobs it can be done to.
const ACTIONS = {
  run: { word: 'Run now', past: 'Ready to run', statuses: ['PENDING'], fits: job => new Date(job.scheduled_at) > now(), calls: target => [many('jobs/retry', { ...target, status: 'PENDING' })] },
  retry: { word: 'Retry', past: 'Retried', statuses: ['CANCELLED', 'DEAD'], calls: retries },
  change: { word: 'Change…', past: 'Changed', statuses: ['PENDING', 'WAITING'] },
  cancel: { word: 'Cancel…', past: 'Cancelled', statuses: ['WAITING', 'PENDING', 'PROCESSING'], danger: true, calls: target => [many('jobs/cancel', target)] },
};

// One request after another over all that match, by id.
const many = (path, filter, wrap = body => body) => async (step, isDry) => {
  let after = 0;
  for (let more = true; more;) {
    const answer = await api.call('POST', path, { body: wrap({ ...filter, after, limit: isDry ? COUNTED : BATCH, dry_run: isDry }) });
    ({ last_id: after, more } = answer);
    if (!step(isDry ? answer.matched : answer.changed, isDry ? 0 : answer.skipped)) return more;
  }
  return false;
};

// The dead leave their list when they are retried, so the next request finds the next ones.
const dead = ({ status, ...filter }) => async (step, isDry) => {
  for (let more = true; more;) {
    const answer = await api.call('POST', 'dlq/retry', { body: { ...filter, limit: isDry ? 1000 : BATCH, dry_run: isDry } });
    more = answer.more && answer.retried > 0;
    if (!step(answer.retried, 0) || isDry) return more;
  }
  return false;
};

function retries(target) {
  const calls = [];
  if (target.status !== 'DEAD') calls.push(many('jobs/retry', { ...target, status: 'CANCELLED' }));
  if (target.status !== 'CANCELLED') calls.push(dead(target));
  return calls;
}

// How many it would be. { matched, isMore }
async function countFirst(calls) {
  let matched = 0;
  let isMore = false;
  for (const call of calls) isMore = await call(number => { matched += number; return matched < COUNTED; }, true) || isMore;
  return { matched, isMore };
}

async function run(calls, { progress, stopped }) {
  const sum = { changed: 0, skipped: 0 };
  for (const call of calls) {
    await call((changed, skipped) => {
      sum.changed += changed;
      sum.skipped += skipped;
      progress(sum.changed);
      return !stopped();
    }, false);
    if (stopped()) break;
  }
  return sum;
}

const FIELDS = [
  { name: 'priority', label: 'Priority', kind: 'whole', min: -32768, max: 32767, placeholder: 'as it is', hint: 'Higher runs first.' },
  { name: 'max_retries', label: 'Retries at most', kind: 'whole', min: 0, max: 100000, placeholder: 'as it is', hint: 'After the first attempt.' },
  { name: 'queue', label: 'Queue', suggest: 'queues', placeholder: 'as it is', hint: 'They move there.' },
  { name: 'scheduled_at', label: 'Run at', kind: 'time', hint: 'Your time zone. Empty: as it is.' },
];
const NAMES = { priority: 'priority', max_retries: 'number of retries', queue: 'queue', scheduled_at: 'time' };
const shown = (name, value) => (name === 'scheduled_at' ? new Date(value).toLocaleString('en-GB') : String(value));

export function bulk({ chosen, list, matching, shown: rows }) {
  const text = el('span.bulk-text.num', { role: 'status' });
  const all = el('button.button.small.ghost', { type: 'button', id: 'select-all', onclick: () => chosen.setAll() });
  const buttons = Object.fromEntries(Object.entries(ACTIONS).map(([name, action]) => [name,
    button(action.word, () => start(name), { kind: 'small', right: 'operate', id: `bulk-${name}` })]));
  const clear = el('button.button.small.ghost.icon', { type: 'button', 'aria-label': 'Select none', onclick: () => chosen.clear() }, '✕');
  const element = el('div.bulk', { hidden: true, role: 'toolbar', 'aria-label': 'Selected jobs', 'data-right': 'operate' }, text, all, el('span.bulk-actions', {}, Object.values(buttons)), clear);

  function target(name) {
    if (!chosen.isAll()) return { ids: chosen.jobs().filter(job => fits(ACTIONS[name], job)).map(job => job.id) };
    const { payload, ...rest } = query();
    return { ...rest, ...(payload && { payload: new Exact(payload) }) };
  }

  const fits = (action, job) => action.statuses.includes(job.status) && (action.fits?.(job) ?? true);
  const isPossible = action => (chosen.isAll() ? !query().status || action.statuses.includes(query().status) : chosen.jobs().some(job => fits(action, job)));

  function start(name) {
    if (name === 'change') return openForm({ id: 'change', title: 'Change jobs', lead: 'Of those that wait. What is left empty stays as it is.', fields: FIELDS, yes: 'Go on', narrow: false, send: change });
    const action = ACTIONS[name];
    const meant = target(name);
    return confirm(action, action.calls(meant), { undo: name === 'cancel' && isUndoable(meant) ? () => bringBack(meant) : null });
  }

  async function change(values) {
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
    if (!Object.keys(given).length) throw { title: 'Nothing to change', detail: 'Fill in at least one field.' };
    const said = Object.entries(given).map(([name, value]) => `${NAMES[name]} ${shown(name, value)}`).join(', ');
    const { status, ...filter } = target('change');
    const which = ['PENDING', 'WAITING'].includes(status) ? { ...filter, status } : filter;
    // Not awaited: the form closes, then the question opens.
    confirm(ACTIONS.change, [many('jobs/edit', which, body => ({ filter: body, ...given }))], { extra: `They get: ${said}.` });
  }

  // What was due before it was cancelled is due again when it is brought back; a time in the future would be lost.
  const isUndoable = ({ ids }) => ids && chosen.jobs().every(job => !ids.includes(job.id) || (job.status === 'PENDING' && new Date(job.scheduled_at) <= now()));
  async function bringBack({ ids }) {
    await run([many('jobs/retry', { ids, status: 'CANCELLED' })], { progress: () => {}, stopped: () => false });
    list.reload();
  }

  const confirm = (action, calls, { extra = '', undo = null } = {}) => attempt(action.word.replace('…', ''), async () => {
    const { matched, isMore } = await countFirst(calls);
    const verb = action.word.replace('…', '');
    const number = isMore ? `at least ${count(matched)} jobs` : plural(matched, 'job');
    if (!matched) { done('There is nothing to do', { detail: 'No job of these can be changed that way any more.' }); return; }
    const which = chosen.isAll() ? `These are ${isFiltered() ? 'those' : 'all jobs'} ${words()}. ` : '';
    const running = action === ACTIONS.cancel ? 'Those that run are asked to stop, the others never run. ' : '';
    const again = action === ACTIONS.retry ? 'They get fresh retries. ' : '';
    ask({
      title: `${verb} ${number}?`, text: `${which}${running}${again}${extra}`.trim() || 'They become due now.', danger: action.danger,
      yes: `${verb} ${isMore ? 'them' : plural(matched, 'job')}`, no: action.danger ? 'Keep them' : 'Back', total: isMore ? null : matched, unit: matched === 1 && !isMore ? 'job' : 'jobs',
      work: handle => attempt(verb, async () => {
        const { changed, skipped } = await run(calls, handle);
        done(`${action.past}: ${plural(changed, 'job')}`, {
          undo: changed > 0 ? undo : null,
          detail: [handle.stopped() && 'Stopped before the rest.', skipped && `${plural(skipped, 'job')} ${skipped === 1 ? 'was' : 'were'} left: held by somebody else, or its key is taken.`].filter(Boolean).join(' '),
        });
        chosen.clear();
        list.reload();
      }),
    });
  });

  return {
    element,
    draw() {
      element.hidden = chosen.isEmpty();
      if (element.hidden) return;
      const found = matching();
      const everything = rows().length > 0 && rows().every(job => chosen.has(job.id));
      setText(text, chosen.isAll() ? `All ${found ? count(found.count, found.capped) : ''} that match` : `${count(chosen.size())} selected`);
      all.hidden = chosen.isAll() || !everything || !list.isMore();
      setText(all, found ? `Select all ${count(found.count, found.capped)} that match` : 'Select all that match');
      for (const [name, element] of Object.entries(buttons)) element.hidden = !isPossible(ACTIONS[name]);
    },
  };
}
