// How failed attempts are repeated: the fields of the form, and the policy in words. Queues, types and rules have one each.
import { el } from '../core/dom.js';
import { plural, written } from '../core/format.js';

const given = value => value !== null && value !== undefined;

// `inherited`: what holds where nothing is set, from one or more layers.
const hint = (inherited, name, say) => (given(inherited?.[name]) ? `${say(inherited[name])}, as inherited` : 'as inherited');

export const policyFields = inherited => [
  { name: 'max_retries', label: 'Retries at most', kind: 'whole', min: 0, max: 100_000, placeholder: hint(inherited, 'max_retries', String), hint: 'After the first attempt.' },
  { name: 'retry_base_seconds', label: 'First delay', kind: 'seconds', placeholder: hint(inherited, 'retry_base_seconds', written), hint: 'A length of time: 5 s, 2 min.' },
  { name: 'retry_factor', label: 'Growth', kind: 'number', min: 1, placeholder: hint(inherited, 'retry_factor', Number), hint: 'Each delay is so many times the one before.' },
  { name: 'retry_cap_seconds', label: 'Longest delay', kind: 'seconds', placeholder: hint(inherited, 'retry_cap_seconds', written), hint: 'No delay grows over this.' },
  { name: 'retry_jitter', label: 'Jitter', kind: 'number', min: 0, max: 1, placeholder: hint(inherited, 'retry_jitter', Number), hint: '0.1 adds up to a tenth, at random.' },
];

export const POLICY = ['max_retries', 'retry_base_seconds', 'retry_factor', 'retry_cap_seconds', 'retry_jitter'];

// The first layer that says something wins: own settings, then those inherited.
export const layered = (...layers) => Object.fromEntries(POLICY.map(name => [name, layers.map(layer => layer?.[name]).find(given) ?? null]));

// 5 s, 10 s, 20 s, 40 s, then 1 h at most.
function delays({ retry_base_seconds: base, retry_factor: factor, retry_cap_seconds: cap, max_retries: most }) {
  if (![base, factor, cap, most].every(given) || most < 1) return null;
  const length = n => Math.min(base * factor ** n, cap);
  const shown = Math.min(4, most);
  const list = Array.from({ length: shown }, (_, n) => written(Number(length(n).toFixed(3))));
  return `${list.join(', ')}${most > shown ? ' …' : ''}${most > shown && factor > 1 ? ` ${written(cap)} at most` : ''}`;
}

// Facts: what is set here stands out, what is inherited says so.
export function policyFacts(own, ...inherited) {
  const all = layered(own, ...inherited);
  const say = (name, words) => given(all[name]) && [words(all[name]), !given(own?.[name]) && [' ', el('span.soft.small', {}, 'inherited')]];
  return [
    ['Retries', say('max_retries', value => (value === 0 ? 'none' : plural(value, 'retry', 'retries')))],
    ['First delay', say('retry_base_seconds', written)],
    ['Growth', say('retry_factor', value => `× ${Number(value)} each time`)],
    ['Longest delay', say('retry_cap_seconds', written)],
    ['Jitter', say('retry_jitter', value => `up to ${Math.round(value * 1000) / 10} % more, at random`)],
    ['Delays', delays(all)],
  ].map(([name, value]) => [name, value || null]);
}
