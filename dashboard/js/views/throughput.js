// What went through in the last minutes or hours: three lines, read off by pointer or arrow keys.
import * as api from '../api.js';
import { now } from '../clock.js';
import { find, setText, slot } from '../dom.js';
import { rate, timeOfDay } from '../format.js';
import { SERIES, ceiling, series } from '../history.js';
import * as live from '../live.js';
import * as url from '../url.js';

const RANGES = {
  '5m': { word: '5 min', since: 300, bucket: 10, every: 5000 },
  '1h': { word: '1 h', since: 3600, bucket: 60, every: 30_000 },
  '24h': { word: '24 h', since: 86_400, bucket: 900, every: 60_000 },
};
const TONES = { enqueued: 'ready', completed: 'completed', failed: 'dead' };
const HEIGHT = 100;

let points = [];
let chosen = null; // index of the point being read, null: the newest
const parts = {};
const range = () => RANGES[url.get('range')] ?? RANGES['5m'];

function shape(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function build(chart) {
  const svg = shape('svg', { preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  parts.svg = svg;
  for (const level of [0, 0.5, 1]) {
    svg.append(shape('line', { class: 'grid', x1: 0, x2: '100%', y1: HEIGHT * level, y2: HEIGHT * level }));
  }
  parts.area = shape('path', { class: 'area tone-completed' });
  svg.append(parts.area);
  for (const name of SERIES) {
    parts[name] = shape('path', { class: `line tone-${TONES[name]}` });
    svg.append(parts[name]);
  }
  parts.rule = shape('line', { class: 'rule', y1: 0, y2: HEIGHT });
  svg.append(parts.rule);
  for (const name of ['scale', 'from', 'to', 'none']) {
    parts[name] = document.createElement('span');
    parts[name].className = name;
  }
  chart.append(svg, parts.scale, parts.from, parts.to, parts.none);
}

function read() {
  const index = chosen ?? points.length - 1;
  const point = points[index];
  if (!point) return;
  const readout = find('#readout');
  for (const name of SERIES) setText(slot(readout, name), rate(point[name], 1));
  setText(slot(readout, 'when'), chosen === null ? 'now' : `at ${timeOfDay(new Date(point.at))}`);
  parts.rule.toggleAttribute('hidden', chosen === null);
  parts.rule.setAttribute('x1', index);
  parts.rule.setAttribute('x2', index);
  const chart = find('#chart');
  chart.ariaValueMax = points.length - 1;
  chart.ariaValueNow = index;
  chart.ariaValueText = `${timeOfDay(new Date(point.at))}: ${SERIES.map(name => `${name} ${rate(point[name], 1)}`).join(', ')}`;
}

function render() {
  const history = live.get('history');
  if (!history) return;
  points = series(history, range().since / range().bucket, now());
  if (chosen !== null) chosen = Math.min(chosen, points.length - 1);
  const top = ceiling(points);
  const path = name => points.map((point, x) => `${x ? 'L' : 'M'}${x} ${(HEIGHT * (1 - point[name] / top)).toFixed(2)}`).join('');
  parts.svg.setAttribute('viewBox', `0 0 ${points.length - 1} ${HEIGHT}`);
  for (const name of SERIES) parts[name].setAttribute('d', points.some(point => point[name] > 0) ? path(name) : '');
  parts.area.setAttribute('d', `${path('completed')}V${HEIGHT}H0Z`);
  const idle = SERIES.every(name => points.every(point => point[name] === 0));
  setText(parts.none, idle ? `Nothing went through in the last ${range().word}.` : '');
  setText(parts.scale, idle ? '' : rate(top, 1));
  setText(parts.from, `${range().word} ago`);
  setText(parts.to, 'now');
  read();
}

function choose(index) {
  chosen = index === null ? null : Math.min(Math.max(index, 0), points.length - 1);
  live.paint(read);
}

function byKey(event) {
  const here = chosen ?? points.length - 1;
  const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: points.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choose(to);
}

function byPointer(event) {
  const box = event.currentTarget.getBoundingClientRect();
  choose(Math.round((event.clientX - box.left) / box.width * (points.length - 1)));
}

let timer = 0;
async function load() {
  clearTimeout(timer);
  const asked = range();
  timer = setTimeout(load, asked.every);
  if (document.hidden || live.get('connection')?.state !== 'live') return;
  try {
    const history = await api.read('stats/history', { since_seconds: asked.since + 2 * asked.bucket, bucket_seconds: asked.bucket });
    if (asked === range()) live.set('history', history);
  } catch { /* the connection's notice says what is wrong; the next round tries again */ }
}

function buildRanges() {
  for (const [name, { word }] of Object.entries(RANGES)) {
    const label = document.createElement('label');
    const input = document.createElement('input');
    const text = document.createElement('span');
    Object.assign(input, { type: 'radio', name: 'range', value: name });
    input.addEventListener('change', () => url.set({ range: name === '5m' ? '' : name }, { replace: true }));
    text.textContent = word;
    label.append(input, text);
    find('#range').append(label);
  }
  const mark = () => { find(`#range input[value="${url.get('range') in RANGES ? url.get('range') : '5m'}"]`).checked = true; };
  mark();
  let shown = range();
  url.onChange(() => {
    mark();
    if (shown === range()) return;
    shown = range();
    chosen = null;
    load();
  });
}

export function mount() {
  const chart = find('#chart');
  build(chart);
  buildRanges();
  chart.addEventListener('pointermove', byPointer);
  chart.addEventListener('pointerleave', () => choose(null));
  chart.addEventListener('blur', () => choose(null));
  chart.addEventListener('keydown', byKey);
  live.watch('history', render);
  let state = '';
  live.watch('connection', () => {
    const before = state;
    state = live.get('connection')?.state;
    if (state === 'live' && before !== 'live') load();
  });
}
