// The console: reads what the page is about from its address, and joins the parts.
//
// The walk of one event: stream.js -> here -> topic-list.js, snippet-card.js, activity.js, event-list.js.

import { Activity } from './activity.js';
import { aliasesOf } from './aliases.js';
import { Arrival } from './arrival.js';
import { Connection } from './connection.js';
import { byId, element } from './element.js';
import { EmptyState, FIRST_DATA } from './empty-state.js';
import { entryOf, isPublished } from './entry.js';
import { EventList } from './event-list.js';
import { GAP, PARTIAL } from './event-type.js';
import { startHeader } from './header.js';
import { recall } from './history.js';
import { HUB, urlOf } from './hub.js';
import { icon } from './icon.js';
import { authorization } from './publisher.js';
import { PublishForm } from './publish-form.js';
import { SnippetCard } from './snippet-card.js';
import { Stream } from './stream.js';
import { startTabs } from './tabs.js';
import { countOf } from './time.js';
import { TopicList } from './topic-list.js';
import { exampleTopic, soleTopic, subjectOf } from './topic.js';
import { showTitle } from './title.js';
import { sayAll, say, word, wordFor } from './words.js';

/** Events from before the page that it begins with, unless its address says otherwise. */
const PAST_MAX = 50;
/** After this long without an event, the page says that there is none. */
const PATIENCE_MS = 150;
const HEARD_MS = 5_000;

const subject = subjectOf(location, new URL(HUB).pathname);
const sole = soleTopic(subject.selectors);
const aliases = aliasesOf(document.querySelector('meta[name=aliases]')?.content);
const asked = { hub: HUB, aliases, selectors: subject.selectors, types: [], with_key: false };
const url = urlOf(subject.selectors);
const begin = subject.begin.length > 0 ? subject.begin : [['last', String(PAST_MAX)]];
const arrival = new Arrival();

let stream = null;
let phase = 'connecting';
let filter = '';
let seen = 0;
let heard = 0;
let cleared = false;
let settled = false;
/** Whether the stream begins with events that are older than the connection. */
let behind = false;

startHeader();
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
});
const empty = new EmptyState(byId('empty'), { asked, home: subject.home, tried: tryIt, reset: () => useFilter('') });
const list = new EventList(byId('list'), byId('newest'), showList);
const connection = new Connection(
  { phase: byId('phase'), word: byId('phase-word'), banner: byId('banner'), cursor: byId('cursor') },
  () => stream?.open(),
);
byId('list').classList.toggle('has-topics', sole === '');
byId('filter').addEventListener('input', (event) => useFilter(event.target.value));
byId('clear').addEventListener('click', clear);
byId('pause').addEventListener('click', () => usePause(!list.paused));
byId('held').addEventListener('click', showHeld);
usePause(false);
setInterval(announce, HEARD_MS);
sayAll();
byId('app').hidden = false;
start();

/** Shows what was, then follows what comes. */
async function start() {
  const past = await recall(url, begin, authorization());
  if (past.gap) receive({ type: GAP, data: JSON.stringify(past.gap), id: '', topic: '' }, null);
  if (past.partial) receive({ type: PARTIAL, data: '', id: '', topic: '' }, null);
  for (const event of past.events) receive(event, event.time);
  activity.show();
  behind = past.more;
  stream = new Stream({
    url,
    begin,
    id: past.cursor,
    listener: {
      state: showState,
      event: (event) => receive(event, isPublished(event) ? arrival.time() : new Date()),
      id: (id) => (connection.cursor = id),
    },
    authorization,
  });
  watchPage();
  stream.open();
}

/**
 * @param {import('./decoder.js').StreamEvent} event
 * @param {Date | null} time
 */
function receive(event, time) {
  const entry = { ...entryOf(event, sole), time };
  list.add(entry);
  if (!isPublished(event)) return;
  seen += 1;
  heard += 1;
  topics.add(entry.topic, time);
  snippets.sawType(event.type);
  if (time) activity.add(time);
}

function showState(state) {
  connection.state = state;
  phase = state.phase;
  if (state.phase === 'live' && behind) arrival.begin();
  if (state.phase === 'live') behind = true;
  if (state.phase !== 'connecting') setTimeout(settle, PATIENCE_MS);
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
  snippets.wantKey();
  empty.wantKey(true);
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

/** A page that slept, or lost its network, looks after its stream when it wakes. */
function watchPage() {
  addEventListener('pageshow', (event) => event.persisted && stream.open());
  addEventListener('pagehide', () => stream.close());
  addEventListener('online', () => stream.hurry());
  document.addEventListener('visibilitychange', () => document.hidden || stream.check());
}
