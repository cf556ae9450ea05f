// What was observed of a client, in the few words of a table's cell.

const NOTHING = 'nothing';

/** The table of docs/reference/clients.md, and the advice below it: Markdown, of clients with their facts. */
export function page(clients) {
  const rows = clients.map(({ client, facts }) => row(client, facts));
  const head = ['client', 'language', 'opening', 'heartbeat', 'hub ends', 'hub is killed', 'gap', 'silence', 'JSON'];
  const advice = clients.map(({ client }) => `- ${client.name}: ${client.advice}`);
  return `${table([head, ...rows])}\n\n${advice.join('\n')}\n`;
}

/** What stands in the table about one client. */
export function row(client, { quiet, parsing, gap, silence, ended, killed }) {
  return [
    client.name,
    client.language,
    kinds(quiet.opening),
    heartbeat(quiet),
    returning(ended),
    returning(killed),
    hearing(gap),
    silent(silence),
    client.parses === false ? 'no parser' : parsed(parsing),
  ];
}

/** What kinds of things a client was handed that nobody had published. */
function kinds(things) {
  return [...new Set(things.map(kind))].join(', ') || NOTHING;
}

function kind({ event, data }) {
  if (event?.startsWith('tidings.')) return `\`${event}\``;
  return data === '' ? 'an empty event' : 'a line of data';
}

function heartbeat({ heartbeats, places }) {
  const [plain, withPlace] = [kinds(heartbeats), kinds(places)];
  return plain === withPlace ? plain : `${plain}; with a place ${withPlace}`;
}

/** One that had heard an event, and one that had not. */
function returning({ heard, unheard }) {
  const [first, second] = [outcome(heard), outcome(unheard)];
  return first === second ? first : `${first}; before its first event, ${second}`;
}

function outcome({ ended, back, missed, twice, errors }) {
  if (ended) return errors.length > 0 ? 'stops, an error' : 'stops';
  if (!back) return 'stays away';
  if (missed) return 'loses events';
  return twice ? 'resumes, repeats events' : 'resumes';
}

function hearing({ unnamed, named }) {
  if (unnamed.some(isGap)) return 'told';
  if (named.some(isGap)) return 'told by name';
  return unnamed.length > 0 ? kinds(unnamed) : 'not told';
}

const isGap = ({ event }) => event === 'tidings.gap';

function silent({ ended, again }) {
  if (ended) return 'stops';
  return again ? 'reconnects' : 'stays';
}

function parsed({ heard, errors, ended }) {
  if (heard === 3) return errors === 0 ? 'every event' : 'every event, and errors';
  if (heard > 0) return 'some events';
  return ended ? 'stops at once' : 'nothing, for ever';
}

/** A Markdown table; the first row is its head. */
function table([head, ...rows]) {
  const line = (row) => `| ${row.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
