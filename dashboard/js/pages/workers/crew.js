// The workers of one queue, or of one type.
import { el } from '../../core/dom.js';
import { panel } from '../../parts/controls.js';
import { snippet } from '../../parts/empty.js';
import { table } from '../../parts/table.js';
import { crewColumns } from './columns.js';

// `none`: what it means that there are none; `command`: what starts one.
export function crewPanel({ columns, none, command }) {
  const list = table({ columns: crewColumns(columns), key: row => row.worker, caption: 'Workers' });
  const empty = el('div.empty', { hidden: true }, el('p', {}, none), snippet(command, 'the command'));
  return {
    element: panel({ title: 'Workers', actions: el('a.button.small', { href: '#/workers' }, 'All of them') }, list.element, empty),
    draw(workers) {
      list.draw(workers ?? []);
      empty.hidden = workers?.length !== 0;
    },
  };
}
