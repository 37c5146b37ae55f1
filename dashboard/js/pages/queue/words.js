// Limits in words. Pure.
import { count, written } from '../../core/format.js';

const SPANS = { 1: 'a second', 60: 'a minute', 3600: 'an hour', 86_400: 'a day' };
export const perWords = (rate, seconds) => `${count(rate)} ${SPANS[Number(seconds)] ?? `in ${written(Number(seconds))}`}`;

export const ON_FULL = { reject: 'refused', defer: 'put off', drop_oldest: 'taken in, the oldest dropped' };

// What a queue and the keys in it are held to, as short clauses.
export function limitWords(limits) {
  if (!limits) return [];
  return [
    limits.max_running !== null && `${count(limits.max_running)} at once`,
    limits.rate !== null && perWords(limits.rate, limits.per_seconds),
    limits.key_max_running !== null && `${count(limits.key_max_running)} at once for each key`,
    limits.key_rate !== null && `${perWords(limits.key_rate, limits.key_per_seconds)} for each key`,
    limits.key_fifo && 'each key in order',
  ].filter(Boolean);
}

export const admissionWords = admission => (admission?.max_depth ? [`takes in ${count(admission.max_depth)}`] : []);
