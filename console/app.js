// The console: reads what the page is about from its address, and joins the parts.
//
// The walk of one event: stream.js -> here -> topic-list.js, snippet-card.js, activity.js, event-list.js.

import { Activity } from './activity.js';
import { Connection } from './connection.js';
import { byId, element } from './element.js';
import { EmptyState, FIRST_DATA } from './empty-state.js';
import { EventList } from './event-list.js';
import { startHeader } from './header.js';
import { icon } from './icon.js';
import { authorization } from './publisher.js';
import { PublishForm } from './publish-form.js';
import { SnippetCard } from './snippet-card.js';
import { Stream } from './stream.js';
import { startTabs } from './tabs.js';
import { countOf } from './time.js';
import { TopicList } from './topic-list.js';
import { pathOf, soleTopic, subjectOf } from './topic.js';
import { showTitle } from './title.js';
import { onLanguage, sayAll, say, word } from './words.js';

/** Events from before the page that a stream begins with, unless the address says otherwise. */
const EARLIER_MAX = 50;
/** The first silence this long ends what is from before the page. */
const EARLIER_SILENCE_MS = 120;
const HEARD_MS = 5_000;
const GAP = 'tidings.gap';

const subject = subjectOf(location);
const sole = soleTopic(subject.selectors);
const asked = { origin: location.origin, selectors: subject.selectors, types: [], topic: 'hello', with_key: false };

let filter = '';
let seen = 0;
let heard = 0;
let earlier = subject.begin.length > 0 ? Infinity : EARLIER_MAX;
let earlier_timer = 0;
let cleared = false;
let settled = false;

startHeader();
startTabs(byId('main'), byId('tabs'));
showTitle(subject);
byId('filter-icon').append(icon('search'));
byId('clear').append(icon('clear'));
byId('topics').hidden = byId('tabs').querySelector('[data-part=topics]').hidden = sole !== '';

const activity = new Activity(byId('activity'));
const topics = new TopicList(byId('topic-list'), byId('topics-note'));
const snippets = new SnippetCard(byId('snippets'), asked);
const form = new PublishForm(byId('publish-form'), {
  topic: sole,
  suggested: subject.home ? asked.topic : '',
  wanted: () => snippets.wantKey(),
});
const empty = new EmptyState(byId('empty'), { asked, home: subject.home, tried: tryIt, reset: () => useFilter('') });
const list = new EventList(byId('list'), byId('newest'), showList);
const connection = new Connection(
  { phase: byId('phase'), word: byId('phase-word'), banner: byId('banner'), cursor: byId('cursor') },
  () => stream.open(),
);
const stream = new Stream({
  path: pathOf(subject.selectors),
  begin: subject.begin.length > 0 ? subject.begin : [['last', String(EARLIER_MAX)]],
  listener: { state: showState, event: receive, id: (id) => (connection.cursor = id) },
  authorization,
});

byId('list').classList.toggle('has-topics', sole === '');
byId('filter').addEventListener('input', (event) => useFilter(event.target.value));
byId('clear').addEventListener('click', clear);
byId('pause').addEventListener('click', () => usePause(!list.paused));
byId('held').addEventListener('click', showHeld);
usePause(false);
onLanguage(() => usePause(list.paused));
setInterval(announce, HEARD_MS);
watchPage();
sayAll();
byId('app').hidden = false;
stream.open();

/** @param {import('./decoder.js').StreamEvent} event */
function receive({ type, data, id, topic }) {
  const entry = { kind: type === GAP ? 'gap' : 'event', time: timeNow(), topic: topic || sole, type, data, id };
  list.add(entry);
  if (entry.kind === 'gap') return;
  seen += 1;
  heard += 1;
  topics.add(entry.topic, entry.time);
  snippets.sawType(type);
  if (entry.time) activity.add();
}

/** When an event came; null for those from before the page, whose time the stream does not tell. */
function timeNow() {
  if (earlier <= 0) return new Date();
  earlier -= 1;
  clearTimeout(earlier_timer);
  earlier_timer = setTimeout(() => (earlier = 0), EARLIER_SILENCE_MS);
  return null;
}

function showState(state) {
  connection.state = state;
  if (state.phase !== 'live' || settled) return;
  earlier_timer = setTimeout(() => {
    earlier = 0;
    settled = true;
    list.release();
  }, EARLIER_SILENCE_MS);
}

function showList({ kept, shown, held }) {
  const button = byId('held');
  button.hidden = held === 0;
  if (held > 0) showHeldCount(button, held);
  word(byId('seen'), 'seen', { count: countOf(seen) });
  word(byId('kept'), 'kept', { count: countOf(EventList.kept_max) });
  if (shown > 0) empty.show('');
  else if (kept > 0) empty.show('none', filter);
  else if (settled) empty.show(cleared ? 'cleared' : 'quiet');
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
  button.setAttribute('aria-pressed', String(paused));
  button.replaceChildren(icon(paused ? 'play' : 'pause'), element('span', {}, say(paused ? 'resume' : 'pause')));
}

function clear() {
  cleared = true;
  list.clear();
}

function tryIt() {
  form.try(sole || asked.topic, FIRST_DATA);
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
