// The pages of the transports: a list of them, and for `?show=KEY` one at work on `?topic=`.
//
// The walk of one event: the transport's module -> link.js -> here -> event-list.js.

import { AccessPanel } from '../access-panel.js';
import { Connection } from '../connection.js';
import { hasCredential, onCredential } from '../credential.js';
import { byId, element } from '../element.js';
import { entryOf, isPublished } from '../entry.js';
import { isShown } from '../event-type.js';
import { EventList } from '../event-list.js';
import { startHeader } from '../header.js';
import { urlOf } from '../hub.js';
import { icon } from '../icon.js';
import { problemIn } from '../problem.js';
import { PublishForm } from '../publish-form.js';
import { publish } from '../publisher.js';
import { snippet } from '../copy-button.js';
import { startTabs } from '../tabs.js';
import { countOf } from '../time.js';
import { exampleTopic, soleTopic, withParameters } from '../topic.js';
import { learn, say, sayAll, word } from '../words.js';
import { clientCard } from './client-card.js';
import { TRANSPORT_WORDS } from './dictionary.js';
import { Link } from './link.js';
import { socketCard } from './socket-card.js';
import { TRANSPORTS } from './transports.js';

/** What a page shows that was not told. */
const TOPIC = 'demo';

const query = new URLSearchParams(location.search);
const asked = query.getAll('topic').filter((topic) => topic !== '');
const selectors = asked.length > 0 ? asked : [TOPIC];
const shown = TRANSPORTS.find(({ key }) => key === query.get('show'));

learn(TRANSPORT_WORDS);
startHeader((topics) => addressOf(shown, topics));
byId('go-to').value = selectors.join(' ');
if (shown) showOne(shown);
else showList();
byId('ways').append(...TRANSPORTS.map((transport) => link(transport, word(element('span'), `transports.${transport.key}.name`))));
sayAll();
byId('app').hidden = false;
byId('failed').hidden = true;
byId('ways').querySelector('[aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });

function addressOf(transport, topics) {
  const show = transport ? [['show', transport.key]] : [];
  return withParameters(location.pathname, [...show, ...topics.map((topic) => ['topic', topic])]);
}

function link(transport, ...children) {
  return element('a', { href: addressOf(transport, asked), 'aria-current': transport === shown && 'page' }, ...children);
}

function showList() {
  document.title = `${say('transports.title')} \u00b7 tidings`;
  word(byId('title'), 'transports.title');
  word(byId('about'), 'transports.about');
  for (const id of ['stream', 'side', 'tabs', 'ways', 'access-open']) byId(id).hidden = true;
  byId('main').classList.add('is-list');
  byId('list-of-ways').hidden = false;
  for (const transport of TRANSPORTS) {
    const name = word(element('strong'), `transports.${transport.key}.name`);
    const about = word(element('span'), `transports.${transport.key}.about`);
    const item = link(transport, name, about);
    item.classList.add('card');
    byId('list-of-ways').append(element('li', {}, item));
  }
}

function showOne(transport) {
  const sole = soleTopic(selectors);
  let seen = 0;
  let is_cut = false;
  let is_refused = false;

  document.title = `${say(`transports.${transport.key}.name`)} \u00b7 tidings`;
  word(byId('title'), `transports.${transport.key}.name`);
  word(byId('about'), `transports.${transport.key}.about`);
  word(byId('note'), `transports.${transport.key}.note`);
  const showPart = startTabs(byId('main'), byId('tabs'));

  const code = snippet('transports.code');
  const showCode = () => code.show(transport.code(urlOf(selectors), exampleTopic(selectors).replaceAll('\\', '\\\\').replaceAll("'", "\\'")));
  showCode();
  byId('snippet').append(code.node);

  // A topic's own page does not name it in each row.
  const list = new EventList(byId('list'), byId('newest'), ({ kept, held }) => {
    byId('empty').hidden = kept > 0 || is_refused;
    byId('held').hidden = held === 0;
    if (held > 0) byId('held').replaceChildren(icon('up'), word(element('span'), 'held', { count: countOf(held) }));
    word(byId('seen'), 'seen', { count: countOf(seen) });
  });
  byId('held').addEventListener('click', () => list.release());

  const nodes = { phase: byId('phase'), word: byId('phase-word'), banner: byId('banner'), cursor: byId('cursor') };
  const connection = new Connection(nodes, { retry: () => stream.open(), ask: () => access.ask() });
  const stream = new Link(transport, selectors, { state: showState, event: receive, id: (id) => (connection.cursor = id) });
  const access = new AccessPanel(byId('access'), byId('access-open'), { entered, forgotten: () => location.reload() });
  const form = new PublishForm(byId('publish-form'), { topic: sole, suggested: exampleTopic(selectors), refused, send });
  if (transport.key === 'web-socket') byId('publish').after(socketCard(stream));
  if (transport.key === 'client') byId('publish').before(clientCard(chosen));

  byId('cut').addEventListener('click', () => useCut(!is_cut));
  onCredential(showKey);
  showKey();
  showCut();
  // A frame that is there before would hold up the page's own `load`.
  if (document.readyState === 'complete') stream.open();
  else addEventListener('load', () => stream.open());
  addEventListener('pagehide', () => stream.close());
  addEventListener('pageshow', ({ persisted }) => persisted && !is_cut && stream.open());

  function receive(event) {
    if (!isShown(event.type)) return;
    if (event.topic && event.topic !== sole) byId('list').classList.add('has-topics');
    list.add({ ...entryOf(event, sole), time: new Date() });
    if (isPublished(event)) seen += 1;
  }

  function showState(state) {
    connection.state = state;
    is_refused = state.phase === 'refused';
    if (is_refused) byId('empty').hidden = true;
    if (state.phase === 'live') form.reached();
    if (state.phase === 'refused' && state.problem.status === 401) access.open();
  }

  function entered() {
    is_cut = false;
    showCut();
    stream.open();
    form.unlock();
  }

  function refused({ status }) {
    showPart('publish');
    if (status === 401) access.ask();
  }

  /**
   * Over the socket where there is one. It has no word for `retry`, and a hub without access settings takes its publish key from
   * a header alone.
   */
  async function send({ topic, data, event = '', id = '', retry = '' }) {
    const say = transport.key === 'web-socket' && retry === '' && stream.connection?.say.bind(stream.connection);
    const answer = say ? await say({ publish: { topic, data, ...(event && { type: event }), ...(id && { id }) } }) : null;
    if (answer?.published) return { id: answer.published.id };
    const needs_header = answer?.error?.type?.endsWith(':key-required') && hasCredential();
    if (answer && !needs_header) return { problem: problemIn(answer.error ?? {}) };
    return publish({ topic, data, event, id, retry });
  }

  /** Another way is chosen: it goes on where this one is. */
  function chosen() {
    showCode();
    useCut(false);
  }

  function useCut(cut) {
    is_cut = cut;
    showCut();
    if (cut) stream.cut();
    else stream.open();
  }

  function showCut() {
    byId('cut').replaceChildren(icon(is_cut ? 'play' : 'pause'), word(element('span'), is_cut ? 'transports.go-on' : 'transports.cut'));
  }

  function showKey() {
    byId('note-key').hidden = !hasCredential() || transport.shows_key;
  }
}
