// Each transport of the client by its name, in a page of another origin: the same events in the same order, over cuts, restarts, gaps,
// the end of access and refusals.

import assert from 'node:assert/strict';

import { startAccessHub, tokenFor } from './access-hub.js';
import { openBundlePage, startBundleServer } from './bundle.js';
import { until } from './deadline.js';
import { restartHub, startHub } from './hub.js';
import { startRelay } from './relay.js';
import { together } from './together.js';

const TRANSPORTS = ['sse', 'post', 'long-poll', 'poll', 'websocket', 'native', 'iframe'];
/** What a hub says often is soon missed. */
const HUB = ['--retry', '100ms', '--drain-window', '0s', '--heartbeat', '1s'];

/** Subscribes in the page, and notes what it hears. Tokens are shown one after the other, and the last one again and again. */
async function subscribe(client, url, { tokens, on = [], ...options }) {
  await client.page.evaluate(
    ([url, { tokens, on, ...options }]) => {
      window.asked = 0;
      const token = tokens && (() => tokens[Math.min(window.asked++, tokens.length - 1)]);
      window.source = tidings.subscribe(url, { share: false, token, ...options });
      for (const type of ['message', ...on]) {
        source.addEventListener(type, ({ data, lastEventId, topic, time }) => note(type, { data, lastEventId, topic, isTimed: /^2\d{3}-.*Z$/.test(time) }));
      }
      source.addEventListener('open', () => note('open'));
      source.addEventListener('error', ({ status, problem, willRetry, message }) => note('error', { status, problem: problem?.type, willRetry, message }));
      source.addEventListener('transport', ({ transport }) => note('transport', { transport }));
    },
    [url, { tokens, on, ...options }],
  );
}

async function startCast(scene, ...flags) {
  const pages = await startBundleServer(scene);
  const hub = await startHub(scene, ...HUB, '--cors-origin', pages.origin, ...flags);
  return { pages, hub };
}

/** What was published, of all that was told, once that is `count` events. */
function heard(client, count) {
  const published = (log) => log.filter(({ data, type }) => data !== undefined && !type.startsWith('tidings.'));
  return client.noted(`the page has heard ${count} events`, (log) => published(log).length >= count && published(log));
}

const state = (client) => client.page.evaluate(() => ({ state: source.state, lastEventId: source.lastEventId }));

const each = (act) => Object.fromEntries(TRANSPORTS.map((transport) => [transport, (scene, context) => act(scene, context, transport)]));

together(
  'events come in their order, with type, topic and time, and go on over a cut and a restart',
  each(async (scene, context, transport) => {
    const { pages, hub } = await startCast(scene);
    const relay = await startRelay(scene, hub.port);
    await hub.publish('orders/1', 'one', { event: 'status' });
    await hub.publish('orders/2', '{"two":\n"lines"}');
    const client = await openBundlePage(scene, context, pages.origin);
    const on = ['status', 'tidings.open'];
    await subscribe(client, `${relay.url}/events?last=5`, { transport, topics: ['orders/*', 'news'], on });
    await heard(client, 2);

    const [first] = (await client.log()).filter(({ type }) => type !== 'transport');
    assert.equal(first.type, 'open');
    assert.equal((await client.log())[0].transport, transport);
    await hub.publish('news', 'three', { id: 'third' });
    await heard(client, 3);
    relay.cut();
    await hub.publish('orders/1', 'four', { event: 'status' });
    relay.heal();
    await heard(client, 4);
    await hub.stop();
    const next = await restartHub(scene, hub.directory, ...hub.flags, '--listen', `127.0.0.1:${hub.port}`);
    await next.publish('orders/3', '');
    await next.publish('orders/3', 'six');

    const events = await heard(client, 6);
    assert.deepEqual(events.map(({ type, data, topic }) => [type, data, topic]), [
      ['status', 'one', 'orders/1'],
      ['message', '{"two":\n"lines"}', 'orders/2'],
      ['message', 'three', 'news'],
      ['status', 'four', 'orders/1'],
      ['message', '', 'orders/3'],
      ['message', 'six', 'orders/3'],
    ]);
    assert.ok(events.every(({ isTimed }) => isTimed));
    assert.equal(events[2].lastEventId, 'third');
    assert.equal((await state(client)).lastEventId, events[5].lastEventId);
    assert.deepEqual(client.complaints, []);
  }),
);

together(
  'a gap is told, and events wait until the page has loaded its state',
  each(async (scene, context, transport) => {
    const { pages, hub } = await startCast(scene);
    await hub.publish('orders/1', 'held');
    const client = await openBundlePage(scene, context, pages.origin);

    await client.page.evaluate(
      ([url, transport]) => {
        const refetch = async ({ requested, reason, resumesAfter }) => {
          note('refetch', { requested, reason, resumesAfter: resumesAfter !== '' });
          await (await fetch(url, { headers: { accept: 'application/json' } })).json();
          note('loaded');
        };
        const source = (window.source = tidings.subscribe(url, { share: false, transport, lastEventId: 'nobody', refetch }));
        source.addEventListener('message', ({ data }) => note('message', { data }));
      },
      [`${hub.url}/events/orders/1`, transport],
    );
    await heard(client, 1);

    assert.deepEqual(await client.log(), [
      { type: 'refetch', requested: 'nobody', reason: 'unknown', resumesAfter: true },
      { type: 'loaded' },
      { type: 'message', data: 'held' },
    ]);
  }),
);

async function startAccessCast(scene) {
  const pages = await startBundleServer(scene);
  const hub = await startAccessHub(scene, {}, ...HUB, '--cors-origin', pages.origin);
  return { pages, hub };
}

together(
  'a token that ends is followed by a fresh one, and nothing is lost',
  each(async (scene, context, transport) => {
    const { pages, hub } = await startAccessCast(scene);
    const client = await openBundlePage(scene, context, pages.origin);
    const tokens = [tokenFor(['orders/*'], { seconds: 5 }), tokenFor(['orders/*'])];
    await hub.publish('orders/1', 'with the first');
    await subscribe(client, `${hub.url}/events/orders/1?last=1`, { transport, tokens, on: ['tidings.expired'] });
    await heard(client, 1);

    await until('the page asks for another token', () => client.page.evaluate(() => window.asked > 1));
    await hub.publish('orders/1', 'with the second');

    assert.deepEqual((await heard(client, 2)).map(({ data }) => data), ['with the first', 'with the second']);
    // The hub ends a stream that has begun, and refuses a poll.
    const told = await client.log();
    if (!transport.endsWith('poll')) assert.match(told.find(({ type }) => type === 'tidings.expired')?.data ?? JSON.stringify(told), /^{"reason":".* ended at 2/);
    assert.deepEqual(told.filter(({ type, willRetry }) => type === 'error' && !willRetry), []);
  }),
);

together(
  'a refusal is told with its status and its problem, and closes',
  each(async (scene, context, transport) => {
    const { pages, hub } = await startAccessCast(scene);
    const client = await openBundlePage(scene, context, pages.origin);
    const refusals = [
      [[tokenFor(['news'])], 403, 'not-covered', 'subscribe does not cover `orders/1`'],
      [['no token'], 401, 'invalid-credentials', ''],
      [undefined, 401, 'credentials-required', ''],
    ];

    for (const [number, [tokens, status, problem, text]] of refusals.entries()) {
      await subscribe(client, `${hub.url}/events/orders/1`, { transport, tokens });
      const isLast = ({ type, willRetry }) => type === 'error' && !willRetry;
      const closed = await client.noted('it is refused', (log) => log.filter(isLast)[number]);

      assert.deepEqual([closed.status, closed.problem], [status, `urn:tidings:problem:${problem}`]);
      assert.ok(closed.message.includes(text), closed.message);
      assert.equal((await state(client)).state, 'closed');
    }
    assert.deepEqual((await client.log()).filter(({ type }) => type === 'open'), []);
  }),
);

together(
  'a hub without room says when to come back',
  each(async (scene, context, transport) => {
    const { pages, hub } = await startCast(scene, '--connections-max', '1');
    const first = new AbortController();
    const taken = await fetch(`${hub.url}/events/other`, { signal: first.signal });
    const client = await openBundlePage(scene, context, pages.origin);
    await subscribe(client, `${hub.url}/events/orders/1`, { transport });
    // A stream by `fetch` is answered by a `retry` and its end, which is no failure.
    if (['websocket', 'native', 'iframe'].includes(transport)) {
      const { status, willRetry } = await client.noted('it is refused', (log) => log.find(({ type }) => type === 'error'));
      assert.deepEqual([status, willRetry], [503, true]);
    } else if (!transport.endsWith('poll')) await until('it waits', async () => (await state(client)).state === 'waiting');

    first.abort();
    await taken.text().catch(() => {});
    // A long poll opens when there is something to tell.
    await until('it hears an event', async () => {
      await hub.publish('orders/1', 'now');
      return (await client.log()).some(({ data }) => data === 'now');
    });
  }),
);

/** Streams of the hub that are open. */
async function streams(hub) {
  const metrics = await (await fetch(`${hub.url}/metrics`)).text();
  return Number(/^tidings_streams (\d+)$/m.exec(metrics)[1]);
}

together(
  'a hundred topics are heard, and after its close nothing is left in the page or at the hub',
  each(async (scene, context, transport) => {
    const { pages, hub } = await startCast(scene);
    const client = await openBundlePage(scene, context, pages.origin);
    const topics = Array.from({ length: 100 }, (_, n) => `rooms/\u623f\u95f4 ${n}?&/#`.replace('/#', '#'));
    await subscribe(client, `${hub.url}/events?since=earliest`, { transport, topics });
    for (const n of [0, 50, 99]) await hub.publish(topics[n].split('/').map(encodeURIComponent).join('/'), String(n));
    const events = await heard(client, 3);
    const frames = () => client.page.evaluate(() => document.querySelectorAll('iframe').length);
    assert.deepEqual(events.map(({ topic, data }) => [topic, data]), [0, 50, 99].map((n) => [topics[n], String(n)]));
    assert.equal(await frames(), transport === 'iframe' ? 1 : 0);

    await client.page.evaluate(() => source.close());

    assert.equal(await frames(), 0);
    await until('the hub has no stream', async () => (await streams(hub)) === 0);
    await hub.publish('rooms/x', 'nobody hears it');
    assert.equal((await state(client)).state, 'closed');
    assert.equal((await heard(client, 3)).length, 3);
  }),
);

together('where fetch hands out an answer only as a whole, the browser has other ways', {
  'its EventSource': (scene, context) => without(scene, context, ['body'], 'native'),
  'a frame, where there is no EventSource': (scene, context) => without(scene, context, ['body', 'EventSource'], 'iframe'),
});

async function without(scene, context, missing, transport) {
  const { pages, hub } = await startCast(scene);
  await context.addInitScript((missing) => {
    if (missing.includes('body')) delete Response.prototype.body;
    if (missing.includes('EventSource')) delete window.EventSource;
  }, missing);
  const client = await openBundlePage(scene, context, pages.origin);
  await subscribe(client, `${hub.url}/events/orders/1?since=earliest`, {});
  await hub.publish('orders/1', 'heard', { event: 'status' });
  await hub.publish('orders/1', 'heard');

  await heard(client, 1);

  const used = (await client.log()).filter(({ type }) => type === 'transport');
  assert.deepEqual(used, [{ type: 'transport', transport }]);
}
