// Which API, and as whom: asked only where the API asks, or where there is none.
import * as api from '../core/api.js';
import { connect } from '../core/connection.js';
import { el, find } from '../core/dom.js';
import * as url from '../core/url.js';
import { sheet } from '../parts/sheet.js';

function words(problem) {
  if (problem.status === 401) return api.hasToken() ? 'The API does not accept this token.' : 'This API asks for a token.';
  if (problem.status === 403) return `This token may not look at the jobs. ${problem.hint ?? ''}`;
  return [`${problem.title}.`, problem.hint].filter(Boolean).join(' ');
}

export function ask(problem) {
  find('#access')?.close();
  const address = el('input.field.code', { name: 'api', type: 'url', required: true, autocomplete: 'off', spellcheck: 'false', value: api.base().href });
  const token = el('input.field.code', { name: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false' });
  sheet({ id: 'access', title: 'Connect to the API', narrow: true, content: close => ({
    form: el('form', { onsubmit: event => {
      event.preventDefault();
      close();
      const moved = new URL(address.value).href !== api.base().href;
      if (token.value) api.setToken(token.value.trim(), address.value);
      if (moved) url.setApi(address.value);
      else connect();
    } }),
    body: el('div.sheet-body', {},
      el('p', { id: 'access-text' }, words(problem)),
      el('label.stack', {}, 'Address', address),
      el('label.stack', {}, 'Token', token, el('small.problem', {}, 'Kept in this tab only. Leave empty where the API asks for none.'))),
    foot: el('button.button.primary', { type: 'submit' }, 'Connect'),
  }) });
  (problem.status === 401 || problem.status === 403 ? token : address).focus();
}
