// What a job depends on, and what depends on it: three columns of one small graph.
import { el, replace } from '../../core/dom.js';
import { status } from '../../core/format.js';
import { now } from '../../core/clock.js';
import * as live from '../../core/live.js';
import { source } from '../../core/source.js';
import { href } from '../../core/url.js';
import { button, panel } from '../../parts/controls.js';

const FEW = 8;
const PAGE = 500;

function card(job) {
  const { word, tone } = job.status ? status({ ...job, scheduled_at: job.scheduled_at ?? null, attempts: job.attempts ?? 0 }, now()) : { word: 'Kept no more', tone: 'quiet' };
  const inside = [el('i.dot'), el('span.kin-name', {}, job.type ?? 'Job'), el('span.id', {}, `#${job.id}`), el('span.kin-status', {}, job.status === 'PENDING' ? 'Pending' : word)];
  return el('li', {}, job.status
    ? el(`a.kin.tone-${tone}`, { href: href('jobs', job.id), title: job.error ?? word }, inside) : el(`span.kin.tone-${tone}`, {}, inside));
}

export function family({ scope, address, job }) {
  let wide = { parents: false, children: false };
  const draw = () => live.paint(render);
  // Asked for once; then only as long as one of them, or the job, can still change.
  const settled = ({ items }) => items.every(one => ['COMPLETED', 'CANCELLED', 'DEAD', null].includes(one.status)) && job.value()?.status !== 'WAITING';
  const side = name => source(scope, { wanted: () => ({ path: `${address}/${name}`, query: { limit: wide[name] ? PAGE : FEW } }), topics: ['stats'], gap: 3000, settled, render: draw });
  const sides = { parents: side('parents'), children: side('children') };
  const graph = el('div.family');
  const element = panel({ title: 'Dependencies', id: 'family' }, el('div.panel-body', {}, graph));
  element.hidden = true;
  let drawn = '';

  function column(name, title, { items, next }) {
    const more = next !== null && next !== undefined && !wide[name];
    return el(`section.family-side.${name}`, {},
      el('h3', {}, title),
      el('ul', {}, items.map(card)),
      more && button('Show more', () => { wide = { ...wide, [name]: true }; sides[name].reload(); }, { kind: 'small ghost' }));
  }

  function render() {
    const found = job.value();
    const [parents, children] = ['parents', 'children'].map(name => sides[name].value() ?? sides[name].stale() ?? { items: [], next: null });
    element.hidden = !found || !(parents.items.length || children.items.length);
    if (element.hidden) return;
    const mark = JSON.stringify([parents, children, found.status, wide]);
    if (mark === drawn) return;
    drawn = mark;
    const here = status(found, now());
    replace(graph,
      parents.items.length > 0 && column('parents', 'Waits for', parents),
      el('section.family-side.here', {}, el('h3', {}, 'This job'), el('ul', {}, el('li', {}, el(`span.kin.tone-${here.tone}`, { 'aria-current': 'true' },
        el('i.dot'), el('span.kin-name', {}, found.type), el('span.id', {}, `#${found.id}`), el('span.kin-status', {}, found.status === 'PENDING' ? 'Pending' : here.word))))),
      children.items.length > 0 && column('children', 'Waits for this', children));
  }
  return { element, draw: render };
}
