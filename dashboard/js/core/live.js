// What the page knows by topic, and who draws it. A render runs once a frame however often its topic changes:
// 10,000 events a second cost one parse and one render a frame for each topic.
import { parse } from './json.js';

const values = new Map();
const raw = new Map();       // newest text of each topic, not parsed before it is needed
const renders = new Map();   // topic -> set of renders
const dirty = new Set();
let frame = 0;

function draw() {
  frame = 0;
  for (const [topic, text] of raw) values.set(topic, parse(text));
  raw.clear();
  const now = [...dirty];
  dirty.clear();
  now.forEach(render => render());
}

export function paint(render) {
  dirty.add(render);
  frame ||= requestAnimationFrame(draw);
}

const touch = topic => renders.get(topic)?.forEach(paint);

export function set(topic, value) {
  raw.delete(topic);
  values.set(topic, value);
  touch(topic);
}

export function setText(topic, text) {
  raw.set(topic, text);
  touch(topic);
}

export const get = topic => values.get(topic);

// Draws now and whenever one of the topics changes, until `signal` says that the page has been left.
export function watch(topics, render, signal) {
  for (const topic of [topics].flat()) {
    if (!renders.has(topic)) renders.set(topic, new Set());
    renders.get(topic).add(render);
    signal?.addEventListener('abort', () => {
      renders.get(topic).delete(render);
      dirty.delete(render);
    });
  }
  paint(render);
}

// Runs `work` when triggered, at most one at a time and one every `gap` ms; a trigger meanwhile is kept, once.
export function paced(work, gap, signal) {
  let last = -Infinity;
  let running = false;
  let again = false;
  let timer = 0;

  async function run() {
    timer = 0;
    running = true;
    again = false;
    last = performance.now();
    try { await work(); } finally {
      running = false;
      if (again) trigger();
    }
  }

  function trigger() {
    if (signal?.aborted) return;
    if (running) again = true;
    else timer ||= setTimeout(run, Math.max(0, last + gap - performance.now()));
  }
  signal?.addEventListener('abort', () => clearTimeout(timer));
  return trigger;
}
