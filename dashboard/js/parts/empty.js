// An empty list says why it is empty, and what to do about it.
import * as api from '../core/api.js';
import { el, replace } from '../core/dom.js';
import * as live from '../core/live.js';
import { copyButton } from './copy.js';

const JOB = '{"to":"user@example.com","subject":"Hello"}';
const SQL = `select forge.enqueue('email', '${JOB}');`;
const curl = () => `curl -X POST ${api.base().href}jobs -H "Content-Type: application/json" -d '{"type":"email","payload":${JOB}}'`;

// Text to copy, with a button that does.
export const snippet = (text, name = 'this') => el('div.snippet', {}, el('pre', {}, text), copyButton(() => text, name));

export const firstJob = () => [
  el('h3', {}, 'No jobs yet'),
  el('p', {}, 'Enqueue the first one here, with SQL, or over HTTP:'),
  snippet(SQL, 'the SQL'),
  snippet(curl(), 'the curl command'),
];

export const problemWords = problem => [problem.detail, problem.hint, problem.code].filter(Boolean).join(' · ');

// What stands where a list would be. `source`: see core/source.js; `none`: { title, text } or nodes, for an empty list.
export function emptiness(source, items, none) {
  const box = el('div.empty');
  const say = (title, text) => replace(box, title && el('h3', {}, title), text && el('p', {}, text));
  return {
    element: box,
    draw() {
      const value = source.value();
      const problem = source.problem();
      box.hidden = !problem && value !== undefined && items(value).length > 0;
      if (box.hidden) return;
      const state = problem ? `p ${problem.title} ${problemWords(problem)}` : value === undefined ? `w ${live.get('connection')?.state}` : `n ${JSON.stringify(location.hash)}`;
      if (box.dataset.state === state) return;
      box.dataset.state = state;
      if (problem) say(problem.title, problemWords(problem));
      else if (value === undefined) say(null, live.get('connection')?.state === 'live' ? 'Loading…' : 'Nothing to show before the API answers.');
      else {
        const what = typeof none === 'function' ? none() : none;
        if (Array.isArray(what)) replace(box, what);
        else say(what.title, what.text);
      }
    },
  };
}
