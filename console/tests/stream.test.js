// A subscription against a hub of a few lines: what it asks for, and when it asks again.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { delayOf, Stream } from '../stream.js';

/** Answers each request by the next of the answers, and tells what was asked. */
async function hub(t, answers) {
  const asked = [];
  const server = createServer((request, response) => {
    const { authorization, 'last-event-id': id } = request.headers;
    asked.push({ url: request.url, id, authorization });
    (answers[asked.length - 1] ?? answers.at(-1))(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close(server.closeAllConnections()));
  return { asked, origin: `http://127.0.0.1:${server.address().port}` };
}

/** Opens a stream, and waits for a state or an event that fits. */
function listen(t, origin, begin = [], authorization = () => ({})) {
  const seen = { states: [], data: [], opened: [] };
  const waits = [];
  const look = () => waits.forEach(({ fits, resolve }) => fits(seen) && resolve(seen));
  const listener = {
    state: (state) => look(seen.states.push(state)),
    event: (event) => look(seen.data.push(event.data)),
    id: () => {},
    opened: (connection) => look(seen.opened.push(connection)),
  };
  const stream = new Stream({ url: `${origin}/events/a`, begin, listener, authorization });
  t.after(() => stream.close());
  stream.open();
  return { stream, until: (fits) => new Promise((resolve) => look(waits.push({ fits, resolve }))) };
}

const stream = (text) => (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(text);
};
const ended = (text) => (response) => {
  stream(text)(response);
  response.end();
};
const refused = (status, problem) => (response) => {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
};

test('goes on after the last id, and asks for the past only once', async (t) => {
  const { asked, origin } = await hub(t, [ended('retry: 1\nid: \u8ba2-1\ndata: x\n\n'), stream('data: y\n\n')]);

  const { until } = listen(t, origin, [['last', '50']]);
  const { data } = await until((seen) => seen.data.length === 2);

  assert.deepEqual(data, ['x', 'y']);
  assert.equal(asked[0].url, '/events/a?last=50&opening=always');
  assert.equal(asked[0].id, undefined);
  assert.equal(asked[1].url, '/events/a?opening=always');
  assert.equal(Buffer.from(asked[1].id, 'latin1').toString(), '\u8ba2-1');
});

test('an event of the hub\'s own that is not known is not shown, and its id counts', async (t) => {
  const own = 'event: tidings.whatever\nid: 7\ndata: own\n\n';
  const shown = 'event: tidings.gap\nid: 3\ndata: gap\n\nevent: tidings\ndata: x\n\n';
  const { asked, origin } = await hub(t, [ended(`retry: 1\n${shown}${own}`), stream('data: y\n\n')]);

  const { until } = listen(t, origin);
  const { data } = await until((seen) => seen.data.includes('y'));

  assert.deepEqual(data, ['gap', 'x', 'y']);
  assert.equal(asked[1].id, '7');
});

test('places that a hub tells are not shown, and a stream goes on from them', async (t) => {
  const open = 'event: tidings.open\nid: 7-1\ndata: {"cursor":"7-1","heartbeat_ms":15000,"time":"2026-11-26T09:50:12.000Z"}\n\n';
  const cursor = 'event: tidings.cursor\nid: 7-9\ndata: {"cursor":"7-9"}\n\n';
  const first = ended(`: heartbeat 15000\nretry: 3000\n${open}:\n:\n${cursor}:\nretry: 1\n`);
  const { asked, origin } = await hub(t, [first, stream(': heartbeat 15000\nretry: 3000\ntopic: a\nid: 7-10\ndata: x\n\n')]);

  const { until } = listen(t, origin);
  const { data } = await until((seen) => seen.data.length > 0);

  assert.deepEqual(data, ['x']);
  assert.equal(asked[1].id, '7-9');
});

test('a refusal is told with its reason and is the end', async (t) => {
  const { asked, origin } = await hub(t, [refused(400, { title: 'bad topic', detail: 'a topic has no segment `..`' })]);

  const { until } = listen(t, origin);
  const { states } = await until((seen) => seen.states.at(-1)?.phase === 'refused');

  assert.equal(states.at(-1).problem.detail, 'a topic has no segment `..`');
  assert.equal(asked.length, 1);
});

const expired = (reason) => `event: tidings.expired\nid: 1-7\ndata: ${JSON.stringify({ reason })}\n\nretry: 60000\n`;

test('a stream whose access ends says why, and goes on after its place with the token of then', async (t) => {
  const { asked, origin } = await hub(t, [ended(`id: 1-6\ndata: x\n\n${expired('the token expired')}`), stream('data: y\n\n')]);
  let token = 'old';

  const { stream: reader, until } = listen(t, origin, [['last', '50']], () => ({ authorization: `Bearer ${token}` }));
  const { states } = await until((seen) => seen.states.at(-1)?.phase === 'waiting');
  token = 'fresh';
  reader.open();
  const { data } = await until((seen) => seen.data.length === 2);

  assert.equal(states.find(({ phase }) => phase === 'waiting').expired, 'the token expired');
  assert.deepEqual(data, ['x', 'y']);
  assert.deepEqual(asked, [
    { url: '/events/a?last=50&opening=always', id: undefined, authorization: 'Bearer old' },
    { url: '/events/a?opening=always', id: '1-7', authorization: 'Bearer fresh' },
  ]);
});

test('after access has ended a stream comes back by itself when the hub says, and a break then is a break again', async (t) => {
  const over = expired('over').replace('60000', '1');
  const { asked, origin } = await hub(t, [ended(over), ended('retry: 60000\n\n')]);

  const { until } = listen(t, origin);
  const { states } = await until((seen) => seen.states.filter(({ phase }) => phase === 'waiting').length === 2);

  assert.equal(asked.length, 2);
  assert.deepEqual(states.filter(({ phase }) => phase === 'waiting').map(({ expired }) => expired), ['over', undefined]);
});

test('a reason that is none or long is cut, and the stream has ended all the same', async (t) => {
  for (const [data, reason] of [['x', ''], ['{"reason":7}', ''], [JSON.stringify({ reason: 'r'.repeat(900) }), 'r'.repeat(300)]]) {
    const { origin } = await hub(t, [ended(`event: tidings.expired\nid: 1\ndata: ${data}\n\nretry: 60000\n`)]);

    const { until } = listen(t, origin);
    const { states } = await until((seen) => seen.states.at(-1)?.phase === 'waiting');

    assert.equal(states.at(-1).expired, reason);
  }
});

test('401 is the end until somebody gives a token, and asks for the same past then', async (t) => {
  const { asked, origin } = await hub(t, [refused(401, { detail: 'a token is needed' }), stream('data: x\n\n')]);
  let headers = {};

  const { stream: reader, until } = listen(t, origin, [['last', '50']], () => headers);
  await until((seen) => seen.states.at(-1)?.phase === 'refused');
  headers = { authorization: 'Bearer t' };
  reader.open();
  await until((seen) => seen.data.length === 1);

  assert.deepEqual(asked.map(({ url, authorization }) => [url, authorization]), [
    ['/events/a?last=50&opening=always', undefined],
    ['/events/a?last=50&opening=always', 'Bearer t'],
  ]);
});

test('a stream can ask for what is covered alone, each time it connects', async (t) => {
  const { asked, origin } = await hub(t, [ended('retry: 1\nid: 1\n\n'), stream('data: x\n\n')]);

  const { stream: reader, until } = listen(t, origin, [['last', '50']]);
  reader.partial = true;
  reader.open();
  await until((seen) => seen.data.length === 1);

  assert.deepEqual(asked.map(({ url }) => url).slice(-2), ['/events/a?last=50&opening=always&partial=true', '/events/a?opening=always&partial=true']);
});

test('the id of the connection is told', async (t) => {
  const open = 'event: tidings.open\nid: 7-1\ndata: {"cursor":"7-1","connection":"1vcknh9ndjmm8"}\n\n';
  const { origin } = await hub(t, [stream(open)]);

  const { until } = listen(t, origin);

  assert.deepEqual((await until((seen) => seen.opened.length > 0)).opened, ['1vcknh9ndjmm8']);
});

test('204 is the end', async (t) => {
  const { origin } = await hub(t, [(response) => response.writeHead(204).end()]);

  const { until } = listen(t, origin);

  await until((seen) => seen.states.at(-1)?.phase === 'ended');
});

test('a passing failure is tried again', async (t) => {
  const { origin } = await hub(t, [ended('retry: 1\n\n'), refused(503, {}), stream('data: x\n\n')]);

  const { until } = listen(t, origin);
  const { states } = await until((seen) => seen.data.length === 1);

  const phases = states.map(({ phase }) => phase);
  assert.deepEqual(phases, ['connecting', 'live', 'waiting', 'connecting', 'waiting', 'connecting', 'live']);
});

test('a hub that is silent for longer than its heartbeats is left', async (t) => {
  const { asked, origin } = await hub(t, [stream(': heartbeat 200\nid: 1\n\n'), stream('data: x\n\n')]);

  const { until } = listen(t, origin);
  await until((seen) => seen.data.length === 1);

  assert.equal(asked.length, 2);
  assert.equal(asked[1].id, '1');
});

test('waits longer after each failure, within bounds', () => {
  assert.equal(delayOf(3_000, 0), 3_000);
  assert.equal(delayOf(3_000, 2, () => 0), 3_000);
  assert.equal(delayOf(3_000, 2, () => 1), 12_000);
  assert.equal(delayOf(3_000, 99, () => 1), 30_000);
  assert.equal(delayOf(0, 0), 250);
  assert.equal(delayOf(1e9, 0), 30_000);
});
