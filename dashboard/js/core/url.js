// What is being looked at lives in the address, so that it can be shared, reloaded and gone back to: #/jobs?status=DEAD.
// It is in the fragment because any plain file host serves that; ?api= before it names another API.
const listeners = new Set();

function read() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

function decode(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

// The address of a page: href('jobs', 12), href('jobs', { status: 'DEAD' }). Names may hold any character.
export function href(...parts) {
  const query = new URLSearchParams();
  const path = [];
  for (const part of parts) {
    if (part === null || typeof part !== 'object') path.push(encodeURIComponent(part));
    else for (const [key, value] of Object.entries(part)) if (isSet(value)) query.set(key, value);
  }
  const text = query.toString();
  return `#/${path.join('/')}${text ? `?${text}` : ''}`;
}

const isSet = value => value !== '' && value !== null && value !== undefined;

export const path = () => read().path;
export const get = key => read().query.get(key) ?? '';
export const all = () => Object.fromEntries(read().query);

// Puts values into the address of this page; '' or null takes one out. `replace` for typing, so that Back is not a letter.
export function set(patch, { replace = false } = {}) {
  const { path: here, query } = read();
  const next = href(...here, { ...Object.fromEntries(query), ...patch });
  if (next === href(...here, Object.fromEntries(query))) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', next);
  announce();
}

export function go(...parts) {
  location.hash = href(...parts);
}

export function onChange(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener('abort', () => listeners.delete(listener));
}
const announce = () => [...listeners].forEach(listener => listener());

addEventListener('popstate', announce); // links to fragments, Back and Forward

export const api = () => new URLSearchParams(location.search).get('api') ?? '';

// Another API: the page begins anew with it, so that nothing of the old one is left.
export function setApi(address) {
  const query = new URLSearchParams(location.search);
  query.set('api', address);
  location.search = query;
}
