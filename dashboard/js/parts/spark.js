// What went through one queue lately, as small columns: finished in one colour, failed on top of it in another.
import { el, replace } from '../core/dom.js';
import { count, timeOfDay } from '../core/format.js';

const column = (point, index, width, top) => {
  const done = point.completed / top * 100;
  const failed = point.failed / top * 100;
  const place = { x: `${index * width}%`, width: `${width * 0.72}%` };
  return el('g', {},
    el('title', {}, `${timeOfDay(new Date(point.at))}: ${count(point.completed)} completed, ${count(point.failed)} failed`),
    el('rect.hit', { x: `${index * width}%`, width: `${width}%`, height: '100%' }),
    done > 0 && el('rect.tone-completed', { ...place, y: `${100 - done}%`, height: `${done}%` }),
    failed > 0 && el('rect.tone-dead', { ...place, y: `${100 - done - failed}%`, height: `${failed}%` }));
};

// points: rows of GET /stats/history.
export function spark() {
  const element = el('svg.spark', { role: 'img' });
  return {
    element,
    draw(points, label) {
      const top = Math.max(1, ...points.map(point => point.completed + point.failed));
      element.setAttribute('aria-label', label);
      replace(element, points.map((point, index) => column(point, index, 100 / points.length, top)));
    },
  };
}
