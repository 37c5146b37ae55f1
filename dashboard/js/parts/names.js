// Names of queues, types and workers as links, the first few of many; and the sentences of what is wrong with them.
import { el, reconcile, setText } from '../core/dom.js';
import { sentence } from '../core/format.js';
import { href } from '../core/url.js';

// names(['email'], 'types'): each a link to its page. `most`: the others are a number, and listed on hover.
export function names(list, page, most = Infinity) {
  const shown = list.slice(0, most);
  const links = shown.flatMap((name, index) => [index > 0 && ', ', el('a', { href: href(page, name) }, name)]);
  const rest = list.length - shown.length;
  return el('span.names', {}, links, rest > 0 && el('span.soft', { title: list.slice(most).join(', ') }, ` and ${rest} more`));
}

// Items of the topic `warnings`, as notices on the page of what they are about.
export function warningList() {
  const element = el('ul.notices', { 'aria-label': 'Warnings' });
  return {
    element,
    draw: items => reconcile(element, items, {
      key: item => `${item.code} ${item.queue ?? ''} ${item.sentence}`,
      make: item => el(`li.notice.tone-${item.severity === 'warning' ? 'dead' : 'processing'}`, {}, el('p', {}, el('strong'), ' ', el('span'))),
      update: (notice, item) => {
        setText(notice.querySelector('strong'), sentence(item.sentence));
        setText(notice.querySelector('span'), sentence(item.hint));
      },
    }),
  };
}
