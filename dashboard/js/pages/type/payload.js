// What the payloads of a type must keep to: a JSON Schema, edited here, and a function, which only SQL may set.
import * as api from '../../core/api.js';
import { el, replace } from '../../core/dom.js';
import { Exact, pretty } from '../../core/json.js';
import { button, panel } from '../../parts/controls.js';
import { snippet } from '../../parts/empty.js';
import { attempt, done } from '../../parts/toasts.js';
import { openForm } from '../../shell/doors.js';

const START = { type: 'object', required: [], properties: {} };
const indented = schema => new Exact(pretty(schema).text);
const quoted = text => `'${text.replaceAll("'", "''")}'`;

export function payload({ type, state, reload }) {
  const path = `schemas/${encodeURIComponent(type)}`;
  const put = schema => (schema === null ? api.call('DELETE', path) : api.call('PUT', path, { body: { schema } }));

  async function change(schema, said) {
    const before = state().row?.schema ?? null;
    await put(schema);
    reload();
    done(said, { undo: async () => { await put(before); reload(); } });
  }

  const edit = button('Edit', () => openForm({
    id: 'edit-schema', title: `Payloads of ${type}`, yes: 'Hold payloads to it',
    lead: 'From the next enqueue on, from every language. Jobs that exist already are not looked at.',
    fields: [{ name: 'schema', label: 'JSON Schema', kind: 'json', rows: 16, required: true, hint: 'The subset of draft 2020-12 that the guide of admission lists.' }],
    values: { schema: indented(state().row?.schema ?? START) },
    send: async ({ schema }, changed) => { if ('schema' in changed || state().row?.schema == null) await change(schema, `Payloads of ${type} are held to the schema`); },
  }), { kind: 'small', right: 'operate', 'aria-label': 'Edit the schema' });
  const remove = button('Remove', () => attempt('Remove the schema', () => change(null, `Payloads of ${type} may be anything`)), { kind: 'small', right: 'operate', 'aria-label': 'Remove the schema', hidden: true });
  const body = el('div.panel-body.checks');
  let shown = null;

  return {
    element: panel({ title: 'Payloads', actions: el('div.actions', {}, remove, edit) }, body),
    draw({ row }) {
      const key = JSON.stringify([row?.schema, row?.function_name]);
      if (key === shown) return;
      shown = key;
      const schema = row?.schema ?? null;
      remove.hidden = schema === null;
      edit.textContent = schema === null ? 'Set a schema' : 'Edit';
      replace(body,
        schema === null ? el('p.soft', {}, 'No schema: any JSON is taken in.') : el('pre.code.document', { tabindex: 0, 'aria-label': 'JSON Schema' }, pretty(schema).text),
        row?.function_name && [el('p', {}, 'Also held to the SQL function ', el('code', {}, row.function_name), '. The owner of the schema forge takes it away:'),
          snippet(`select forge.set_check(${quoted(type)}, null);`, 'the SQL')],
        !row?.function_name && el('details.how', {}, el('summary', {}, 'Check it by a function of yours'),
          el('p.soft', {}, 'It returns null, or the reason why the payload is refused. Only the owner of the schema forge may set it.'),
          snippet(`create function checks.known(payload jsonb) returns text\nlanguage sql stable set search_path = pg_catalog, pg_temp\nas $$ select case when payload ->> 'to' is null then 'nobody to send it to' end $$;\nselect forge.set_check(${quoted(type)}, 'checks.known');`, 'the SQL')));
    },
  };
}
