// What is wrong with a text as a payload. Pure.
import { visible } from './json.js';

const LIMIT = 1024 * 1024; // forge.enqueue refuses a larger payload (JQ005)

// What is wrong with a text as a payload, in words, or null. The texts of JSON.parse differ by browser,
// so only the place is taken from them, and the likely reason is looked up in the text itself.
export function problem(text) {
  if (!text.trim()) return 'Empty. Write {} for a job without a payload.';
  try {
    JSON.parse(text);
  } catch (error) {
    const at = place(text, String(error.message));
    return at === null ? `Not valid JSON: ${error.message}` : describe(text, at);
  }
  const size = new TextEncoder().encode(text).length;
  if (size > LIMIT) return `${size.toLocaleString('en')} bytes; a payload holds at most ${LIMIT.toLocaleString('en')}.`;
  if (text.includes('\\u0000')) return 'PostgreSQL cannot store the character \\u0000.';
  return null;
}

function place(text, message) {
  const position = /position (\d+)/.exec(message);
  if (position) return Number(position[1]);
  const lines = /line (\d+) column (\d+)/.exec(message);
  if (lines) return text.split('\n').slice(0, lines[1] - 1).join('\n').length + (lines[1] > 1) + Number(lines[2]) - 1;
  return /end of/i.test(message) ? text.length : null;
}

function describe(text, at) {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return `Line ${line}, column ${column}: ${reason(before, text.slice(at))}`;
}

function reason(before, rest) {
  const next = rest.trimStart()[0];
  const last = before.trimEnd().at(-1);
  if (next === undefined) return 'the text ends too early; something is still open.';
  if (next === "'" || next === '“' || next === '”') return 'text needs straight double quotes: "like this".';
  if (last === ',' && (next === '}' || next === ']')) return `a comma before ${next} has nothing after it.`;
  if (/^\s*(True|False|None|NaN|undefined)\b/.test(rest)) return 'JSON knows only true, false and null here.';
  if ((last === '{' || last === ',') && /[\w$]/.test(next)) return 'a name needs double quotes: "name".';
  if (last === '"' && next !== ':') return `a comma or colon is missing before ${visible(next)}`;
  if (/[\n\r\t]/.test(rest[0])) return 'a line break or tab inside text is written \\n or \\t.';
  return `${visible(next)} was not expected here.`;
}
