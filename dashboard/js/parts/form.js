// A form in a sheet. It says what is wrong while it is typed, and the API has the last word.
import { busy, el, find, setText } from '../core/dom.js';
import { seconds, written } from '../core/format.js';
import { Exact, pretty, stringify } from '../core/json.js';
import { problem as jsonProblem } from '../core/payload.js';
import { sheet } from './sheet.js';

// How each kind of field is made, filled, checked and read. A field that is left empty reads as null.
const KINDS = {
  text: {
    make: field => el('input.field', { ...common(field), maxlength: field.max ?? 200, list: field.suggest ? `known-${field.suggest}` : null }),
    read: control => control.value.trim() || null,
  },
  lines: {
    make: field => el('textarea.field', { ...common(field), rows: field.rows ?? 3 }),
    read: control => control.value.trim() || null,
  },
  whole: {
    make: field => el('input.field.num', { ...common(field), type: 'number', step: 1, min: field.min, max: field.max }),
    check: (control, field) => {
      if (control.validity.badInput || control.validity.stepMismatch) return 'This is a whole number.';
      return range(control, field);
    },
    read: control => (control.value === '' ? null : Number(control.value)),
  },
  number: {
    make: field => el('input.field.num', { ...common(field), type: 'number', step: 'any', min: field.min, max: field.max }),
    check: (control, field) => (control.validity.badInput ? 'This is a number.' : range(control, field)),
    read: control => (control.value === '' ? null : Number(control.value)),
  },
  seconds: {
    make: field => el('input.field.num', common(field)),
    show: value => written(value),
    check: control => (control.value.trim() && seconds(control.value) === null ? 'A length of time: 90 s, 5 min, 1 h 30 min, 7 d.' : null),
    read: control => (control.value.trim() ? seconds(control.value) : null),
  },
  choice: {
    make: field => el('select.field', { name: field.name, id: `field-${field.name}`, 'aria-describedby': `${field.name}-problem` },
      field.options.map(([value, word]) => el('option', { value }, word))),
    read: control => control.value || null,
  },
  check: {
    make: field => el('input', { type: 'checkbox', name: field.name, id: `field-${field.name}`, 'aria-describedby': `${field.name}-problem` }),
    read: control => control.checked,
  },
  time: {
    make: field => el('input.field.num', { ...common(field), type: 'datetime-local', step: 1 }),
    show: value => local(new Date(value)),
    check: control => (control.validity.badInput ? 'The date or the time is not complete.' : null),
    read: control => (control.value ? new Date(control.value).toISOString() : null),
  },
  list: {
    make: field => el('input.field', common(field)),
    show: value => value.join(', '),
    read: control => {
      const items = control.value.split(',').map(item => item.trim()).filter(Boolean);
      return items.length ? items : null;
    },
  },
  // Goes out as it was typed: a large number in it must not pass through a double.
  json: {
    make: field => el('textarea.field.code', { ...common(field), rows: field.rows ?? 6, autocapitalize: 'off' }),
    show: value => (value instanceof Exact ? value.source : pretty(value).text),
    check: (control, field) => (control.value.trim() || field.required ? jsonProblem(control.value) : null),
    read: control => (control.value.trim() ? new Exact(control.value.trim()) : null),
  },
};

const common = field => ({
  name: field.name, id: `field-${field.name}`, placeholder: field.placeholder, 'aria-describedby': `${field.name}-problem`,
  autocomplete: 'off', spellcheck: 'false', readonly: field.fixed,
});

function range(control, { min, max }) {
  if (control.validity.rangeUnderflow || control.validity.rangeOverflow) {
    return max === undefined ? `At least ${min}.` : `From ${min} to ${max}.`;
  }
  return null;
}

const local = when => new Date(when - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

// form: { id, title, lead, fields, values, yes, narrow, wide, send(values, changed) }.
// field: { name, label, kind, hint, placeholder, required, min, max, options, suggest, wide, fixed, check(value, values),
// more: 'Heading' folds it away under that heading }.
// `changed` has only what differs from `values`. `send` may throw a Problem: it is said at the fields that it names.
// intro: a node below the lead; after: { name: node } stands below a field; follow(values) hears of every change; foot({ read, close }) gives further
// buttons; fieldOf(problem) names a field that a problem is about without saying so.
export function open({ id, title, lead = null, intro = null, fields, values = {}, yes = 'Save', narrow = false, after = {}, follow = () => {}, foot = () => null, fieldOf = () => null, send }) {
  const controls = new Map();
  const error = el('div.sheet-error', { role: 'alert', hidden: true });
  const submit = el('button.button.primary', { type: 'submit' }, yes);
  const kind = field => KINDS[field.kind ?? 'text'];

  function row(field) {
    const control = kind(field).make(field);
    const value = values[field.name];
    if (field.kind === 'check') control.checked = Boolean(value);
    else if (value !== null && value !== undefined) control.value = (kind(field).show ?? String)(value);
    controls.set(field.name, { control, field, was: null });
    const note = el('small.problem', { id: `${field.name}-problem` }, field.hint ?? '');
    const wide = field.wide || field.kind === 'json' || field.kind === 'lines';
    const below = after[field.name] ?? null;
    if (field.kind === 'check') return [el('label.stack.check.wide', {}, el('span', {}, control, ' ', field.label), note), below];
    // The hint is no part of the name: it is read after it.
    return [el(wide ? 'div.stack.wide' : 'div.stack', {}, el('label', { for: control.id }, field.label), control, note), below];
  }

  function mark({ control, field }, wrong) {
    if (wrong) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
    setText(find(`#${field.name}-problem`, dialog), wrong ?? field.hint ?? '');
  }

  function check(entry) {
    const { control, field } = entry;
    const value = kind(field).read(control);
    let wrong = kind(field).check?.(control, field) ?? null;
    if (!wrong && field.required && value === null) wrong = field.missing ?? 'This is needed.';
    if (!wrong && field.check) wrong = field.check(value, read());
    mark(entry, wrong);
    return !wrong;
  }

  function show(control) {
    const box = control.closest('details');
    if (box) box.open = true;
    control.focus();
  }

  // What is folded away is open where something of it is set already.
  function folded() {
    const inner = fields.filter(field => field.more);
    if (!inner.length) return null;
    const isSet = inner.some(({ name }) => values[name] !== null && values[name] !== undefined && values[name] !== '');
    return el('details.folded.wide', { open: isSet },
      el('summary', {}, 'More options'),
      [...new Set(inner.map(field => field.more))].map(heading => el('fieldset.grid-2', {},
        el('legend', {}, heading), inner.filter(field => field.more === heading).map(row))));
  }

  const read = () => Object.fromEntries([...controls].map(([name, { control, field }]) => [name, kind(field).read(control)]));

  // A rule of SQL names its argument in the detail: priority=99999.
  function blamed(problem) {
    const [, argument] = /^(\w+)=/.exec(problem.detail ?? '') ?? [];
    const name = [fieldOf(problem), argument, `${argument}_seconds`].find(found => controls.has(found));
    const listed = (problem.errors ?? []).map(({ field: path, message }) => [path.split(/[.[]/)[0], message]);
    if (listed.some(([path]) => controls.has(path)) || !name) return listed;
    const words = listed.map(([path, message]) => `${path}: ${message}`);
    return [[name, (words.length ? words : [problem.title, problem.hint].filter(Boolean)).join('; ')]];
  }

  function refuse(problem) {
    const marked = blamed(problem).filter(([name]) => controls.has(name));
    marked.forEach(([name, message]) => mark(controls.get(name), message));
    if (marked.length) show(controls.get(marked[0][0]).control);
    error.hidden = false;
    setText(error, [`${problem.title ?? problem.message}.`, problem.detail, problem.hint, problem.code].filter(Boolean).join(' · ').replace('. ·', '.'));
  }

  async function go(close) {
    const wrong = [...controls.values()].filter(entry => !check(entry));
    if (wrong.length) { show(wrong[0].control); return; }
    error.hidden = true;
    const now = read();
    const changed = Object.fromEntries(Object.entries(now).filter(([name, value]) => stringify(value) !== stringify(controls.get(name).was)));
    try {
      await send(now, changed);
      close();
    } catch (problem) { refuse(problem); }
  }

  const dialog = sheet({ id, title, narrow, content: close => ({
    form: el('form', {
      novalidate: true,
      onsubmit: event => { event.preventDefault(); busy(submit, () => go(close)); },
      oninput: event => { const entry = controls.get(event.target.name); if (entry) { check(entry); follow(read()); } },
      onkeydown: event => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); busy(submit, () => go(close)); }
      },
    }),
    body: el('div', {},
      el(narrow ? 'div.sheet-body' : 'div.sheet-body.grid-2', {}, lead && el('p.wide', {}, lead), intro, fields.filter(field => !field.more).map(row), folded()),
      error),
    foot: [foot({ read, close }) ?? el('span.hint', {}, el('kbd', {}, 'Ctrl'), ' ', el('kbd', {}, '↵')), el('button.button', { type: 'button', onclick: close }, 'Cancel'), submit],
  }) });
  const before = read();
  controls.forEach((entry, name) => { entry.was = before[name]; });
  follow(before);
  [...controls.values()].find(({ field }) => !field.fixed)?.control.focus();
  return dialog;
}
