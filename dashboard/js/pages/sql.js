// What the database does by itself: functions that run jobs, tables whose changes make some, conditions that jobs wait for.
// All of it is set in SQL, with the rights of who sets it; here it is seen, with a snippet to start from.
import * as api from '../core/api.js';
import { el, replace, time } from '../core/dom.js';
import { written } from '../core/format.js';
import { source } from '../core/source.js';
import { href } from '../core/url.js';
import { badge, button, head, panel } from '../parts/controls.js';
import { emptiness, snippet } from '../parts/empty.js';
import { table } from '../parts/table.js';
import { attempt } from '../parts/toasts.js';

export const title = 'In SQL';

const typeLink = row => el('a', { href: href('types', row.type), 'data-row': true }, row.type);
const or = (value, words) => value ?? el('span.soft', {}, words);

const HANDLERS = {
  title: 'Functions that run jobs', path: 'sql-handlers', key: row => row.type,
  note: 'What such a function does and the completion of its job commit together. Any worker runs it, and so does forge.run in psql.',
  none: 'No type is run by an SQL function.', how: 'Register a function',
  sql: `create function charge(payload jsonb) returns jsonb language plpgsql as $$
begin
    insert into charges values (payload ->> 'customer', (payload ->> 'amount')::numeric);
    return jsonb_build_object('charged', payload -> 'amount');
end $$;
select * from forge.register_sql_handler('charge', 'charge', timeout => '30 s');`,
  columns: [
    { head: 'Type', class: 'name', cell: row => [typeLink(row), row.problem && el('span.under.failed', {}, row.problem)] },
    { head: 'Function', class: 'wide', cell: row => el('code', {}, row.function) },
    { head: 'Runs as', cell: row => or(row.run_as, 'its owner') },
    { head: 'Queue', cell: row => (row.queue ? el('a', { href: href('queues', row.queue) }, row.queue) : or(null, 'any')) },
    { head: 'Timeout', class: 'end', cell: row => (row.timeout_seconds === null ? or(null, 'none') : written(row.timeout_seconds)) },
  ],
};

const CHANGES = {
  title: 'Tables whose changes make jobs', path: 'changes', key: row => `${row.relation} ${row.name}`,
  note: 'The job is made in the transaction that changes the row: no job without the change, no change without the job.',
  none: 'No table makes jobs.', how: 'Watch a table',
  sql: `select * from forge.on_change(
    'orders', '{insert,update}', 'ship',
    when_condition => 'new.status = ''paid''',
    if_changed => '{status}'
);`,
  columns: [
    { head: 'Table', class: 'name', cell: row => [row.relation, ' ', !row.enabled && badge('Off', 'quiet', { title: 'The trigger is disabled on the table.' })] },
    { head: 'On', cell: row => `${row.events.join(', ')}, each ${row.each}` },
    { head: 'Makes', cell: typeLink },
    { head: 'In', cell: row => el('a', { href: href('queues', row.queue) }, row.queue) },
    { head: 'Where', class: 'wide', cell: row => (row.when_condition || row.if_changed
      ? [row.when_condition && el('code', {}, row.when_condition), row.when_condition && row.if_changed && ', ', row.if_changed && `${row.if_changed.join(', ')} changed`] : or(null, 'always')) },
    { head: 'Key', class: 'wide', cell: row => (row.key ? [el('code', {}, row.key), row.debounce_seconds !== null && el('span.soft', {}, ` after ${written(row.debounce_seconds)} of quiet`)] : or(null, '–')) },
    { head: 'Name', cell: row => el('span.soft', {}, row.name) },
  ],
};

const CONDITIONS = {
  title: 'Conditions that jobs wait for', path: 'conditions', key: row => row.id,
  note: 'The tick looks at each with the rights of who asked for it, until it is true or its deadline has come.',
  none: 'No job waits for a condition.', how: 'Run a job when something is true',
  sql: `select forge.run_when(
    'ship', 'exists (select from orders where id = 17 and paid)', '{"order": 17}',
    every => '1 minute', deadline => now() + interval '2 days', on_deadline => 'cancel'
);`,
  columns: [
    { head: 'Job', class: 'id-cell', cell: row => el('a', { href: href('jobs', row.id), 'data-row': true }, `#${row.id}`) },
    { head: 'Condition', class: 'wide condition', cell: row => [el('code', {}, row.condition), row.error && el('span.under.failed', {}, row.error)] },
    { head: 'Asked by', cell: row => row.asker },
    { head: 'Looks', class: 'end', cell: row => [String(row.looks), el('span.soft', {}, `, every ${written(row.every_seconds)}`)] },
    { head: 'Next look', class: 'end', cell: row => time(row.due_at) },
    { head: 'Deadline', class: 'end', cell: row => (row.deadline ? [time(row.deadline), el('span.soft', {}, `, then ${row.on_deadline}`)] : or(null, 'none')) },
  ],
};

function listing(scope, { title: name, path, key, note, none, how, sql, columns }, topics) {
  const list = table({ columns, key, caption: name });
  let later = [];
  let next;
  const rows = source(scope, { wanted: () => ({ path }), topics, gap: 5000, every: 15_000, render: draw });
  const empty = emptiness(rows, value => value.items, { text: none });
  const more = button('Show more', loadMore, { kind: 'more', hidden: true });
  const register = el('details.how', {}, el('summary', {}, how), snippet(sql, 'the SQL'));
  let asked = false; // the snippet of an empty list is open at first

  function loadMore() {
    return attempt('Show more', async () => {
      const page = await api.read(path, { after: next ?? rows.value().next });
      later = [...later, ...page.items];
      next = page.next;
      draw();
    });
  }

  function draw() {
    const items = rows.value()?.items ?? rows.stale()?.items;
    const known = new Set((items ?? []).map(key));
    list.draw([...items ?? [], ...later.filter(row => !known.has(key(row)))]);
    empty.draw();
    more.hidden = !(later.length ? next : rows.value()?.next);
    if (items && !asked) {
      asked = true;
      register.open = items.length === 0;
    }
  }
  return panel({ title: name, note }, list.element, empty.element, more, el('div.panel-foot', {}, register));
}

export function mount({ root, scope }) {
  replace(root,
    head({ title: 'In SQL', lead: 'What the database does by itself. It is set in psql, with the rights of who sets it; here you see it.' }),
    listing(scope, HANDLERS, []), listing(scope, CHANGES, []), listing(scope, CONDITIONS, ['stats']));
}
