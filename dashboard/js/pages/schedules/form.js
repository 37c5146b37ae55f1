// The form of a schedule. It shows in plain words and in times what is meant while one types.
import * as api from '../../core/api.js';
import { isRead, words } from '../../core/cron.js';
import { el, replace } from '../../core/dom.js';
import { capital } from '../../core/format.js';
import { Exact } from '../../core/json.js';
import { openForm } from '../../shell/doors.js';
import { runList } from './runs.js';
import { path, save } from './steer.js';

const TYPED_FOR = 250;
const CRONS = ['every 15 minutes', '@hourly', '@daily', '0 9 * * mon-fri', '30 4 1 * *', '0 0 * * sun'];
const HELP = 'Five fields (minute, hour, day, month, weekday), @daily and the like, or: every 15 minutes.';

function isZone(name) {
  try { return Boolean(new Intl.DateTimeFormat('en', { timeZone: name })); } catch { return false; }
}

const zones = () => ['UTC', ...(Intl.supportedValuesOf?.('timeZone') ?? [])];

const fields = isNew => [
  { name: 'name', label: 'Name', required: true, fixed: !isNew, placeholder: 'nightly-report', hint: 'How it is called here; no slashes.', wide: true,
    check: value => (value?.includes('/') ? 'A name has no slashes.' : null) },
  { name: 'cron', label: 'When', required: true, suggest: 'crons', max: 1000, placeholder: '0 9 * * mon-fri', hint: HELP,
    check: value => (isRead(value) ? null : HELP) },
  { name: 'time_zone', label: 'Time zone', suggest: 'zones', placeholder: 'UTC', hint: 'Whose clocks it goes by.',
    check: value => (value && !isZone(value) ? 'A name like Europe/Berlin.' : null) },
  { name: 'type', label: 'Type', suggest: 'types', required: true, placeholder: 'report', hint: 'Of the job that it enqueues.' },
  { name: 'queue', label: 'Queue', suggest: 'queues', placeholder: 'default', hint: 'Workers pull from it.' },
  { name: 'payload', label: 'Payload', kind: 'json', rows: 5, required: true, hint: 'JSON, at most 1 MiB.' },

  { more: 'When things go wrong', name: 'overlap', label: 'While the last one still runs', kind: 'choice', options: [['', 'Enqueue all the same'], ['skip', 'Leave this run out'], ['queue', 'Wait until it has ended']] },
  { more: 'When things go wrong', name: 'catch_up', label: 'Runs missed while nothing worked', kind: 'choice', options: [['', 'Make up for the newest'], ['all', 'Make up for all'], ['skip', 'Leave them out']] },
  { more: 'When things go wrong', name: 'catch_up_limit', label: 'Of all, at most', kind: 'whole', min: 1, max: 1000, placeholder: '10' },
  { more: 'When things go wrong', name: 'grace_seconds', label: 'Left out only if later than', kind: 'seconds', placeholder: '1 min' },
  { more: 'When things go wrong', name: 'starts_at', label: 'No run before', kind: 'time', hint: 'Intervals are counted from it. Your time zone.', wide: true },

  { more: 'Its jobs', name: 'priority', label: 'Priority', kind: 'whole', min: -32768, max: 32767, placeholder: '0', hint: 'Higher runs first.' },
  { more: 'Its jobs', name: 'timeout_seconds', label: 'One attempt may take', kind: 'seconds', placeholder: 'as the type says' },
  { more: 'Its jobs', name: 'tags', label: 'Tags', kind: 'list', placeholder: 'nightly, finance', hint: 'With commas between.' },
  { more: 'Its jobs', name: 'concurrency_key', label: 'Concurrency key', hint: 'Whose limits they count against.' },

  { more: 'Retries', name: 'max_retries', label: 'Retries at most', kind: 'whole', min: 0, max: 100000, placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_base_seconds', label: 'First delay', kind: 'seconds', placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_factor', label: 'Growth', kind: 'number', min: 1, placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_cap_seconds', label: 'Longest delay', kind: 'seconds', placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_jitter', label: 'Jitter', kind: 'number', min: 0, max: 1, placeholder: 'as the queue says' },
  { more: 'Retries', name: 'retry_rules', label: 'Rules by error', kind: 'json', rows: 3, hint: 'A list; empty: as the type and the queue say.' },
];

function preview() {
  const box = el('div.preview.wide', { id: 'schedule-preview', 'aria-live': 'polite' });
  let timer = 0;
  let asked = '';
  async function look(cron, zone) {
    const mine = asked;
    let runs;
    try { runs = await api.read('next-runs', { cron, time_zone: zone, count: 5 }); } catch (problem) {
      if (mine === asked) replace(box, el('p', {}, `${problem.title}. ${problem.hint ?? ''}`));
      return;
    }
    if (mine !== asked) return;
    replace(box, el('p', {}, el('strong', {}, capital(words(cron, zone)))), runList(runs.items, zone));
  }
  return {
    box,
    show({ cron, time_zone: zone }) {
      const mark = JSON.stringify([cron, zone]);
      if (mark === asked) return;
      asked = mark;
      clearTimeout(timer);
      if (!cron || !isRead(cron) || (zone && !isZone(zone))) { replace(box, el('p.soft', {}, 'The next runs are shown here.')); return; }
      timer = setTimeout(() => look(cron, zone ?? 'UTC'), TYPED_FOR);
    },
  };
}

const DEFAULTS = { overlap: 'allow', catch_up: 'one', catch_up_limit: 10, grace_seconds: 60, priority: 0, queue: 'default' };

// `name`: of the schedule to edit; without one it is a new one.
export async function openSchedule(name, reload) {
  const before = name === null ? null : await api.read(path(name));
  // A default is shown as one, so that "More options" stays folded where nothing was chosen there.
  const shown = before && Object.fromEntries(Object.entries(before).map(([key, value]) => [key, DEFAULTS[key] === value ? null : value]));
  const next = preview();
  const values = before ? { ...shown, starts_at: null } : { payload: new Exact('{}') };
  openForm({
    id: 'schedule-form', title: before ? `Edit ${name}` : 'New schedule', yes: before ? 'Save' : 'Make it', values, fields: fields(!before),
    after: { time_zone: [next.box,
      el('datalist', { id: 'known-crons' }, CRONS.map(value => el('option', { value }, words(value)))),
      el('datalist', { id: 'known-zones' }, zones().map(value => el('option', { value })))] },
    follow: next.show,
    fieldOf: ({ code }) => (code === 'JQ014' ? 'payload' : null),
    async send({ name: given, ...settings }) {
      const body = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
      await save(given, body, before, reload);
    },
  });
}
