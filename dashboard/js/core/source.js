// An answer of the API that is kept fresh while its page is shown.
import * as api from './api.js';
import * as live from './live.js';

const SOONEST = 500;     // ms between two requests whatever they are for

// `query()` gives { path, query } of what is wanted now, or null for nothing. It is asked at once, when the address
// changes what is wanted, when one of `topics` of the event stream changes (that at most every `gap` ms), and every `every` ms.
// `settled(value)`: it is not likely to change any more; the stream's hints are let go by then.
// `render()` draws; value() is undefined before the first answer, and stays while a newer one is under way.
export function source(scope, { wanted, render, topics = [], gap = 1500, every = 0, settled = () => false }) {
  let value;
  let problem = null;
  let asked = '';     // what `value` answers
  const key = () => JSON.stringify(wanted());
  const isCurrent = () => asked === key();

  const load = scope.paced(async () => {
    const query = wanted();
    if (!query || document.hidden) return;
    const mine = JSON.stringify(query);
    let answer;
    let trouble = null;
    try { answer = await api.read(query.path, query.query); } catch (error) { trouble = error; }
    if (scope.signal.aborted || mine !== key()) return;
    problem = trouble;
    if (!trouble) value = answer;
    asked = mine;
    live.paint(render);
  }, Math.min(gap, SOONEST));
  const hint = scope.paced(async () => load(), gap);

  // The stream's pictures are hints that something changed; the first picture is none.
  let seen = false;
  if (topics.length) scope.watch(topics, () => { if (seen && !(isCurrent() && value !== undefined && settled(value))) hint(); seen = true; });
  scope.watch('connection', () => { if (live.get('connection')?.state === 'live') load(); });
  scope.onUrl(() => { if (key() !== asked) load(); });
  scope.listen(document, 'visibilitychange', () => { if (!document.hidden) load(); });
  if (every) scope.every(every, load);
  load();

  return {
    value: () => (isCurrent() ? value : undefined),
    stale: () => value,
    problem: () => (isCurrent() ? problem : null),
    reload: load,
  };
}
