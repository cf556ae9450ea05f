// Clients that are not to the letter of the standard where a block has no data: neither loses an event at an opening, a heartbeat,
// a crash or an end.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSource } from 'eventsource';

import { until } from '../browser/deadline.js';
import { startHub } from '../browser/hub.js';
import { startLives } from '../browser/lives.js';

test('the package eventsource has heard nothing when the hub is killed, and loses nothing', { timeout: 120_000 }, async (t) => {
  const lives = await startLives(t);
  const heard = [];
  const source = new EventSource(`${lives.url}/events?topic=orders/*`);
  t.after(() => source.close());
  source.onmessage = ({ data, lastEventId }) => heard.push({ data, lastEventId });
  source.addEventListener('tidings.gap', ({ data }) => heard.push({ gap: data }));
  // The hub counts a subscriber before its opening has arrived.
  let begun = false;
  source.addEventListener('tidings.open', () => (begun = true));
  await until('the stream has begun', () => begun);

  await lives.end('SIGKILL');
  await lives.begin({ away: 3 });
  await until('three events are heard', () => heard.length >= 3);

  assert.deepEqual(heard, lives.published.map(({ data, id }) => ({ data, lastEventId: id })));
});

test('fetch-event-source with JSON.parse hears every event, over heartbeats', { timeout: 120_000 }, async (t) => {
  const lives = await startLives(t, '--heartbeat', '1s');
  const [heard, errors, stop] = [[], [], new AbortController()];
  t.after(() => stop.abort());
  globalThis.document ??= { hidden: false, addEventListener() {}, removeEventListener() {} };
  globalThis.window ??= globalThis;
  const following = fetchEventSource(`${lives.url}/events/json`, {
    signal: stop.signal,
    openWhenHidden: true,
    onmessage: ({ event, data }) => heard.push({ event, data: JSON.parse(data) }),
    onerror: (error) => void errors.push(error),
  });
  following.catch((error) => errors.push(error));
  await lives.attended(1);
  await lives.hub.publish('json', '{"n":1}');
  // Heartbeats, and a place that is news.
  for (let n = 0; n < 3; n++) await lives.hub.publish('other', 'not JSON');
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await lives.hub.publish('json', '{"n":2}');

  const published = () => heard.filter(({ event }) => event === '').map(({ data }) => data.n);
  await until('two events are heard', () => published().length >= 2);

  assert.deepEqual(published(), [1, 2]);
  assert.deepEqual(errors, []);
  assert.ok(heard.every(({ event, data }) => event === '' || (event.startsWith('tidings.') && data.cursor)), JSON.stringify(heard));
});

test('fetch-event-source with JSON.parse is sent a backlog as it stands', { timeout: 60_000 }, async (t) => {
  const hub = await startHub(t, '--memory');
  for (let n = 1; n <= 3; n++) await hub.publish('json', JSON.stringify({ n }));
  const [heard, stop] = [[], new AbortController()];
  t.after(() => stop.abort());
  globalThis.document ??= { hidden: false, addEventListener() {}, removeEventListener() {} };
  globalThis.window ??= globalThis;

  void fetchEventSource(`${hub.url}/events/json?since=earliest`, {
    signal: stop.signal,
    openWhenHidden: true,
    onmessage: ({ data }) => heard.push(JSON.parse(data)),
  });
  await until('three events are heard', () => heard.length >= 3);

  assert.deepEqual(heard, [{ n: 1 }, { n: 2 }, { n: 3 }]);
});
