// Which API, and as whom: asked only where the API asks, or where there is none.
import * as api from '../api.js';
import { connect } from '../connection.js';
import { find, setText } from '../dom.js';
import * as url from '../url.js';

function words(problem) {
  if (problem.status === 401) return api.hasToken() ? 'The API does not accept this token.' : 'This API asks for a token.';
  if (problem.status === 403) return `This token may not look at the jobs. ${problem.hint ?? ''}`;
  return [`${problem.title}.`, problem.hint].filter(Boolean).join(' ');
}

export function ask(problem) {
  const dialog = find('#access');
  const { api: address, token } = find('#access-form').elements;
  setText(find('#access-text'), words(problem));
  address.value = api.base().href;
  token.value = '';
  if (!dialog.open) dialog.showModal();
  (problem.status === 401 || problem.status === 403 ? token : address).focus();
}

find('#access-form').addEventListener('submit', event => {
  event.preventDefault();
  const { api: address, token } = event.target.elements;
  if (new URL(address.value).href !== api.base().href) url.set({ api: address.value });
  if (token.value) api.setToken(token.value.trim());
  find('#access').close();
  connect();
});
