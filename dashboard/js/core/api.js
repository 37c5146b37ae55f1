// The only module that talks to the network.
import { learn } from './clock.js';
import { parse, stringify } from './json.js';
import { parser } from './sse.js';
import * as url from './url.js';

// An answer that is not a success, in the words of RFC 9457: title, detail, hint, and Forge's code.
export class Problem extends Error {
  constructor({ status = 0, title = 'Request failed', detail = null, hint = null, code = null, errors = [] }) {
    super(title);
    Object.assign(this, { status, title, detail, hint, code, errors });
  }
}

const unreachable = () => new Problem({
  title: 'The API does not answer',
  detail: base().href,
  hint: 'Start it with “make up” or “forge api”, or check the address.',
});

const notForge = status => new Problem({
  status,
  title: 'There is no Forge API at this address',
  detail: base().href,
  hint: 'Give the address of the API, for example http://localhost:8080.',
});

const withSlash = address => new URL(address.endsWith('/') ? address : `${address}/`);

// ?api= wins and is remembered for the tab; without one the API is where this page came from.
export function base() {
  const given = url.api() || sessionStorage.getItem('forge.api') || '';
  try {
    const address = withSlash(given);
    if (!['http:', 'https:'].includes(address.protocol)) throw new TypeError('not a web address');
    sessionStorage.setItem('forge.api', address.href);
    return address;
  } catch {
    return new URL('./', document.baseURI.split(/[?#]/, 1)[0]);
  }
}

// A token belongs to one API: a link with another ?api= must not get it sent there.
const tokenKey = () => `forge.token ${base().href}`;
export const hasToken = () => sessionStorage.getItem(tokenKey()) !== null;
// `address`: of the API that it is for, which may not be the one that the page talks to yet.
export const setToken = (token, address) => sessionStorage.setItem(`forge.token ${withSlash(address).href}`, token);

function request(method, path, { query = {}, body, signal, accept = 'application/json', etag = null } = {}) {
  const target = new URL(path, base());
  for (const [key, value] of Object.entries(query)) {
    if (value !== '' && value !== null && value !== undefined) target.searchParams.set(key, value);
  }
  const headers = { Accept: accept };
  const token = sessionStorage.getItem(tokenKey());
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (etag) headers['If-None-Match'] = etag;
  return fetch(target, { method, headers, body, signal, cache: 'no-store', credentials: 'omit' });
}

async function problemOf(response) {
  if (!/json/.test(response.headers.get('Content-Type') ?? '')) {
    return response.status < 500 ? notForge(response.status)
      : new Problem({ status: response.status, title: `The API answered ${response.status}`, detail: base().href });
  }
  return new Problem({ ...parse(await response.text()), status: response.status });
}

// Answers that carry an ETag are asked for again only where they changed; one that did not is the same object as before.
const KEPT = 8;
const kept = new Map();

function keep(key, etag, value) {
  kept.delete(key);
  if (etag) kept.set(key, { etag, value });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

export async function call(method, path, { query, body } = {}) {
  const text = body === undefined ? body : stringify(body);
  const key = method === 'GET' ? JSON.stringify([base().href, sessionStorage.getItem(tokenKey()), path, query]) : null;
  const known = kept.get(key);
  let response;
  let answer;
  try {
    response = await request(method, path, { query, body: text, etag: known?.etag, signal: AbortSignal.timeout(30_000) });
    if (known && response.status === 304) return known.value;
    if (!response.ok) throw await problemOf(response);
    answer = await response.text();
  } catch (error) {
    throw error instanceof Problem ? error : unreachable();
  }
  learn(response.headers.get('Date'));
  if (!/json/.test(response.headers.get('Content-Type') ?? '')) throw notForge(response.status);
  const value = parse(answer);
  if (key) keep(key, response.headers.get('ETag'), value);
  return value;
}

export const read = (path, query) => call('GET', path, { query });

const SILENCE = 40_000; // the server beats every 15 s; silence this long is a dead connection

// Reads GET /events until it ends. `emit(topic, text)` per event, `opened()` once the server has accepted.
export async function stream({ emit, opened, retry, signal }) {
  const silence = new AbortController();
  let watchdog = setTimeout(() => silence.abort(), SILENCE);
  try {
    const response = await request('GET', 'events', {
      accept: 'text/event-stream', signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok) throw await problemOf(response);
    if (!/event-stream/.test(response.headers.get('Content-Type') ?? '')) throw notForge(response.status);
    learn(response.headers.get('Date'));
    opened();
    const feed = parser(emit, (field, value) => { if (field === 'retry') retry(Number(value)); });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silence.abort(), SILENCE);
      feed(value);
    }
  } catch (error) {
    throw error instanceof Problem ? error : unreachable();
  } finally {
    clearTimeout(watchdog);
  }
}
