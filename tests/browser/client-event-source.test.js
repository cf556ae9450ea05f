// The client's `EventSource` in the place of the browser's own: in scenes that were written for that one, as they stand; and what the
// browser's own cannot do.

import assert from 'node:assert/strict';

import { startAccessHub, tokenFor } from './access-hub.js';
import { openClientPage } from './client-page.js';
import { useEventSourceOf } from './listener.js';
import { startMiddlebox } from './middlebox.js';
import { together } from './together.js';

const PATH = '/events/orders/42';

/** A hub that asks for a token, behind a middlebox, and a page of the middlebox. */
async function startPage(scene, context) {
  const hub = await startAccessHub(scene, {}, '--retry', '100ms');
  const box = await startMiddlebox(scene, hub.port);
  const client = await openClientPage(scene, context, box.origin);
  const publish = (data) => hub.publish('orders/42', data);
  return { box, client, publish, token: tokenFor(['orders/**']) };
}

together('the EventSource of the client', {
  'posts a body with headers of a function, and posts it again after a cut': async (scene, context) => {
    const { box, client, publish, token } = await startPage(scene, context);
    await publish('before');
    await client.page.evaluate((token) => {
      let attempts = 0;
      window.source = new tidings.EventSource('/subscribe', {
        method: 'POST',
        body: JSON.stringify({ topics: ['orders/*'], last: 1 }),
        headers: async () => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-attempt': `${++attempts}` }),
      });
      source.onopen = () => note('open');
      source.onerror = ({ status, willRetry }) => note('error', { status, willRetry });
      source.onmessage = ({ data }) => note('message', { data });
    }, token);
    assert.deepEqual(await client.data(1), ['before']);

    box.cut();
    await publish('meanwhile');
    await client.told('error', 1);
    box.heal();

    assert.deepEqual(await client.data(2), ['before', 'meanwhile']);
    const posts = box.requests.map(({ method, headers, body }) => [method, headers['x-attempt'], JSON.parse(body ?? '{}').last]);
    assert.deepEqual(posts[0], ['POST', '1', 1]);
    assert.deepEqual(posts.at(-1), ['POST', String(posts.length), 1]);
    assert.ok(box.requests.at(-1).headers['last-event-id']);
  },

  'is iterated, and ends when its signal is aborted': async (scene, context) => {
    const { client, publish, token } = await startPage(scene, context);
    await client.page.evaluate(([path, token]) => {
      window.stop = new AbortController();
      window.source = new tidings.EventSource(path, { token, signal: stop.signal });
      source.onopen = () => note('open');
      void (async () => {
        for await (const { type, data } of source) note('message', { data });
        note('over', { readyState: source.readyState });
      })();
    }, [PATH, token]);
    await client.told('open', 1);
    await publish('one');
    await publish('two');
    assert.deepEqual(await client.data(2), ['one', 'two']);

    await client.page.evaluate(() => stop.abort());

    assert.deepEqual(await client.told('over', 1), [{ type: 'over', readyState: 2 }]);
  },

  'has what the browser\u2019s own has': async (scene, context) => {
    const { client } = await startPage(scene, context);

    const [own, ours] = await client.page.evaluate((path) => {
      const look = (EventSource) => {
        const source = new EventSource(path, { withCredentials: true });
        const { url, withCredentials, readyState, onopen, onmessage, onerror } = source;
        const { CONNECTING, OPEN, CLOSED } = EventSource;
        source.close();
        const thrown = (() => {
          try {
            new EventSource('http://[');
          } catch ({ name, constructor }) {
            return [name, constructor.name];
          }
        })();
        return [url, withCredentials, readyState, onopen, onmessage, onerror, CONNECTING, OPEN, CLOSED, source.CLOSED, source.readyState, thrown, source instanceof EventTarget];
      };
      return [look(EventSource), look(tidings.EventSource)];
    }, PATH);

    assert.deepEqual(ours, own);
  },
});

useEventSourceOf('/tidings.js');
for (const row of ['m04', 'm05', 'opening']) await import(`./${row}.test.js`);
