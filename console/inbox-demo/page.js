// The inbox at work: two users side by side, or the users of `?user=`, each with a badge and a list that are live.
//
// It is a page as an application has one: `inbox()` of the hub's client, and nothing else.

import { AccessPanel } from '../access-panel.js';
import { authorization, hasCredential, onCredential } from '../credential.js';
import { byId, element } from '../element.js';
import { startHeader } from '../header.js';
import { HUB } from '../hub.js';
import { problemOf, unreachable } from '../problem.js';
import { sayProblem } from '../problem-words.js';
import { snippet } from '../copy-button.js';
import { withParameters } from '../topic.js';
import { learn, onLanguage, say, sayAll, word } from '../words.js';
import { InboxCard } from './card.js';
import { INBOX_WORDS } from './dictionary.js';
import { curlMany, curlOne, script } from './lines.js';

const query = new URLSearchParams(location.search);
/** Each user has a stream, and a page shows a few. */
const USERS_MAX = 4;
const asked = query.getAll('user').filter((user) => user !== '');
const users = asked.length > 0 ? [...new Set(asked)].slice(0, USERS_MAX) : ['alice', 'bob'];
const self_signed = document.querySelector('meta[name=certificate]').content === 'self-signed';

learn(INBOX_WORDS);
startHeader((names) => addressOf(names));
byId('go-to').value = users.join(' ');
document.title = `${users.join(', ')} \u00b7 tidings`;

const access = new AccessPanel(byId('access'), byId('access-open'), { entered: () => restart(), forgotten: () => location.reload() });
const cards = users.map((user) => new InboxCard(user, { address: addressOf([user]), is_alone: users.length === 1, changed: showTitle, refused }));
byId('boxes').append(...cards.map(({ node }) => node));
byId('boxes').style.setProperty('--boxes', String(Math.min(users.length, 2)));

const lines = [
  { write: () => curlOne({ hub: HUB, self_signed, token: needsToken() }, users[0]), ...snippet('inbox.curl') },
  { write: () => curlMany({ hub: HUB, self_signed, token: needsToken() }, users.length > 1 ? users : [users[0], 'bob']), ...snippet('inbox.curl.many') },
  { write: () => script(HUB, users[0], needsToken()), ...snippet('inbox.page') },
];
byId('lines').append(...lines.map(({ node }) => node));

let is_refused = false;
onCredential(showLines);
onLanguage(() => (showTo(), showExample()));
byId('notify').addEventListener('submit', notify);
showTo();
showExample();
showLines();
sayAll();
byId('app').hidden = false;
byId('failed').hidden = true;
restart();

function addressOf(names) {
  return withParameters(location.pathname, names.map((name) => ['user', name]));
}

function restart() {
  for (const card of cards) card.open();
}

/** A window of one user has the count where a mail program has it. */
function showTitle() {
  const unread = cards.reduce((sum, card) => sum + card.unread, 0);
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${users.join(', ')} \u00b7 tidings`;
}

function refused(status) {
  is_refused = true;
  if (status === 401) access.open();
  showLines();
}

function needsToken() {
  return hasCredential() || is_refused;
}

function showLines() {
  for (const { write, show } of lines) show(write());
  byId('needs').hidden = !needsToken();
}

function showTo() {
  const chosen = byId('to').value;
  const options = users.map((user) => element('option', { value: `1${user}` }, user));
  if (users.length > 1) options.push(element('option', { value: '*' }, say('inbox.all')));
  byId('to').replaceChildren(...options);
  if (chosen) byId('to').value = chosen;
}

/** What is sent where nothing is typed. */
function showExample() {
  byId('text').placeholder = say('inbox.example');
}

async function notify(event) {
  event.preventDefault();
  const title = byId('text').value.trim() || say('inbox.example');
  const to = byId('to').value;
  const [path, body] = to === '*' ? ['inbox', { users, notification: { title } }] : [`inbox/${encodeURIComponent(to.slice(1))}`, { title }];
  const answer = await post(path, body);
  if (answer.problem) {
    byId('told').textContent = sayProblem(answer.problem);
    if (answer.problem.status === 401) access.ask();
    return;
  }
  byId('text').value = '';
  word(byId('told'), 'inbox.sent');
}

async function post(path, body) {
  try {
    const headers = { 'content-type': 'application/json', ...authorization() };
    const answer = await fetch(HUB + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return answer.ok ? {} : { problem: await problemOf(answer) };
  } catch {
    return { problem: unreachable() };
  }
}
