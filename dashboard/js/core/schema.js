// What a JSON Schema asks of a payload, as a list of fields and in words. Pure. It looks at the first level only, to help
// while one types; the API checks all of it.
import { Exact } from './json.js';

const typesOf = rule => [rule?.type ?? []].flat();

function isOf(type, value) {
  const number = value instanceof Exact || typeof value === 'number';
  switch (type) {
    case 'integer': return number && Number.isInteger(Number(value));
    case 'number': return number;
    case 'array': return Array.isArray(value);
    case 'null': return value === null;
    case 'object': return value !== null && typeof value === 'object' && !Array.isArray(value) && !number;
    default: return typeof value === type;
  }
}

function note(rule) {
  const parts = [];
  if (rule?.enum) parts.push(`one of ${rule.enum.map(value => JSON.stringify(value)).join(', ')}`);
  if (rule?.const !== undefined) parts.push(`always ${JSON.stringify(rule.const)}`);
  if (rule?.format) parts.push(rule.format);
  if (rule?.minimum !== undefined) parts.push(`at least ${rule.minimum}`);
  if (rule?.maximum !== undefined) parts.push(`at most ${rule.maximum}`);
  if (rule?.maxLength !== undefined) parts.push(`at most ${rule.maxLength} characters`);
  if (rule?.description) parts.push(rule.description);
  return parts.join(', ');
}

// [{ name, type, required, note }], those that are needed first.
export function fields(schema) {
  const needed = new Set(schema?.required ?? []);
  const names = [...new Set([...needed, ...Object.keys(schema?.properties ?? {})])];
  return names.map(name => {
    const rule = schema.properties?.[name];
    return { name, type: typesOf(rule).join(' or ') || 'any', required: needed.has(name), note: note(rule) };
  }).sort((a, b) => b.required - a.required);
}

const article = type => (/^[aio]/.test(type) ? `an ${type}` : `a ${type}`);

// What is plainly wrong with a payload, or null.
export function wrong(schema, value) {
  if (schema === null || typeof schema !== 'object') return null;
  const outer = typesOf(schema);
  if (outer.length && !outer.some(type => isOf(type, value))) return `The payload must be ${outer.map(article).join(' or ')}.`;
  if (!isOf('object', value)) return null;
  const missing = (schema.required ?? []).filter(name => !Object.hasOwn(value, name));
  if (missing.length) return `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing.`;
  for (const [name, rule] of Object.entries(schema.properties ?? {})) {
    const types = typesOf(rule);
    if (Object.hasOwn(value, name) && types.length && !types.some(type => isOf(type, value[name]))) {
      return `${name} must be ${types.map(article).join(' or ')}.`;
    }
  }
  const known = Object.keys(schema.properties ?? {});
  const extra = schema.additionalProperties === false && Object.keys(value).find(name => !known.includes(name));
  return extra ? `${extra} is not a field of this type.` : null;
}

const EMPTY = { string: '', integer: 0, number: 0, boolean: false, array: [], object: {}, null: null };

// A payload to start from: every field that is needed, empty.
export const skeleton = schema => Object.fromEntries((schema?.required ?? []).map(name => {
  const rule = schema.properties?.[name];
  return [name, rule?.const ?? rule?.default ?? rule?.enum?.[0] ?? EMPTY[typesOf(rule)[0] ?? 'string']];
}));
