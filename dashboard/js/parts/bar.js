// A thin bar: parts of a whole, each in the colour of its status. The numbers stand beside it as text.
import { el } from '../core/dom.js';

// parts: [[tone, share of the whole, 0 to 1], …]; `label` says it in words.
export function bar(parts, label) {
  let from = 0;
  const rects = parts.filter(([, share]) => share > 0).map(([tone, share]) => {
    const rect = el(`rect.tone-${tone}`, { x: `${from * 100}%`, width: `${Math.max(share * 100, 1.5)}%`, height: '100%' });
    from += share;
    return rect;
  });
  return el('svg.bar', { role: 'img', 'aria-label': label }, rects);
}
