// JSON for people and for big numbers. Pure: no DOM, no network.

// A number that a double cannot hold as it was written (an id over 2^53, 1.10, 1e400).
// It prints as the server wrote it and still computes where an estimate will do.
export class Exact {
  constructor(source) { this.source = source; }
  toString() { return this.source; }
  valueOf() { return Number(this.source); }
}

// Old browsers give a reviver no source; there, such numbers are rounded as JSON.parse always did.
const keepExact = (_key, value, context) =>
  typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
    ? new Exact(context.source) : value;

export const parse = text => JSON.parse(text, keepExact);

// JSON text of a value. What is Exact goes out as it was written: a payload keeps every digit that was typed.
export function stringify(value) {
  if (value instanceof Exact) return value.source;
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${stringify(item)}`).join(',')}}`;
}

// Characters that are not seen but move or hide what is: an attacker's payload must not rearrange itself.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const escaped = char => '\\u' + char.codePointAt(0).toString(16).padStart(4, '0');

export const visible = text => String(text).replace(INVISIBLE, escaped);

const SECRET = /passw|passphrase|secret|token|api[-_]?key|private[-_]?key|authorization|cookie|credential/i;
export const isSecret = key => SECRET.test(key);

// Indented text of a parsed value. With `hide`, the value under a key that names a secret is masked;
// `found` then counts them, so that a button to show them is offered only where there is one.
export function pretty(value, { hide = false } = {}) {
  const found = { secrets: 0 };
  const write = (item, indent) => {
    if (typeof item === 'string') return visible(JSON.stringify(item));
    if (item instanceof Exact || item === null || typeof item !== 'object') return String(item);
    const list = Array.isArray(item);
    const inner = indent + '  ';
    const parts = list
      ? item.map(child => inner + write(child, inner))
      : Object.entries(item).map(([key, child]) => `${inner}${visible(JSON.stringify(key))}: ${field(key, child, inner)}`);
    const [open, close] = list ? '[]' : '{}';
    return parts.length ? `${open}\n${parts.join(',\n')}\n${indent}${close}` : open + close;
  };
  const field = (key, child, indent) => {
    if (child === null || child === '' || !isSecret(key)) return write(child, indent);
    found.secrets += 1;
    return hide ? '"••••••"' : write(child, indent);
  };
  return { text: write(value, ''), secrets: found.secrets };
}
