// What is wrong with a text as a payload, and where, in words. Pure. The messages of JSON.parse differ by browser
// and often name no place, so the place is found here.
import { visible } from './json.js';

const LIMIT = 1024 * 1024; // forge.enqueue refuses a larger payload (JQ005)
const TOKEN = /[{}[\],:]|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SPACE = /[ \t\n\r]*/y;

function matchAt(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

// Where the text that opens at `at` closes, and the character that spoils it if it does not. By hand: a pattern for
// it would try a megabyte without a closing quote in more ways than there is time for.
function quoted(text, at) {
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] === '"') return { token: text.slice(at, end + 1) };
    if (text[end] < ' ') return { token: '', spoilt: 'control' };
    if (text[end] !== '\\') continue;
    const escape = matchAt(ESCAPE, text, end);
    if (!escape) return { token: '', spoilt: 'escape' };
    end += escape.length - 1;
  }
  return { token: '', spoilt: 'open' };
}

const tokenAt = (text, at) => (text[at] === '"' ? quoted(text, at).token : matchAt(TOKEN, text, at));

const SPOILT = {
  control: 'a line break or tab inside text is written \\n or \\t.',
  escape: 'a \\ in this text is written \\\\.',
  open: 'this text has no closing quote.',
};

// What may come after a token, by what was expected before it: the grammar of JSON as a table.
function follow(expected, token, open) {
  const closing = open.at(-1);
  if (token === closing && expected !== 'key' && expected !== 'value' && expected !== 'colon') {
    open.pop();
    return open.length ? 'comma' : 'end';
  }
  if (expected === 'comma') return token === ',' && (closing === '}' ? 'key' : 'value');
  if (expected === 'colon') return token === ':' && 'value';
  if (expected === 'key' || expected === 'key or }') return token[0] === '"' && 'colon';
  if (expected === 'end' || '}],:'.includes(token)) return false;
  if (token === '{' || token === '[') {
    open.push(token === '{' ? '}' : ']');
    return token === '{' ? 'key or }' : 'value or ]';
  }
  return open.length ? 'comma' : 'end';
}

// Index of the first character that cannot be there.
function firstError(text) {
  const open = [];
  let expected = 'value';
  let at = 0;
  for (;;) {
    at += matchAt(SPACE, text, at).length;
    const token = tokenAt(text, at);
    const next = token && follow(expected, token, open);
    if (!next) return { at, expected };
    expected = next;
    at += token.length;
  }
}

function reason(text, { at, expected }) {
  const rest = text.slice(at);
  const next = rest[0];
  const before = text.slice(0, at).trimEnd().at(-1);
  if (next === undefined) return 'the text ends too early; something is still open.';
  if (/^['‘’“”]/.test(next)) return 'text needs straight double quotes: "like this".';
  if (before === ',' && (next === '}' || next === ']')) return `a comma before ${next} has nothing after it.`;
  const spoilt = next === '"' && quoted(text, at).spoilt;
  if (spoilt) return SPOILT[spoilt];
  if (/^(?:True|False|None|NaN|Infinity|undefined)\b/.test(rest)) return 'JSON knows only true, false and null here.';
  if (expected.startsWith('key') && /[\w$]/.test(next)) return 'a name needs double quotes: "name".';
  if (expected === 'colon') return 'a colon is missing after the name.';
  if (expected === 'comma' && !'}],:'.includes(next)) return 'a comma is missing before this.';
  if (expected === 'end') return 'there is something after the end.';
  return `${visible(next)} was not expected here.`;
}

export function problem(text) {
  if (!text.trim()) return 'Empty. Write {} for a job without a payload.';
  try {
    JSON.parse(text);
  } catch {
    const error = firstError(text);
    const before = text.slice(0, error.at);
    return `Line ${before.split('\n').length}, column ${error.at - before.lastIndexOf('\n')}: ${reason(text, error)}`;
  }
  const size = new TextEncoder().encode(text).length;
  if (size > LIMIT) return `${size.toLocaleString('en')} bytes; a payload holds at most ${LIMIT.toLocaleString('en')}.`;
  if (/(?<!\\)(?:\\\\)*\\u0000/.test(text)) return 'PostgreSQL cannot store the character \\u0000.';
  return null;
}
