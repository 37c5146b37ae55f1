// A chart of lines over time, read off by pointer or arrow keys. Charts that share a `cursor` are read together.
import { el, setText } from '../core/dom.js';
import { timeOfDay } from '../core/format.js';

const HEIGHT = 100;

// Which point is being read, in all the charts of a page; null: the newest.
export function cursor() {
  const listeners = new Set();
  let at = null;
  return {
    at: () => at,
    move(index) {
      if (index === at) return;
      at = index;
      listeners.forEach(listener => listener());
    },
    follow: listener => listeners.add(listener),
  };
}

// The top of a scale: the next of 1, 2, 3, 4, 5, 6, 8, 10, 20 … so that it does not jump with every point.
export function ceiling(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 3, 4, 5, 6, 8, 10].map(step => step * power).find(step => step >= most * 0.999);
}

// A path through the points that are known; it breaks where one is not, and a lone point is a dot.
export function line(values, top) {
  const height = value => (HEIGHT * (1 - value / top)).toFixed(2);
  return values.map((value, x) => {
    if (value === null) return '';
    const begins = x === 0 || values[x - 1] === null;
    const alone = begins && (x === values.length - 1 || values[x + 1] === null);
    return `${begins ? 'M' : 'L'}${x} ${height(value)}${alone ? 'h0' : ''}`;
  }).join('');
}

// series: [{ name, word, class, area }]; `say(value)` writes a value, `tick(value)` one of the scale, `least` is the lowest top of
// the scale, `none` what an empty chart says. draw(points): [{ at, [name]: number or null }].
export function chart({ id, title, series, say, tick = say, least, none, reading }) {
  const paths = new Map(series.map(({ name, class: look }) => [name, el('path', { class: `line ${look}` })]));
  const areas = new Map(series.filter(each => each.area).map(({ name, class: look }) => [name, el('path', { class: `area ${look}` })]));
  const rule = el('line', { class: 'rule', y1: 0, y2: HEIGHT, hidden: true });
  const svg = el('svg', { preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    [0, 0.5, 1].map(level => el('line', { class: 'grid', x1: 0, x2: '100%', y1: HEIGHT * level, y2: HEIGHT * level })),
    [...areas.values()], [...paths.values()], rule);
  const labels = Object.fromEntries(['most', 'half', 'from', 'to', 'none'].map(name => [name, el(`span.${name}`)]));
  const box = el('div.chart', {
    id, role: 'slider', tabindex: 0, 'aria-label': `${title} over time; arrow keys move through it`,
    'aria-valuemin': 0, 'aria-valuemax': 0, 'aria-valuenow': 0,
    onpointermove: event => {
      const place = svg.getBoundingClientRect();
      reading.move(Math.min(Math.max(Math.round((event.clientX - place.left) / place.width * (points.length - 1)), 0), points.length - 1));
    },
    onpointerleave: () => reading.move(null),
    onblur: () => reading.move(null),
    onkeydown: byKey,
  }, svg, Object.values(labels));
  const values = new Map(series.map(({ name }) => [name, el('dd.num', { 'data-series': name }, '–')]));
  const when = el('dd.num', {}, '–');
  const readout = el('dl.readout', {},
    series.map(({ name, word, class: look, hint }) => el('div', { class: look, title: hint }, el('dt', {}, word), values.get(name))),
    el('div.readout-when', {}, el('dt.sr', {}, 'Time'), when));
  let points = [];

  function byKey(event) {
    const here = reading.at() ?? points.length - 1;
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: points.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    reading.move(Math.min(Math.max(to, 0), points.length - 1));
  }

  function read() {
    const index = reading.at() ?? points.length - 1;
    const point = points[index];
    if (!point) return;
    const words = name => (point[name] === null ? '–' : say(point[name]));
    series.forEach(({ name }) => setText(values.get(name), words(name)));
    const time = timeOfDay(new Date(point.at));
    setText(when, reading.at() === null ? 'now' : `at ${time}`);
    rule.toggleAttribute('hidden', reading.at() === null);
    rule.setAttribute('x1', index);
    rule.setAttribute('x2', index);
    box.ariaValueMax = points.length - 1;
    box.ariaValueNow = index;
    box.ariaValueText = `${time}: ${series.map(({ name, word }) => `${word} ${words(name)}`).join(', ')}`;
  }
  reading.follow(read);

  return {
    element: el('div.chart-box', {}, readout, box),
    draw(next) {
      points = next;
      const known = points.flatMap(point => series.map(({ name }) => point[name]).filter(value => value !== null));
      const top = ceiling(Math.max(least, ...known));
      const idle = known.every(value => value === 0);
      svg.setAttribute('viewBox', `0 0 ${Math.max(points.length - 1, 1)} ${HEIGHT}`);
      for (const { name } of series) {
        const column = points.map(point => point[name]);
        const path = column.some(value => value > 0) ? line(column, top) : '';
        paths.get(name).setAttribute('d', path);
        areas.get(name)?.setAttribute('d', path && `${line(column.map(value => value ?? 0), top)}V${HEIGHT}H0Z`);
      }
      setText(labels.most, idle ? '' : tick(top));
      setText(labels.half, idle ? '' : tick(top / 2));
      setText(labels.from, timeOfDay(new Date(points[0].at)).slice(0, 5));
      setText(labels.to, 'now');
      setText(labels.none, idle ? none : '');
      read();
    },
  };
}
