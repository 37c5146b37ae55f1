// An empty list says why it is empty, and what to do about it.
import * as api from '../api.js';
import { busy, fill, find, slot, stamp } from '../dom.js';
import { failed } from './toasts.js';

const JOB = '{"to":"user@example.com","subject":"Hello"}';
const SQL = `select forge.enqueue('email', '${JOB}');`;
const curl = () => `curl -X POST ${api.base().href}jobs -H "Content-Type: application/json" -d '{"type":"email","payload":${JOB}}'`;

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  } catch {
    failed('Copy', { title: 'the browser does not allow it', hint: 'Select the text and copy it by hand.' });
  }
}

function firstJob() {
  const element = stamp('first-job');
  fill(element, { sql: SQL, curl: curl() });
  for (const name of ['sql', 'curl']) {
    const button = find('button', slot(element, name).parentElement);
    button.addEventListener('click', () => busy(button, () => copy(button, slot(element, name).textContent)));
  }
  return [element];
}

function words({ title, text, problem }) {
  const heading = document.createElement('h3');
  const paragraph = document.createElement('p');
  heading.textContent = problem ? problem.title : title ?? '';
  heading.hidden = !heading.textContent;
  paragraph.textContent = problem ? [problem.detail, problem.hint, problem.code].filter(Boolean).join(' · ') : text;
  return [heading, paragraph];
}

// `what`: null hides it; { first } teaches the first job; else { title, text } or { problem }.
export function showEmpty(box, what) {
  box.hidden = what === null;
  const key = JSON.stringify(what);
  if (box.dataset.shows === key) return;
  box.dataset.shows = key;
  if (what) box.replaceChildren(...(what.first ? firstJob() : words(what)));
}
