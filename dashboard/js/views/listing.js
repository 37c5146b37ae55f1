// What the two lists of jobs share: the stream carries the newest 25 of all; a filter or more rows are asked for.
import * as api from '../api.js';
import * as live from '../live.js';
import * as url from '../url.js';

export const PAGE = 25;      // as many as the stream carries
const MOST = 500;            // as many as one request may ask for

// `topic`: of the stream, also the hint to ask again. `filter()`: the query of the wanted rows, null where the
// stream's rows are the wanted ones; `page` rows at first. Returns { rows(), ready(), problem(), more() }, drawn again by `render`.
export function listing({ topic, path, rowsKey, page = PAGE, filter, render }) {
  const asked = `${topic}/asked`;
  const limit = () => Math.min(MOST, Math.max(page, Number(url.get(rowsKey)) || page));
  const query = () => {
    const wanted = filter();
    return wanted || limit() > PAGE ? { ...wanted, limit: limit() } : null;
  };

  const load = live.paced(async () => {
    const wanted = query();
    if (!wanted || document.hidden) return;
    let answer;
    try { answer = await api.read(path, wanted); } catch (problem) { answer = { items: [], problem }; }
    if (JSON.stringify(wanted) === JSON.stringify(query())) live.set(asked, { ...answer, key: JSON.stringify(wanted) });
  }, 1500);

  // The newest jobs may be the same while an older one in the filtered list has moved on: the numbers tell.
  live.watch([topic, 'stats'], () => { if (query()) load(); });
  live.watch([topic, asked], render);
  url.onChange(() => { if (query()) load(); live.paint(render); });

  const answer = () => {
    const wanted = query();
    const found = live.get(wanted ? asked : topic);
    return wanted && found?.key !== JSON.stringify(wanted) ? undefined : found;
  };
  return {
    ready: () => answer() !== undefined,
    rows: () => answer()?.items.slice(0, limit()) ?? [],
    problem: () => answer()?.problem ?? null,
    full: () => (answer()?.items.length ?? 0) >= limit() && limit() < MOST,
    more: () => url.set({ [rowsKey]: limit() + PAGE }, { replace: true }),
    reload: load,
  };
}
