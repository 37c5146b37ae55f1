// One failure of a job: its class and text, and the traceback behind a fold.
import { el } from '../core/dom.js';
import { copyButton } from './copy.js';

// { error_type, error, traceback }
export function failure({ error_type: type, error, traceback }) {
  return el('div.failure', {},
    // it scrolls where it is long, so the keyboard must get there
    el('p.failure-text', { tabindex: 0 }, type && el('b', {}, error ? `${type}: ` : type), error),
    traceback && el('details', {},
      el('summary', {}, 'Traceback'),
      el('div.failure-trace', {}, copyButton(() => traceback, 'the traceback'), el('pre', { tabindex: 0, 'aria-label': 'Traceback' }, traceback))));
}
