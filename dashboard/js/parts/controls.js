// Small things that pages are made of: buttons, badges, segments, the head of a page, panels.
import { busy, el } from '../core/dom.js';
import { now } from '../core/clock.js';
import { status } from '../core/format.js';

// `right`: what the role must be allowed for the button to be offered. `work` may be async: the button is busy meanwhile.
export function button(label, work, { kind = '', right = null, ...attributes } = {}) {
  const element = el(['button.button', ...kind.split(' ').filter(Boolean)].join('.'), { type: 'button', 'data-right': right, ...attributes }, label);
  element.addEventListener('click', event => busy(element, async () => work(event)));
  return element;
}

export const badge = (word, tone = 'quiet', attributes = {}) => el(`span.badge.tone-${tone}`, attributes, word);

export function statusBadge(job) {
  const { word, tone } = status(job, now());
  return badge(word, tone);
}

// One of a few: segments('Time span', { '5m': '5 min' }, '5m', chosen => …)
export function segments(label, options, value, choose) {
  const name = `segments-${label.toLowerCase().replace(/\W+/g, '-')}`;
  return el('fieldset.segments', {},
    el('legend.sr', {}, label),
    Object.entries(options).map(([key, word]) => el('label', {},
      el('input', { type: 'radio', name, value: key, checked: key === value, onchange: () => choose(key) }),
      el('span', {}, word))));
}

// `back`: [label, address] of the list that this one thing is in.
export function head({ title, lead = null, back = null, actions = [] }) {
  return el('header.page-head', {},
    el('h1', {}, back && [el('a.back', { href: back[1] }, back[0]), el('span.soft', { 'aria-hidden': 'true' }, '/')], title),
    lead && el('p.lead', {}, lead),
    el('div.actions', {}, actions));
}

export function panel({ title, id = null, actions = [], note = null, tone = null }, ...children) {
  const name = `${id ?? title.toLowerCase().replace(/\W+/g, '-')}-title`;
  return el(tone ? `section.panel.tone-${tone}` : 'section.panel', { id, 'aria-labelledby': name },
    el('div.panel-head', {}, el('h2', { id: name }, title), actions),
    note && el('p.panel-note', {}, note),
    children);
}

// [[name, value], …] as a list of facts; those without a value are left out.
export const facts = list => el('dl.facts', {}, list
  .filter(([, value]) => value !== null && value !== undefined && value !== '')
  .map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
