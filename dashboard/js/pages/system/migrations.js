// What is installed: versions, and the migrations of the database.
import { el, replace, time } from '../../core/dom.js';
import * as live from '../../core/live.js';
import { plural } from '../../core/format.js';
import { source } from '../../core/source.js';
import { facts, panel } from '../../parts/controls.js';
import { problemWords } from '../../parts/empty.js';

export function migrations(scope) {
  const body = el('div.panel-body');
  const list = source(scope, { wanted: () => ({ path: 'migrations' }), every: 60_000, render });
  let drawn = '';
  function render() {
    const value = list.stale();
    const problem = list.problem();
    const mark = JSON.stringify([value, problem?.title, live.get('session')?.version]);
    if (mark === drawn) return;
    drawn = mark;
    if (!value) { replace(body, el('p.soft', {}, problem ? `${problem.title} ${problemWords(problem)}` : 'Loading…')); return; }
    const open = body.querySelector('details')?.open;
    const newest = value.items.at(-1);
    replace(body,
      facts([
        ['API', live.get('session')?.version],
        ['Functions', value.version],
        ['Database', newest && [newest.migration, ', ', time(newest.applied_at)]],
      ]),
      el('details.folded', { open }, el('summary', {}, plural(value.items.length, 'migration')),
        el('ol.runs', {}, [...value.items].reverse().map(item => el('li', {}, el('code', {}, item.migration), time(item.applied_at))))));
  }
  scope.watch('session', render);
  return panel({ title: 'Installed', id: 'installed' }, body);
}
