// What is being looked at lives in the address, so that it can be shared, reloaded and gone back to.
const listeners = new Set();
const read = () => new URLSearchParams(location.search);

export const get = key => read().get(key) ?? '';

// Puts values into the address; '' or null takes one out. `replace` for typing, so that Back is not a letter.
export function set(patch, { replace = false } = {}) {
  const query = read();
  for (const [key, value] of Object.entries(patch)) {
    if (value === '' || value === null || value === undefined) query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  if (text === read().toString()) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', text ? `?${text}` : location.pathname);
  announce();
}

export function onChange(listener) { listeners.add(listener); }
const announce = () => listeners.forEach(listener => listener());

addEventListener('popstate', announce);

// <a href="?status=DEAD" data-go>: a link that changes those values and keeps the others (and ?api=).
addEventListener('click', event => {
  const link = event.target.closest?.('a[data-go]');
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  set(Object.fromEntries(new URL(link.href).searchParams));
  if (link.hash) document.querySelector(link.hash)?.scrollIntoView();
});
