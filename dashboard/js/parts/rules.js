// Retry rules: what becomes of failures by the class of their error. A type has a list of them, and so has a queue.
import * as api from '../core/api.js';
import { el } from '../core/dom.js';
import { plural, written } from '../core/format.js';
import { source } from '../core/source.js';
import { openForm } from '../shell/doors.js';
import { badge, button, panel } from './controls.js';
import { emptiness } from './empty.js';
import { POLICY, policyFields } from './policy.js';
import { table } from './table.js';
import { attempt, done } from './toasts.js';

const ACTIONS = { retry: ['Retry', 'ready'], permanent: ['Dead at once', 'dead'], pause: ['Pause the queue', 'processing'] };
const FIELDS = [
  { name: 'error_type', label: 'Class of the error', max: 500, placeholder: 'RateLimited', hint: 'A regular expression. Lost workers are WorkerLost, timeouts Timeout.' },
  { name: 'error', label: 'Text of the error', max: 500, placeholder: 'connection refused', hint: 'A regular expression. Both must match where both are given.',
    check: (value, values) => (value === null && values.error_type === null ? 'Say which errors: by class, by text, or both.' : null) },
  { name: 'action', label: 'Then', kind: 'choice', wide: true, options: [['retry', 'Retry it, as below'], ['permanent', 'Let the job die at once'], ['pause', 'Pause the queue until somebody resumes it']] },
  ...policyFields(null).map(field => ({ ...field, placeholder: 'as the job' })),
  { name: 'rule', label: 'Name', placeholder: 'the expression', hint: 'Kept with each failure.' },
];
const KEYS = FIELDS.map(field => field.name);

const bodyOf = rule => Object.fromEntries(KEYS.map(name => [name, rule[name] ?? null]).filter(([, value]) => value !== null));

// A rule without a name of its own is called by its expression.
const isNamed = rule => ![rule.error_type, rule.error].includes(rule.rule);

const how = rule => [
  rule.max_retries !== null && plural(rule.max_retries, 'retry of its own', 'retries of its own'),
  rule.retry_base_seconds !== null && `first after ${written(rule.retry_base_seconds)}`,
  rule.retry_factor !== null && `× ${Number(rule.retry_factor)}`,
  rule.retry_cap_seconds !== null && `${written(rule.retry_cap_seconds)} at most`,
].filter(Boolean).join(', ');

// `scope`: of the page; `of`: { queue: 'a' } or { type: 'b' }; {} for those that hold for all.
export function rulesPanel({ scope, of }) {
  const [[kind, name] = ['all', 'all queues']] = Object.entries(of);
  const rules = source(scope, { wanted: () => ({ path: 'retry-rules', query: of }), topics: ['queues'], every: 60_000, render: draw });
  const mine = () => (rules.value()?.items ?? []).filter(rule => rule.scope === kind);

  const put = list => api.call('PUT', 'retry-rules', { body: { ...of, rules: list.map(bodyOf) } });
  async function change(list, said) {
    const before = mine();
    await put(list);
    rules.reload();
    done(said, { undo: async () => { await put(before); rules.reload(); } });
  }

  // A list is sent as a whole; the form changes one of it, or adds one at the end.
  function edit(index = mine().length) {
    const list = mine();
    openForm({
      id: 'edit-rule', title: list[index] ? `Rule ${index + 1} of ${name}` : `A rule for ${name}`, fields: FIELDS, values: list[index] ? { ...list[index], rule: isNamed(list[index]) ? list[index].rule : null } : { action: 'retry' },
      send: async (rule, changed) => {
        if (list[index] && !Object.keys(changed).length) return;
        const next = [...list];
        next[index] = rule.action === 'retry' ? rule : { ...rule, ...Object.fromEntries(POLICY.map(key => [key, null])) };
        await change(next, `Retry rules of ${name} are changed`);
      },
    });
  }
  const without = index => attempt('Remove the rule', () => change(mine().filter((_, at) => at !== index), `A retry rule of ${name} is gone`));
  const earlier = index => attempt('Move the rule', () => {
    const list = mine();
    [list[index - 1], list[index]] = [list[index], list[index - 1]];
    return change(list, `Retry rules of ${name} are in another order`);
  });

  const small = { kind: 'small ghost', right: 'operate' };
  const acts = rule => {
    const index = rule.position - 1;
    return [
      index > 0 && button('↑', () => earlier(index), { ...small, 'aria-label': `Ask rule ${rule.position} earlier` }),
      button('Edit', () => edit(index), { ...small, 'aria-label': `Edit rule ${rule.position}` }),
      button('Remove', () => without(index), { ...small, 'aria-label': `Remove rule ${rule.position}` }),
    ];
  };
  const list = table({
    key: rule => `${rule.scope} ${rule.name} ${rule.position}`, caption: 'Retry rules',
    columns: [
      { head: 'Errors', class: 'name', cell: rule => [
        el('code', {}, [rule.error_type, rule.error].filter(Boolean).join(' and ')),
        isNamed(rule) && el('span.soft', {}, ` ${rule.rule}`)] },
      { head: 'Then', cell: rule => badge(...ACTIONS[rule.action] ?? [rule.action]) },
      { head: 'How', cell: rule => how(rule) || el('span.soft', {}, 'as the job') },
      { head: '', class: 'end', cell: rule => (rule.scope === kind ? acts(rule) : el('span.soft', {}, rule.scope === 'all' ? 'for all queues' : `of the ${rule.scope}`)) },
    ],
  });
  const empty = emptiness(rules, value => (kind === 'all' ? mine() : value.items), { text: 'Every failure is retried as the policy says. A rule makes an exception: of rate limits, of errors that no retry mends.' });
  function draw() {
    const items = rules.value()?.items ?? rules.stale()?.items ?? [];
    list.draw(kind === 'all' ? items.filter(rule => rule.scope === 'all') : items);
    empty.draw();
  }
  return panel({
    title: 'Retry rules', note: 'The first that matches an error decides; those of the job itself come before, those of its type, then of its queue.',
    actions: button('Add rule', () => edit(), { kind: 'small', right: 'operate' }),
  }, list.element, empty.element);
}
