// What a page sets going while it is shown, and what ends with it: its watchers, its timers, its requests.
import * as live from './live.js';
import * as url from './url.js';

export function scope() {
  const controller = new AbortController();
  const { signal } = controller;
  return {
    signal,
    leave: () => controller.abort(),
    watch: (topics, render) => live.watch(topics, render, signal),
    paced: (work, gap) => live.paced(work, gap, signal),
    onUrl: listener => url.onChange(listener, signal),
    // Only while somebody looks.
    every(milliseconds, work) {
      const timer = setInterval(() => { if (!document.hidden) work(); }, milliseconds);
      signal.addEventListener('abort', () => clearInterval(timer));
    },
    listen: (target, name, listener) => target.addEventListener(name, listener, { signal }),
  };
}
