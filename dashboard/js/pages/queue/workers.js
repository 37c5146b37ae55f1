// Who pulls from a queue.
import { el } from '../../core/dom.js';
import { panel } from '../../parts/controls.js';
import { crewColumns } from '../workers/columns.js';
import { table } from '../../parts/table.js';

export function pullers() {
  const list = table({ columns: crewColumns(['worker', 'types', 'load', 'heartbeat']), key: row => row.worker, caption: 'Workers of this queue' });
  const empty = el('div.empty', { hidden: true }, el('p', {}, 'No worker pulls from this queue, so nothing in it runs. Start one: ', el('code', {}, 'forge worker myapp:forge --queue …')));
  return {
    element: panel({ title: 'Workers', actions: el('a.button.small', { href: '#/workers' }, 'All of them') }, list.element, empty),
    draw(workers) {
      list.draw(workers ?? []);
      empty.hidden = workers?.length !== 0;
    },
  };
}
