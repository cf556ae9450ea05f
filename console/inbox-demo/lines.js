// The lines to copy: how to notify, from a shell, and how a page of one's own hears of it. Pure.

/** Stands where the key or token of the reader goes. A line that is copied never has the secret itself. */
const HEADER = '-H "Authorization: Bearer $TIDINGS_TOKEN" ';

/**
 * @typedef {object} Place
 * @property {string} hub           The URL of the hub's root.
 * @property {boolean} self_signed  Whether it shows a certificate that nobody vouches for.
 * @property {boolean} token        Whether notifying needs a key or token.
 */

/** @param {Place} place */
export function curlOne(place, user) {
  return curl(place, { title: 'Your order has left', link: '/orders/9' }, `inbox/${encodeURIComponent(user)}`);
}

/** @param {Place} place */
export function curlMany(place, users) {
  return curl(place, { users, notification: { title: 'The office is closed', kind: 'news' } }, 'inbox');
}

/** `token`: whether reading needs one. */
export function script(hub, user, token = false) {
  return `<script type="module" src="${hub}tidings-inbox.js"></script>\n<tidings-inbox user="${escaped(user)}"${token ? ' token="TOKEN"' : ''}></tidings-inbox>`;
}

function curl({ hub, self_signed, token }, body, path) {
  const insecure = self_signed && hub.startsWith('https:') ? ' -k' : '';
  return `curl${insecure} ${token ? HEADER : ''}-d ${shellWord(spaced(body))} ${shellWord(hub + path)}`;
}

/** JSON as people write it. Line ends stand between values alone, since in a text they are escaped. */
function spaced(body) {
  return JSON.stringify(body, null, 1).replaceAll(/([{[])\n */g, '$1').replaceAll(/\n *([}\]])/g, '$1').replaceAll(/\n */g, ' ');
}

/** A word of a shell, in quotes if it needs them. */
function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
