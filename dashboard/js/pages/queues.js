// The queues: how deep they are, what they are held to, and the switch that stops them.
import { el, replace, time } from '../core/dom.js';
import { CAP, count, plural } from '../core/format.js';
import * as live from '../core/live.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { bar } from '../parts/bar.js';
import { badge, button, head, panel } from '../parts/controls.js';
import { firstJob } from '../parts/empty.js';
import { warningList } from '../parts/names.js';
import { table } from '../parts/table.js';
import { toggle } from './queue/pause.js';
import { admissionWords, limitWords } from './queue/words.js';

export const title = 'Queues';

const ABOUT = new Set(['no_worker', 'no_worker_for_type']);
const depth = row => row.ready + row.processing;

// A number that leads to the jobs it counts; zero is no link.
const number = (name, link) => row => (Number(row[name]) === 0 ? el('span.soft', {}, '0')
  : el('a', { href: link(row.queue) }, count(row[name], row.capped && row[name] >= CAP)));
const jobs = status => queue => href('jobs', { queue, status });

const COLUMNS = [
  { head: 'Queue', class: 'name', cell: row => [el('a', { href: href('queues', row.queue), 'data-row': true }, row.queue),
    row.paused && [' ', badge('Paused', 'processing', { title: row.pause_reason })],
    row.words.length > 0 && el('span.under', {}, row.words.join(' · '))] },
  { head: 'Depth', class: 'depth', label: '', cell: row => bar([['processing', row.processing / row.deepest], ['ready', row.ready / row.deepest]],
    `${plural(row.ready, 'job')} ready, ${count(row.processing)} running`) },
  { head: 'Ready', class: 'end', cell: number('ready', jobs('PENDING')) },
  { head: 'Running', class: 'end', cell: number('processing', jobs('PROCESSING')) },
  { head: 'Scheduled', class: 'end', cell: number('scheduled', jobs('PENDING')) },
  { head: 'Waiting', class: 'end', cell: number('waiting', jobs('WAITING')) },
  { head: 'Dead', class: 'end', cell: number('dead', queue => href('dead', { queue })) },
  { head: 'Oldest', class: 'end', label: 'Oldest ready', cell: row => (row.oldest_ready_at ? time(row.oldest_ready_at, { form: 'age' }) : el('span.soft', {}, '–')) },
  { head: '', class: 'end act', cell: row => button(row.paused ? 'Resume' : 'Pause', () => toggle(row), {
    kind: 'small', right: 'operate', 'aria-label': `${row.paused ? 'Resume' : 'Pause'} queue ${row.queue}`,
  }) },
];

export function mount({ root, scope }) {
  const list = table({ columns: COLUMNS, key: row => row.queue, caption: 'Queues' });
  const empty = el('div.empty', {}, firstJob());
  const warnings = warningList();
  const limits = source(scope, { wanted: () => ({ path: 'limits' }), topics: ['queues'], every: 30_000, render: draw });
  const admissions = source(scope, { wanted: () => ({ path: 'admissions' }), topics: ['queues'], every: 30_000, render: draw });

  // The settings of a queue beside its numbers. The bars are measured by the deepest of them.
  function rows() {
    const by = items => new Map((items ?? []).map(row => [row.queue, row]));
    const settings = by(live.get('queues')?.items);
    const limited = by(limits.value()?.items);
    const admitted = by(admissions.value()?.items);
    const counted = live.get('stats')?.queues ?? [];
    const deepest = Math.max(1, ...counted.map(depth));
    return counted.map(row => ({
      ...row, ...settings.get(row.queue), deepest,
      words: [...limitWords(limited.get(row.queue)), ...admissionWords(admitted.get(row.queue))],
    }));
  }

  function draw() {
    const all = rows();
    list.draw(all);
    empty.hidden = all.length > 0 || !live.get('stats');
    warnings.draw((live.get('warnings')?.items ?? []).filter(item => ABOUT.has(item.code)));
  }

  replace(root,
    head({ title: 'Queues', lead: 'Workers pull from them; each has its own limits, retries and retention.' }),
    warnings.element,
    panel({ title: 'All queues' }, list.element, empty));
  scope.watch(['stats', 'queues', 'warnings'], draw);
}
