// A table whose rows follow the items: rows keep their element (and the focus) while their item stays.
// On a phone each row is a card; a cell then carries the name of its column.
import { el, reconcile, replace } from '../core/dom.js';

// columns: [{ head, cell: item => node or text, class: 'end soft', label: 'shown before the value on a phone' }], the first
// one names the row. `version(item)`: what a row must be drawn anew for; by default any change of the item.
export function table({ columns, key, caption, version = item => JSON.stringify(item) }) {
  const body = el('tbody');
  const element = el('table.table', { 'aria-label': caption },
    el('thead', {}, el('tr', {}, columns.map(column => el('th', { scope: 'col', class: column.class }, column.head || el('span.sr', {}, column.name ?? 'Actions'))))),
    body);

  function fill(row, item) {
    const mark = version(item);
    if (row.dataset.version === mark) return;
    row.dataset.version = mark;
    const focused = [...row.querySelectorAll('a, button, input')].indexOf(document.activeElement);
    replace(row, columns.map((column, index) => el(index ? 'td' : 'th', {
      scope: index ? null : 'row', class: column.class, 'data-label': index ? column.label ?? column.head : null,
    }, column.cell(item))));
    if (focused >= 0) row.querySelectorAll('a, button, input')[focused]?.focus({ preventScroll: true });
  }

  return {
    element,
    body,
    draw(items) {
      element.hidden = items.length === 0;
      reconcile(body, items, { key, make: () => el('tr'), update: fill });
    },
  };
}
