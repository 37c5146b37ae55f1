// A field that narrows a list that is all here already by a part of a name. What is typed lives in the address.
import { el } from '../core/dom.js';
import * as url from '../core/url.js';

// `draw` is called when the text changes, by typing or by Back.
export function searchField({ label, scope, draw }) {
  const element = el('input.field.search', {
    type: 'search', 'data-search': true, 'aria-label': label, placeholder: 'Search', autocomplete: 'off', spellcheck: 'false', value: url.get('search'),
    oninput: () => url.set({ search: element.value.trim() }, { replace: true }),
  });
  scope.onUrl(() => {
    if (element.value.trim() !== url.get('search')) element.value = url.get('search');
    draw();
  });
  return {
    element,
    text: () => url.get('search'),
    matches: name => name.toLowerCase().includes(url.get('search').toLowerCase()),
  };
}

export const noMatch = (search, what) => `No ${what} has “${search.text()}” in its name.`;
