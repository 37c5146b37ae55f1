// Filters as people type them, as the API takes them. Pure.
import { Exact, parse, stringify } from './json.js';

const PAIR = /^([^\s=]+)=(?:"([^"]*)"|(\S+))(?:\s+|$)/;
const SPANS = { '15m': 900, '1h': 3600, '24h': 86_400, '7d': 604_800 };

// "a.b=3" as { a: { b: 3 } }. A value is JSON where it is a number, true, false or null; else, and in quotes, it is text.
function put(target, path, value) {
  const names = path.split('.');
  const last = names.pop();
  let place = target;
  for (const name of names) {
    if (!Object.hasOwn(place, name) || place[name] instanceof Exact || typeof place[name] !== 'object') place[name] = Object.create(null);
    place = place[name];
  }
  place[last] = value;
}

function literal(text) {
  try {
    const value = parse(text);
    return value === null || typeof value !== 'object' || value instanceof Exact ? value : text;
  } catch { return text; }
}

// What a payload is to contain: JSON, or pairs like to=a@b.c item.colour="light blue". { json } or { problem }.
export function containment(text) {
  let rest = text.trim();
  if (!rest) return { json: '' };
  if (/^[{[]/.test(rest)) {
    try { return { json: stringify(parse(rest)) }; } catch { return { problem: 'This JSON is not complete.' }; }
  }
  const found = Object.create(null);
  while (rest) {
    const match = PAIR.exec(rest);
    if (!match) return { problem: 'Write to=ada@example.com, or JSON.' };
    const [whole, path, quoted, bare] = match;
    put(found, path, quoted ?? literal(bare));
    rest = rest.slice(whole.length);
  }
  return { json: stringify(found) };
}

// A span of time as the address has it: "1h" (the last hour), or "2026-01-01T10:00/2026-01-01T12:00" in the reader's time zone
// with either end open. Gives { after, before } as ISO times, or null where it is none.
export function span(text, now) {
  if (!text) return {};
  if (SPANS[text]) return { after: new Date(now - SPANS[text] * 1000).toISOString() };
  const [from, to = ''] = text.split('/');
  const [after, before] = [from, to].map(part => (part ? new Date(part) : null));
  if ([after, before].some(when => when && Number.isNaN(when.getTime()))) return null;
  return { after: after?.toISOString() ?? null, before: before?.toISOString() ?? null };
}
