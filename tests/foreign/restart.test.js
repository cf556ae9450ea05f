// Two clients over the restarts of a hub: the npm package `eventsource`, and `tidings sub` as it is by default. Each hears
// every event once, in order and under the id that its publisher was answered; and one gap if an older copy of the data is
// put back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventSource } from 'eventsource';

import { until } from '../browser/deadline.js';
import { RESTARTS, startLives } from '../browser/lives.js';
import { start } from './program.js';

/** Starts a client, which ends with the test. Its `heard()` is all that it heard: events, and gaps, in one order. */
const CLIENTS = {
  'the package eventsource': (t, url) => {
    const heard = [];
    const source = new EventSource(url);
    t.after(() => source.close());
    source.onmessage = ({ type, data, lastEventId }) => heard.push({ type, data, lastEventId });
    source.addEventListener('tidings.gap', ({ data }) => {
      const { requested, reason, resumes_after: resumesAfter } = JSON.parse(data);
      heard.push({ gap: { reason, requested, resumesAfter } });
    });
    return { heard: () => heard };
  },
  'tidings sub': (t, url) => {
    const sub = start(t, 'sub', url, '--json');
    return { heard: () => sub.stdout.map((line) => asHeard(JSON.parse(line))) };
  },
};

/** A line of `tidings sub --json`, in the words of the package. Each event here has an id of its own. */
function asHeard({ type, data, id, lastEventId, gap }) {
  if (gap) {
    const { reason, requested, resumes_after: resumesAfter } = gap;
    return { gap: { reason, requested, resumesAfter } };
  }
  assert.equal(id, lastEventId);
  return { type, data, lastEventId };
}

const message = ({ data, id }) => ({ type: 'message', data, lastEventId: id });

/** The client has heard this, and nothing before, between or instead. */
async function assertHeard(client, list) {
  await until(`${list.length} events are heard`, () => client.heard().length >= list.length);
  assert.deepEqual(client.heard(), list);
}

for (const [name, startClient] of Object.entries(CLIENTS)) {
  test(`${name}: five restarts of the hub, each event once and in order, and no gap`, { timeout: 120_000 }, async (t) => {
    const lives = await startLives(t);
    const client = startClient(t, `${lives.url}/events?topic=orders/*`);
    await lives.attended(1);
    await lives.publish(5);
    await assertHeard(client, lives.published.map(message));

    for (const { ends, away, live } of RESTARTS) {
      await lives.end(ends);
      await lives.begin({ away });
      await lives.attended(1);
      await lives.publish(live);
    }

    await assertHeard(client, lives.published.map(message));
    assert.deepEqual(await lives.history(), lives.published);
  });

  test(`${name}: an older copy is put back, it hears one gap and all that is held`, { timeout: 120_000 }, async (t) => {
    const lives = await startLives(t);
    const client = startClient(t, `${lives.url}/events?topic=orders/*`);
    await lives.attended(1);
    await lives.publish(3);
    await lives.end('SIGTERM');
    await lives.copy();
    for (const ends of ['SIGKILL', 'SIGTERM']) {
      await lives.begin();
      await lives.attended(1);
      await lives.publish(3);
      await assertHeard(client, lives.published.map(message));
      await lives.end(ends);
    }
    const had = lives.published.map(message);

    await lives.putBack();
    await lives.begin({ away: 8 });
    await lives.attended(1);
    await lives.publish(1);

    const [epoch] = lives.published[0].id.split('-');
    const gap = { reason: 'other-epoch', requested: had.at(-1).lastEventId, resumesAfter: `${epoch}-0` };
    await assertHeard(client, [...had, { gap }, ...lives.published.map(message)]);
  });
}

// Before its first event, the package has its place from `tidings.open` alone: it throws a block without data away, and the id in it.
test('the package eventsource: misses nothing if the hub ends before its first event', { timeout: 120_000 }, async (t) => {
  const lives = await startLives(t);
  const heard = [];
  const source = new EventSource(`${lives.url}/events?topic=orders/*`);
  t.after(() => source.close());
  source.onmessage = ({ type, data, lastEventId }) => heard.push({ type, data, lastEventId });
  let openings = 0;
  source.addEventListener('tidings.open', () => openings++);
  await until('the stream has begun', () => openings === 1);

  await lives.end('SIGTERM');
  await lives.begin({ away: 2 });

  await assertHeard({ heard: () => heard }, lives.published.map(message));
});
