// The stream of the page, by the client that the hub serves, against a hub of a few lines: what it asks for, and what the page is told.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { subscribe } from '../../clients/js/hub/tidings.js';
import { Stream } from '../stream.js';

/** Answers each request by the next of the answers, and tells what was asked. */
async function hub(t, answers) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push({ query: Object.fromEntries(new URL(request.url, 'http://hub').searchParams), authorization: request.headers.authorization });
    (answers[asked.length - 1] ?? answers.at(-1))(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close(server.closeAllConnections()));
  return { asked, origin: `http://127.0.0.1:${server.address().port}` };
}

/** What the client asks for each time. */
const ALWAYS = { opening: 'always', with: 'time' };

/** Opens a stream, and waits for a state or an event that fits. */
function listen(t, origin, begin = [], headers = () => ({})) {
  const seen = { states: [], data: [], types: [], opened: [], ids: [] };
  const waits = [];
  const look = () => waits.forEach(({ fits, resolve }) => fits(seen) && resolve(seen));
  const listener = {
    state: (state) => look(seen.states.push(state)),
    event: ({ data, type }) => look(seen.data.push(data), seen.types.push(type)),
    id: (id) => look(seen.ids.push(id)),
    opened: (opened) => look(seen.opened.push(opened)),
  };
  const stream = new Stream({ subscribe, url: `${origin}/events/a`, begin, listener, headers });
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
  assert.deepEqual(asked.map(({ query }) => query), [{ ...ALWAYS, last: '50' }, { ...ALWAYS, last_event_id: '\u8ba2-1' }]);
});

test('an event of the hub\'s own that is not known is not shown, and its id counts', async (t) => {
  const own = 'event: tidings.whatever\nid: 7\ndata: own\n\n';
  const shown = 'event: tidings.gap\nid: 3\ndata: {"resumes_after":"3"}\n\nevent: tidings\ndata: x\n\n';
  const { asked, origin } = await hub(t, [ended(`retry: 1\n${shown}${own}`), stream('data: y\n\n')]);

  const { until } = listen(t, origin);
  const { data } = await until((seen) => seen.data.includes('y'));

  assert.deepEqual(data, ['{"resumes_after":"3"}', 'x', 'y']);
  assert.equal(asked[1].query.last_event_id, '7');
});

test('what the hub says of the events has its own type, and a publisher may use the client\'s', async (t) => {
  const types = ['tidings.partial', 'tidings.gap', 'gap', 'error', 'open', 'statechange'];
  const blocks = types.map((type) => `event: ${type}\nid: ${type}\ndata: {"resumes_after":""}\n\n`);
  const { origin } = await hub(t, [stream(blocks.join(''))]);

  const { until } = listen(t, origin);
  const seen = await until(({ types: told }) => told.length === types.length);

  assert.deepEqual(seen.types, types);
  assert.equal(seen.ids.at(-1), 'statechange');
  assert.deepEqual(seen.states.map(({ phase }) => phase), ['connecting', 'live']);
});

test('places that a hub tells are not shown, and a stream goes on from them', async (t) => {
  const open = 'event: tidings.open\nid: 7-1\ndata: {"cursor":"7-1","heartbeat_ms":15000,"time":"2026-11-26T09:50:12.000Z"}\n\n';
  const cursor = 'event: tidings.cursor\nid: 7-9\ndata: {"cursor":"7-9"}\n\n';
  const first = ended(`: heartbeat 15000\nretry: 3000\n${open}:\n:\n${cursor}:\nretry: 1\n`);
  const { asked, origin } = await hub(t, [first, stream(': heartbeat 15000\nretry: 3000\ntopic: a\nid: 7-10\ndata: x\n\n')]);

  const { until } = listen(t, origin);
  const { data, ids } = await until((seen) => seen.data.length > 0);

  assert.deepEqual(data, ['x']);
  assert.deepEqual(ids, ['7-1', '7-9', '7-10']);
  assert.equal(asked[1].query.last_event_id, '7-9');
});

test('a refusal is told with its reason and is the end', async (t) => {
  const problem = { type: 'urn:tidings:problem:bad-topic', title: 'bad topic', detail: 'a topic has no segment `..`' };
  const { asked, origin } = await hub(t, [refused(400, problem)]);

  const { until } = listen(t, origin);
  const { states } = await until((seen) => seen.states.at(-1)?.phase === 'refused');

  assert.deepEqual(states.at(-1).problem, { status: 400, ...problem, type: 'bad-topic', uncovered: [] });
  assert.equal(asked.length, 1);
});

test('what is no hub is told by what it sent, and is asked again where that may be a page of a proxy', async (t) => {
  const answers = [
    [(response) => response.writeHead(200, { 'content-type': 'text/html' }).end(), 'waiting', 200, 'text/html'],
    [(response) => response.writeHead(200).end(), 'waiting', 200, ''],
    [(response) => response.writeHead(404).end(), 'refused', 404, 'Not Found'],
  ];
  for (const [answer, phase, status, title] of answers) {
    const { origin } = await hub(t, [answer]);

    const { states } = await listen(t, origin).until((seen) => seen.states.at(-1)?.problem);

    assert.equal(states.at(-1).phase, phase);
    assert.deepEqual(states.at(-1).problem, { status, type: '', title, detail: '', uncovered: [] });
  }
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

  const { expired: reason, until: when } = states.find(({ phase }) => phase === 'waiting');
  assert.equal(reason, 'the token expired');
  assert.ok(when > Date.now());
  assert.deepEqual(data, ['x', 'y']);
  assert.deepEqual(asked, [
    { query: { ...ALWAYS, last: '50' }, authorization: 'Bearer old' },
    { query: { ...ALWAYS, last_event_id: '1-7' }, authorization: 'Bearer fresh' },
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
  for (const [data, reason] of [['x', ''], ['{"reason":7}', ''], ['null', ''], [JSON.stringify({ reason: 'r'.repeat(900) }), 'r'.repeat(300)]]) {
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

  assert.deepEqual(asked, [
    { query: { ...ALWAYS, last: '50' }, authorization: undefined },
    { query: { ...ALWAYS, last: '50' }, authorization: 'Bearer t' },
  ]);
});

test('a stream can ask for what is covered alone, each time it connects', async (t) => {
  const { asked, origin } = await hub(t, [ended('retry: 1\nid: 1\n\n'), stream('data: x\n\n')]);

  const { stream: reader, until } = listen(t, origin, [['last', '50']]);
  reader.partial = true;
  reader.open();
  await until((seen) => seen.data.length === 1);

  assert.deepEqual(asked.map(({ query }) => query).slice(-2), [
    { ...ALWAYS, partial: 'true', last: '50' },
    { ...ALWAYS, partial: 'true', last_event_id: '1' },
  ]);
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
  // The second failure is told with its problem as well.
  assert.deepEqual(phases, ['connecting', 'live', 'waiting', 'connecting', 'waiting', 'waiting', 'connecting', 'live']);
});

test('after close nothing is told, and what came before it counts', async (t) => {
  const { asked, origin } = await hub(t, [stream('id: 1\ndata: x\n\n'), stream('id: 2\ndata: y\n\n')]);

  const { stream: reader, until } = listen(t, origin);
  const { states, data } = await until((seen) => seen.data.length === 1);
  reader.close();
  const told = states.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(states.length, told);
  reader.open();
  await until((seen) => seen.data.length === 2);

  assert.deepEqual(data, ['x', 'y']);
  assert.equal(asked[1].query.last_event_id, '1');
});

test('a stream that rests leaves its connection, and goes on after its place when it is woken', async (t) => {
  let ended = 0;
  const { asked, origin } = await hub(t, [
    (response) => stream('id: 1\ndata: x\n\n')(response.on('close', () => (ended += 1))),
    stream('id: 2\ndata: y\n\n'),
  ]);
  const { stream: reader, until } = listen(t, origin);
  await until((seen) => seen.data.length === 1);
  reader.wake();
  assert.equal(asked.length, 1, 'it is awake');

  reader.rest();
  reader.rest();
  while (ended === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  reader.wake();
  await until((seen) => seen.data.length === 2);

  assert.deepEqual(asked.map(({ query }) => query.last_event_id), [undefined, '1']);
});

test('a stream that was refused does not rest: it is asked for again by those who look at the page', async (t) => {
  const { asked, origin } = await hub(t, [refused(403, {})]);
  const { stream: reader, until } = listen(t, origin);
  await until((seen) => seen.states.at(-1)?.phase === 'refused');

  reader.rest();
  reader.wake();
  await new Promise((resolve) => setTimeout(resolve, 20));

  assert.equal(asked.length, 1);
});
