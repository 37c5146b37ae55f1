// What is done to dead jobs: one at once; many only after a look at how many they are, and at some of them.
import * as api from '../../core/api.js';
import { now } from '../../core/clock.js';
import { busy, el, replace, setText } from '../../core/dom.js';
import { count, plural } from '../../core/format.js';
import { href } from '../../core/url.js';
import { attempt, done, failed } from '../../parts/toasts.js';
import { ask, openForm } from '../../shell/doors.js';
import { body, describe, query } from './filter.js';

const BATCH = 200;
const LOOK = 1000;       // jobs that a dry run may name
const ARMED_FOR = 4000;  // ms in which a second press discards

export const retryOne = job => attempt(`Retry #${job.id}`, async () => {
  await api.call('POST', `dlq/${job.id}/retry`);
  done(`Retried ${job.type} #${job.id}`, { detail: 'It is ready, with fresh retries.', job: job.id });
});

export const discardOne = job => attempt(`Discard #${job.id}`, async () => {
  await api.call('DELETE', `dlq/${job.id}`);
  done(`Discarded ${job.type} #${job.id}`, { detail: 'The history keeps it for a while; it can be retried from there.', job: job.id });
});

// Discarding takes two presses: the first one arms the button for a while.
export function armed(label, work, attributes) {
  let timer = 0;
  const element = el('button.button.small.ghost', { type: 'button', 'data-right': 'operate', ...attributes }, label);
  const disarm = () => { clearTimeout(timer); element.classList.remove('armed'); setText(element, label); };
  element.addEventListener('blur', disarm);
  element.addEventListener('click', () => {
    if (element.classList.contains('armed')) { disarm(); busy(element, work); return; }
    element.classList.add('armed');
    setText(element, 'Really?');
    timer = setTimeout(disarm, ARMED_FOR);
  });
  return element;
}

// Only jobs that were dead when asked count: one that dies again meanwhile must not keep it going.
const upTo = filter => ({ ...body(filter), died_before: new Date(now()).toISOString() });

// A dry run: { number, over, sample }. Past its end the API counts, as far as it does.
async function look(path, which, filter) {
  const answer = await api.call('POST', path, { body: { ...which, limit: LOOK, dry_run: true } });
  const number = answer.retried ?? answer.discarded;
  const found = { number, over: answer.more || number === LOOK, sample: answer.sample ?? [] };
  if (!found.over) return found;
  try {
    const all = await api.read('dlq/count', query(filter));
    return { ...found, number: all.count, over: all.capped };
  } catch { return found; }
}

const words = ({ number, over }) => `${count(number, over)} ${number === 1 ? 'job' : 'jobs'}`;

function preview() {
  const box = el('div.preview.wide', { 'aria-live': 'polite' }, el('p.soft', {}, 'Counting…'));
  return {
    box,
    show(found, sample) {
      replace(box,
        el('p', {}, el('strong.num', { id: 'dry-count' }, words(found)), ' match now', sample.length > 0 && sample.length < found.number && ', for example'),
        el('ol', { id: 'dry-sample' }, sample.slice(0, 5).map(job => el('li', {},
          el('a', { href: href('jobs', job.id), target: '_blank', rel: 'noopener' }, job.type), ' ', el('span.id', {}, `#${job.id}`), ' ',
          el('span.soft', {}, `in ${job.queue}`)))));
    },
    fail: problem => replace(box, el('p', {}, `${problem.title}. ${problem.hint ?? ''}`)),
    progress(number, total) {
      const bar = el('progress', { max: total, value: number, 'aria-label': 'Progress' });
      replace(box, bar, el('p.num', { role: 'status' }, `${count(number)} of ${count(total)} done`));
    },
  };
}

// Runs `step` until it says that there is no more; returns how many it did.
async function batches(step, { progress, stopped }) {
  let all = 0;
  for (;;) {
    const { number, more } = await step();
    all += number;
    progress(all);
    if (!more || stopped()) return all;
  }
}

const FIELDS = [
  { name: 'pace', label: 'How fast', kind: 'choice', options: [['', 'All at once'], ['rate', 'Bit by bit']] },
  { name: 'rate', label: 'Jobs a second', kind: 'number', min: 0.001, max: 1000, hint: 'Goes on by itself, also when this page is closed.',
    check: (value, { pace }) => (pace && value === null ? 'How many a second?' : null) },
  { name: 'canary', label: 'Try so many first', kind: 'whole', min: 1, max: 100, placeholder: 'none', hint: 'If one of them fails, the others stay dead.' },
  { name: 'canary_within_seconds', label: 'They must be done within', kind: 'seconds', placeholder: '10 min', hint: 'Else the others stay dead.' },
];

async function start(which, { pace, rate, canary, canary_within_seconds: within }) {
  const paced = { rate: pace ? rate : null, canary, canary_within_seconds: canary ? within : null };
  const given = Object.fromEntries(Object.entries(paced).filter(([, value]) => value !== null));
  const answer = await api.call('POST', 'dlq/retry', { body: { ...which, limit: LOOK, ...given } });
  if (!answer.revival) { done(`Retried ${plural(answer.retried, 'job')}`); return; }
  done(`Revival ${answer.revival} has begun`, {
    detail: canary ? `The others come back once the first ${canary === 1 ? 'one is' : `${count(canary)} are`} completed.` : `${plural(rate, 'job')} a second come back.`,
    undo: () => api.call('POST', `revivals/${answer.revival}/cancel`),
  });
}

export async function retryMany(filter, reload) {
  const which = upTo(filter);
  const seen = preview();
  let found = null;
  let stopped = false;
  let dialog = null;
  dialog = await openForm({
    id: 'revive', title: 'Retry dead jobs', yes: 'Retry',
    lead: `Every dead job ${describe(filter)} becomes ready again, with fresh retries.`,
    intro: seen.box, fields: FIELDS, values: { rate: 10 },
    follow({ pace }) {
      const field = dialog?.querySelector('#field-rate');
      if (field) field.closest('.stack').hidden = !pace;
    },
    async send(values) {
      if (values.pace || values.canary) { await start(which, values); reload(); return; }
      const number = await batches(async () => {
        const answer = await api.call('POST', 'dlq/retry', { body: { ...which, limit: BATCH } });
        return { number: answer.retried, more: answer.more };
      }, { stopped: () => stopped, progress: all => seen.progress(all, Math.max(all, found?.number ?? all)) });
      done(`Retried ${plural(number, 'job')}`, stopped ? { detail: 'Stopped; the others are still dead.' } : {});
      reload();
    },
  });
  if (!dialog) return;
  dialog.addEventListener('close', () => { stopped = true; });
  dialog.querySelector('#field-rate').closest('.stack').hidden = true;
  try {
    found = await look('dlq/retry', which, filter);
    seen.show(found, found.sample);
    setText(dialog.querySelector('[type="submit"]'), `Retry ${words(found)}`);
  } catch (problem) { seen.fail(problem); }
}

export async function discardMany(filter, reload) {
  const which = upTo(filter);
  let found;
  try { found = await look('dlq/discard', which, filter); } catch (problem) { failed('Discard', problem); return; }
  ask({
    title: `Discard ${words(found)}?`,
    text: [`Every dead job ${describe(filter)} leaves the dead letters for good. The history keeps each for a while, and it can be retried from there one by one.`],
    yes: `Discard ${words(found)}`, danger: true, total: found.number, unit: 'discarded',
    work: async steps => {
      try {
        const number = await batches(async () => {
          const answer = await api.call('POST', 'dlq/discard', { body: { ...which, limit: BATCH } });
          return { number: answer.discarded, more: answer.more };
        }, steps);
        done(`Discarded ${plural(number, 'job')}`, steps.stopped() ? { detail: 'Stopped; the others are still dead.' } : {});
      } catch (problem) { failed('Discard', problem); }
      reload();
    },
  });
}
