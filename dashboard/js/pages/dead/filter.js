// Which dead jobs are meant: in the address, for the API, and in words.
import { now } from '../../core/clock.js';
import { containment, span } from '../../core/filters.js';
import { parse } from '../../core/json.js';
import * as url from '../../core/url.js';

export const NAMES = ['queue', 'type', 'error', 'fingerprint', 'tag', 'payload', 'time'];
// What groups do not know: with one of these there are only jobs.
const FINE = ['error', 'tag', 'payload', 'time'];

export const given = () => Object.fromEntries(NAMES.map(name => [name, url.get(name)]).filter(([, value]) => value));
export const isFine = filter => FINE.some(name => filter[name]);
export const problem = filter => containment(filter.payload ?? '').problem ?? (span(filter.time, now()) ? null : 'This span of time cannot be read.');

function parts(filter) {
  const { after, before } = span(filter.time, now()) ?? {};
  return { ...filter, time: undefined, payload: containment(filter.payload ?? '').json || undefined, created_after: after, created_before: before };
}

const known = list => Object.fromEntries(Object.entries(list).filter(([, value]) => value !== undefined && value !== null && value !== ''));

// As the query of GET /dlq, and as the body of what acts on all that match.
export const query = filter => known(parts(filter));
export function body(filter) {
  if (problem(filter)) throw new Error(problem(filter));
  const found = known(parts(filter));
  return found.payload ? { ...found, payload: parse(found.payload) } : found;
}

const SPANS = { '15m': 'in the last 15 minutes', '1h': 'in the last hour', '24h': 'in the last 24 hours', '7d': 'in the last 7 days' };

// "of type email in queue emails whose error contains “timeout”": said in full before anything is done.
export function describe({ queue, type, error, fingerprint, tag, payload, time }) {
  const words = [
    type && `of type ${type}`,
    queue && `in queue ${queue}`,
    fingerprint && 'with this error',
    error && `whose error contains “${error}”`,
    tag && `tagged ${tag}`,
    payload && `whose payload has ${payload}`,
    time && `enqueued ${SPANS[time] ?? `within ${time}`}`,
  ].filter(Boolean);
  return words.join(' ') || 'in every queue';
}

// The same for the filter of a revival, which is SQL's own.
export const ofRevival = ({ queue, type, fingerprint, tag, error_contains: error, payload_contains: contains, payload = contains, created_after: after, created_before: before }) => ({
  queue, type, fingerprint, tag, error,
  payload: payload && JSON.stringify(payload),
  time: after || before ? `${after ?? ''}/${before ?? ''}` : undefined,
});
