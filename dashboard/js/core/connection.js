// Keeps one event stream open, and says in `live` how that goes:
// { state: 'connecting' | 'live' | 'reconnecting' | 'offline' | 'refused', problem, since, next }
import { now } from './clock.js';
import * as api from './api.js';
import * as live from './live.js';

const LONGEST = 30_000;      // ms between two attempts
const OFFLINE_AFTER = 3;     // failed attempts in a row before the page says so
const HIDDEN_FOR = 60_000;   // a browser has six connections per host: a tab nobody sees gives its stream up

let firstDelay = 2000;       // the server's `retry:` replaces it
let failures = 0;
let since = null;            // when the stream was last known to be live
let attempt = null;          // AbortController of the stream
let wake = () => {};
let started = false;

function say(state, extra = {}) {
  live.set('connection', { state, since, problem: null, next: null, ...extra });
}

// Full jitter: a thousand pages must not come back in the same instant after a restart.
const delay = () => Math.min(LONGEST, firstDelay * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);

const pause = milliseconds => new Promise(resolve => {
  const timer = setTimeout(resolve, milliseconds);
  wake = () => { clearTimeout(timer); resolve(); };
});

async function once() {
  attempt = new AbortController();
  await api.stream({
    signal: attempt.signal,
    emit: live.setText,
    opened: () => { failures = 0; say('live'); },
    retry: milliseconds => { if (milliseconds > 0) firstDelay = milliseconds; },
  });
}

async function run() {
  say('connecting');
  for (;;) {
    let problem = null;
    try { await once(); } catch (error) { problem = error; }
    if (live.get('connection').state === 'live') since = now();
    if (document.hidden && attempt.signal.aborted) { await pause(2 ** 31 - 1); continue; }
    if (problem?.status === 401 || problem?.status === 403 || problem?.status === 404) {
      say('refused', { problem });
      await pause(2 ** 31 - 1);
      say('connecting');
      continue;
    }
    failures += 1;
    const wait = delay();
    const offline = navigator.onLine === false || failures >= OFFLINE_AFTER;
    say(offline ? 'offline' : 'reconnecting', { problem, next: Date.now() + wait });
    await pause(wait);
  }
}

// Try at once: a person asked, the network came back, or there is a new token.
export function connect() {
  if (started) { wake(); return; }
  started = true;
  run();
  addEventListener('online', () => wake());
  addEventListener('offline', () => attempt?.abort());
  let hiding = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(() => attempt?.abort(), HIDDEN_FOR);
    else if (live.get('connection').state !== 'live' || attempt?.signal.aborted) wake();
  });
}
