// The rows of the list. They stay where they are while a pointer or the focus is among them: what is new waits.
import { now } from '../../core/clock.js';
import { el, find, time } from '../../core/dom.js';
import { count, status } from '../../core/format.js';
import { happening } from '../../core/life.js';
import * as url from '../../core/url.js';
import { given } from './filters.js';
import { statusBadge } from '../../parts/controls.js';
import { table } from '../../parts/table.js';

// What a row shows; anything else of a job may change unseen.
const seen = job => [job.status, job.queue, job.priority, job.attempts, job.max_retries, job.scheduled_at, job.attempted_at, job.finished_at,
  job.worker, job.progress, job.progress_note, job.cancel_requested_at, job.error ?? job.errors?.length, status(job, now()).word];

function note(job) {
  const { text, time: when, age, title, failed } = happening(job, now());
  return el(failed ? 'span.failed' : 'span.soft', { title }, text, when && text && ' ', when && time(when, { form: age ? 'age' : '' }));
}

export function rows({ scope, list, chosen, draw }) {
  let drawn = { key: null, rows: [] };
  let release = false;

  const tick = job => el('input.tick', {
    type: 'checkbox', checked: chosen.has(job.id), 'data-right': 'operate', 'aria-label': `Select ${job.type} #${job.id}`,
    onclick: event => chosen.toggle(job, event.target.checked, drawn.rows, event.shiftKey),
  });
  const all = el('input.tick', { type: 'checkbox', 'data-right': 'operate', 'aria-label': 'Select all that are shown', onclick: event => chosen.setShown(drawn.rows, event.target.checked) });

  const view = table({
    caption: 'Jobs', key: job => job.id,
    version: job => JSON.stringify([...seen(job), chosen.has(job.id)]),
    columns: [
      { head: el('span.with-tick', {}, all, 'Job'), cell: job => el('span.with-tick', {}, tick(job),
        el('a.job-link', { href: url.href('jobs', job.id), 'data-row': true, title: job.type }, el('b', {}, job.type), ' ', el('span.id', {}, `#${job.id}`))) },
      { head: 'Status', cell: statusBadge, label: '' },
      { head: 'Queue', class: 'queue soft', label: '', cell: job => el('span', { title: job.queue }, job.queue) },
      { head: 'What happens', class: 'note', cell: note, label: '' },
      { head: 'Priority', class: 'end', cell: job => (job.priority ? count(job.priority) : '') },
      { head: 'Attempt', class: 'end soft', cell: job => (job.attempts > 0 ? `${job.attempts}/${count(job.max_retries + 1)}` : '') },
      { head: 'Enqueued', class: 'end soft', label: '', cell: job => time(job.created_at) },
    ],
  });
  const { body } = view;
  // A finger that has left still hovers, as far as a phone is concerned.
  const pointer = matchMedia('(hover: hover)');
  const isHeld = () => (pointer.matches && body.matches(':hover')) || body.contains(document.activeElement);

  scope.listen(body, 'pointerleave', draw);
  scope.listen(body, 'focusout', draw);
  scope.listen(body, 'animationend', event => event.target.classList.remove('fresh'));
  scope.listen(body, 'click', event => {
    if (event.target.closest('a, button, input') || !getSelection().isCollapsed) return;
    find('a', event.target.closest('tr'))?.click();
  });

  return {
    element: view.element,
    shown: () => drawn.rows,
    release() {
      if (list.isBehind()) list.restart();
      release = true;
      document.activeElement?.blur?.();
      scrollTo({ top: 0 });
      draw();
    },
    // { fresh }: how many new rows wait.
    draw() {
      const key = JSON.stringify(given());
      const wanted = list.rows();
      const same = drawn.key === key && drawn.rows.length > 0;
      const known = new Set(drawn.rows.map(row => row.id));
      const newest = drawn.rows[0]?.id;
      const fresh = same ? wanted.filter(row => row.id > newest) : [];
      const hold = same && !release && isHeld();
      release = false;
      if (list.value() || drawn.key !== key) {
        const answers = new Map(wanted.map(row => [row.id, row]));
        const last = drawn.rows.at(-1)?.id;
        const shown = hold ? [...drawn.rows.map(row => answers.get(row.id) ?? row), ...wanted.filter(row => row.id < last)] : wanted;
        view.draw(shown);
        if (!hold && same) for (const row of fresh) find(`[data-key="${row.id}"]`, body)?.classList.add('fresh');
        drawn = { key, rows: shown };
        chosen.refresh(shown);
      }
      view.element.hidden = drawn.rows.length === 0;
      all.checked = drawn.rows.length > 0 && drawn.rows.every(row => chosen.has(row.id));
      all.indeterminate = !all.checked && !chosen.isEmpty();
      return { fresh: hold ? fresh.filter(row => !known.has(row.id)).length : 0 };
    },
  };
}
