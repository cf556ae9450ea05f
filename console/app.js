// The console: reads what the page is about from its address, and joins the parts.
//
// The walk of one event: stream.js -> here -> topic-list.js, snippet-card.js, activity.js, event-list.js.

import { inbox } from '../tidings-inbox.js';
import { subscribe } from '../tidings.js';
import { AccessPanel } from './access-panel.js';
import { Activity } from './activity.js';
import { aliasesOf } from './aliases.js';
import { Bell } from './bell.js';
import { askTime, hubNow } from './clock.js';
import { ConnectionList } from './connection-list.js';
import { Connection } from './connection.js';
import { authorization, hasCredential } from './credential.js';
import { byId, element } from './element.js';
import { EmptyState, FIRST_DATA } from './empty-state.js';
import { entryOf, isPublished } from './entry.js';
import { EventList } from './event-list.js';
import { startHeader } from './header.js';
import { HUB, urlOf } from './hub.js';
import { icon } from './icon.js';
import { PublishForm } from './publish-form.js';
import { hasSpareConnection, sharesConnections } from './room.js';
import { SnippetCard } from './snippet-card.js';
import { Stream } from './stream.js';
import { startTabs } from './tabs.js';
import { countOf } from './time.js';
import { TopicList } from './topic-list.js';
import { exampleTopic, mayHavePart, soleTopic, subjectOf, withParameters } from './topic.js';
import { showTitle } from './title.js';
import { sayAll, say, word, wordFor } from './words.js';

/** Events from before the page that it begins with, unless its address says otherwise. */
const PAST_MAX = 50;
/** After this long without an event, the page says that there is none. */
const PATIENCE_MS = 150;
const HEARD_MS = 5_000;
/** How long the next page may take to come. */
const NEXT_PAGE_MS = 5_000;

// Behind a proxy the page may be at a path without its slash, such as /push. The address gets it, for those who copy it.
if (`${location.pathname}/` === new URL(HUB).pathname) history.replaceState(null, '', HUB + location.search + location.hash);

const subject = subjectOf(location, new URL(HUB).pathname);
const sole = soleTopic(subject.selectors);
const aliases = aliasesOf(document.querySelector('meta[name=aliases]')?.content);
const self_signed = document.querySelector('meta[name=certificate]')?.content === 'self-signed';
const asked = { hub: HUB, aliases, selectors: subject.selectors, types: [], token_to_publish: hasCredential(), token_to_watch: hasCredential(), self_signed };
const begin = subject.begin.length > 0 ? subject.begin : [['last', String(PAST_MAX)]];

let phase = 'connecting';
let filter = '';
let seen = 0;
let heard = 0;
let cleared = false;
let settled = false;

startHeader();
const transports = withParameters(`${HUB}console/transports.html`, subject.home ? [] : subject.selectors.map((topic) => ['topic', topic]));
for (const link of document.querySelectorAll('.to-transports')) link.href = transports;
for (const link of document.querySelectorAll('.to-inbox')) {
  link.href = `${HUB}console/inbox.html`;
  link.hidden = !hasInbox();
}
const showPart = startTabs(byId('main'), byId('tabs'));
showTitle(subject);
byId('filter-icon').append(icon('search'));
byId('clear').append(icon('clear'));
byId('topics').hidden = byId('tabs').querySelector('[data-part=topics]').hidden = sole !== '';

const activity = new Activity(byId('activity'));
const topics = new TopicList(byId('topic-list'), byId('topics-note'));
const snippets = new SnippetCard(byId('snippets'), asked);
const form = new PublishForm(byId('publish-form'), {
  topic: sole,
  suggested: exampleTopic(subject.selectors),
  refused,
  hears: () => phase === 'live',
});
const empty = new EmptyState(byId('empty'), { asked, home: subject.home, tried: tryIt, reset: () => useFilter('') });
const list = new EventList(byId('list'), byId('newest'), showList);
const connection = new Connection(
  { phase: byId('phase'), word: byId('phase-word'), banner: byId('banner'), cursor: byId('cursor') },
  { retry: () => stream.open(), ask: () => access.ask() },
);
const access = new AccessPanel(byId('access'), byId('access-open'), { entered, forgotten: () => location.reload() });
const bell = hasInbox() ? new Bell(byId('bell'), bellOptions()) : null;
const connections = new ConnectionList(byId('connections'), byId('tab-connections'));
const stream = new Stream({
  subscribe,
  url: urlOf(subject.selectors),
  begin,
  listener: { state: showState, event: receive, id: (id) => (connection.cursor = id), opened: (id) => (connections.own = id) },
  headers: authorization,
});
byId('list').classList.toggle('has-topics', sole === '');
byId('filter').addEventListener('input', (event) => useFilter(event.target.value));
byId('clear').addEventListener('click', clear);
byId('pause').addEventListener('click', () => usePause(!list.paused));
byId('held').addEventListener('click', showHeld);
usePause(false);
setInterval(announce, HEARD_MS);
sayAll();
byId('app').hidden = false;
byId('failed').hidden = true;
watchPage();
connections.look();
if (!document.hidden || !isAlone()) stream.open();

/** Whether each tab has a stream of its own: browsers have locks, which sharing takes, over https and on localhost alone. */
function isAlone() {
  return sharesConnections() && !navigator.locks;
}

function hasInbox() {
  return document.querySelector('meta[name=inbox]')?.content === 'on';
}

function bellOptions() {
  // Tabs that cannot share have a stream each, and a browser has six connections for all of them: the bell keeps none.
  const transport = isAlone() ? 'poll' : undefined;
  return { inbox, asked, transport, is_resting: document.hidden && isAlone(), ask: () => access.ask() };
}

/** @param {import('./stream.js').StreamEvent} event */
function receive(event) {
  // What the hub itself says has no time.
  const time = event.time ? new Date(event.time) : new Date(hubNow());
  const entry = { ...entryOf(event, sole), time };
  list.add(entry);
  if (!isPublished(event)) return;
  seen += 1;
  heard += 1;
  topics.add(entry.topic, time);
  snippets.sawType(event.type);
  activity.add(time);
}

function showState(state) {
  if (state.phase === 'refused' && showCovered(state.problem)) return;
  connection.state = state;
  phase = state.phase;
  if (phase === 'live') {
    form.reached();
    askTime();
  }
  if (phase === 'refused' && state.problem.status === 401) lock({ to_watch: true });
  if (phase !== 'connecting') setTimeout(settle, PATIENCE_MS);
}

/**
 * The page shows the part of its selectors that it may see, and says of which it does not see all.
 *
 * @param {import('./problem.js').Problem} problem
 */
function showCovered({ status, uncovered }) {
  // A server that refuses the part as well would be asked without end.
  if (stream.partial || !mayHavePart(subject.selectors, uncovered)) return false;
  stream.partial = true;
  connection.uncovered = uncovered;
  stream.open();
  if (status === 401) lock({ to_watch: true });
  return true;
}

/** A key or token is needed. */
function lock(needs) {
  snippets.wantToken(needs);
  if (needs.to_publish) empty.wantToken();
  access.open();
}

/** There is a new key or token: all that was refused is asked for again. */
function entered() {
  stream.partial = false;
  connection.uncovered = [];
  snippets.wantToken({ to_publish: true, to_watch: true });
  empty.wantToken();
  stream.open();
  form.unlock();
  connections.look();
}

/** From now on an empty list means that there is nothing. */
function settle() {
  if (settled) return;
  settled = true;
  list.release();
}

function showList({ kept, shown, held }) {
  const button = byId('held');
  button.hidden = held === 0;
  if (held > 0) showHeldCount(button, held);
  word(byId('seen'), 'seen', { count: countOf(seen) });
  word(byId('kept'), 'kept', { count: countOf(EventList.kept_max) });
  if (shown > 0) empty.show('');
  else if (kept > 0) empty.show('none', filter);
  else if (settled) empty.show(phase === 'refused' ? '' : cleared ? 'cleared' : 'quiet');
}

function showHeldCount(button, held) {
  if (!button.firstChild) button.append(icon('up'), element('span'));
  word(button.lastChild, 'held', { count: countOf(held) });
}

function showHeld() {
  list.release();
  byId('events').scrollTo({ top: 0 });
  byId('events').focus({ preventScroll: true });
}

function useFilter(text) {
  filter = text.trim().toLowerCase();
  if (byId('filter').value.trim().toLowerCase() !== filter) byId('filter').value = text;
  const fields = ({ topic, type, id, data }) => [topic, type, id, data];
  list.filter = (entry) => filter === '' || fields(entry).some((field) => field.toLowerCase().includes(filter));
}

function usePause(paused) {
  const button = byId('pause');
  list.paused = paused;
  connection.paused = paused;
  button.classList.toggle('is-on', paused);
  const key = paused ? 'resume' : 'pause';
  wordFor(button, 'aria-label', key);
  button.replaceChildren(icon(paused ? 'play' : 'pause'), word(element('span'), key));
}

function clear() {
  cleared = true;
  list.clear();
}

/** @param {import('./problem.js').Problem} problem */
function refused({ status }) {
  // On a narrow screen the form, where the reason stands, may be out of sight.
  showPart('publish');
  if (status !== 401) return;
  lock({ to_publish: true });
  access.ask();
}

function tryIt() {
  form.try(exampleTopic(subject.selectors), FIRST_DATA);
}

/** Tells a screen reader now and then what came, not each event. */
function announce() {
  form.topics = sole === '' ? topics.names : [];
  if (heard > 0) byId('heard').textContent = say('heard', { count: heard });
  heard = 0;
}

/** The client looks after the stream of a page that slept, or was put aside. What it leaves to the page is to make room for others. */
function watchPage() {
  document.addEventListener('visibilitychange', () => (document.hidden ? makeRoom() : wake()));
  addEventListener('pageshow', () => document.hidden || wake());
  if (sharesConnections()) addEventListener('beforeunload', leaveRoom);
}

/** Nobody looks at this page any more: somebody may have opened another one, which could not even load. */
async function makeRoom() {
  const is_needed = isAlone() || (sharesConnections() && !(await hasSpareConnection()));
  if (is_needed && document.hidden) rest();
}

/**
 * The next page needs a connection, which this one may hold until the next has come. If it does not come, because what was
 * asked for is a download, this one goes on.
 */
function leaveRoom() {
  rest();
  setTimeout(wake, NEXT_PAGE_MS);
}

function rest() {
  stream.rest();
  bell?.rest();
}

function wake() {
  stream.wake();
  bell?.wake();
}
