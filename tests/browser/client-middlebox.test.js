// The client behind what does not know event streams: it finds out what gets through, loses nothing, and hears nothing twice.

import assert from 'node:assert/strict';

import { DEADLINE_MS, PATH, startSite, TOPIC } from './client-site.js';
import { until } from './deadline.js';
import { startHub } from './hub.js';
import { openListener } from './listener.js';
import { isForEvents, startMiddlebox } from './middlebox.js';
import { together } from './together.js';

/** What was found out is tried again after ten minutes. */
const LATER_MS = 11 * 60_000;

const isGet = ({ method }) => method === 'GET';
const isPoll = ({ url }) => url.includes('mode=');
/** A rule for requests for events. Pages and scripts pass. */
const forEvents = (rule) => (request) => (isForEvents(request) ? rule(request) : undefined);

together('the client', {
  'all answers are held until they end: it polls, remembers that, and tries the stream again later': async (scene, context) => {
    const site = await startSite(scene, context, { rule: () => ({ holds: true }) });
    const { box, client } = site;

    await site.hears();
    assert.deepEqual(await client.transports(), ['sse', 'post', 'long-poll']);
    assert.deepEqual(await client.told('error', 0), [], 'to look for a way is no error');
    const before = box.requests.length;
    await site.reload();
    await site.heardAll();
    assert.deepEqual(await client.transports(), ['long-poll']);
    assert.deepEqual(new Set(box.asked.slice(before)), new Set(['long-poll']));

    box.rule = () => {};
    await client.moveClock(LATER_MS);
    await site.publish();
    await until('it streams', async () => (await client.transports()).length > 1);
    assert.deepEqual(await client.transports(), ['long-poll', 'sse']);
    await until('nothing is remembered', () => client.page.evaluate(() => localStorage.length === 0));
    await site.heardAll();
  },

  'answers are held still when the stream is tried again: it goes on polling, and misses nothing': async (scene, context) => {
    const site = await startSite(scene, context, { rule: () => ({ holds: true }), options: { transport: ['sse', 'long-poll'] } });
    await site.hears();

    await site.client.moveClock(LATER_MS);
    await site.publish();
    await site.client.told('transport', 4, DEADLINE_MS);
    await site.publish();

    await site.heardAll();
    assert.deepEqual(await site.client.transports(), ['sse', 'long-poll', 'sse', 'long-poll']);
    assert.deepEqual(await site.client.told('error', 0), []);
  },

  'answers to GET are held, their heads are not: it posts, also after a reload': async (scene, context) => {
    const rule = forEvents((request) => (isGet(request) && !isPoll(request) ? { bytes_max: 0 } : undefined));
    const site = await startSite(scene, context, { rule });

    await site.hears();

    assert.deepEqual(await site.client.transports(), ['sse', 'post']);
    await site.reload();
    await site.heardAll();
    assert.deepEqual(await site.client.transports(), ['post']);
    assert.deepEqual(site.client.complaints, []);
  },

  ...Object.fromEntries(
    [403, 405].map((status) => [
      `answers to GET are held, and POST is answered ${status} by a page: it polls`,
      async (scene, context) => {
        const rule = (request) => (isGet(request) ? { holds: true } : { answers: { status } });
        const site = await startSite(scene, context, { rule });

        await site.hears();

        assert.deepEqual(await site.client.transports(), ['sse', 'post', 'long-poll']);
      },
    ]),
  ),

  'a network so slow that the first bytes need five seconds: it polls, and is told of no error': async (scene, context) => {
    const site = await startSite(scene, context, { rule: forEvents(() => ({ delay_ms: 5_000 })) });

    await site.hears();

    assert.deepEqual(await site.client.transports(), ['sse', 'post', 'long-poll']);
    assert.deepEqual(await site.client.told('error', 0), []);
  },

  'a part of the client is answered 502 once: it asks for it again': async (scene, context) => {
    let refused = 0;
    const rule = (request) => {
      if (request.url.startsWith('/tidings-') && refused++ < 1) return { answers: { status: 502 } };
      return isGet(request) ? { holds: true } : undefined;
    };
    const site = await startSite(scene, context, { rule });

    await site.hears();

    assert.ok(refused > 1);
    assert.deepEqual(site.client.complaints, []);
  },

  'parameters are cut off: it goes on where it was': async (scene, context) => {
    const site = await startSite(scene, context, { rule: forEvents(() => ({ strips: true })) });
    await site.hears();

    site.box.cut();
    await site.publish();
    await site.client.told('error', 1);
    site.box.heal();

    await site.heardAll();
    assert.deepEqual(await site.client.transports(), ['sse']);
  },

  'each answer is cut after two seconds: it comes back, and misses nothing': async (scene, context) => {
    const site = await startSite(scene, context, { rule: forEvents(() => ({ cut_ms: 2_000 })) });
    await site.hears();

    const enough = site.box.requests.length + 3;
    const isCut = async () => {
      await site.publish();
      return site.box.requests.length >= enough;
    };
    await until('three more are cut', isCut, DEADLINE_MS);

    await site.heardAll();
    assert.deepEqual(await site.client.transports(), ['sse']);
  },

  'answers are held, and cut after five seconds: nothing but polls gets through': async (scene, context) => {
    const site = await startSite(scene, context, { rule: forEvents(() => ({ holds: true, cut_ms: 5_000 })) });
    await site.hears();

    await site.client.told('transport', 4, 2 * DEADLINE_MS);
    await site.publish();
    await site.heardAll();

    assert.deepEqual(await site.client.transports(), ['sse', 'post', 'long-poll', 'poll']);
    await site.reload();
    await site.heardAll();
    assert.deepEqual(await site.client.transports(), ['poll']);
  },

  'after some bytes an answer is held, heartbeats too: it notices, and polls': async (scene, context) => {
    const rule = forEvents((request) => (isPoll(request) ? undefined : { bytes_max: 400 }));
    const site = await startSite(scene, context, { rule, flags: ['--heartbeat', '1s'] });

    const polls = async () => {
      await site.publish();
      return (await site.client.transports()).includes('long-poll');
    };
    await until('it polls', polls, 2 * DEADLINE_MS);
    await site.publish();

    await site.heardAll();
    assert.deepEqual(await site.client.transports(), ['sse', 'post', 'long-poll']);
  },

  'a gateway answers 502, 503 and 504 by pages: the page is told, and goes on where it was': async (scene, context) => {
    const site = await startSite(scene, context);
    await site.hears();

    const statuses = [502, 503, 504];
    const left = [...statuses];
    site.box.rule = forEvents(() => (left.length > 0 ? { answers: { status: left.shift() } } : undefined));
    site.box.cut();
    site.box.heal();
    await site.publish();

    await site.heardAll();
    const [cut, ...errors] = (await site.client.told('error', 4)).map(({ status, problem, willRetry }) => [status, problem, willRetry]);
    assert.deepEqual([cut, ...errors], [0, ...statuses].map((status) => [status, undefined, true]));
    assert.deepEqual(await site.client.transports(), ['sse']);
  },

  'answers are held, and a plain EventSource that polls hears all': async (scene, context) => {
    const hub = await startHub(scene, '--retry', '200ms');
    const box = await startMiddlebox(scene, hub.port, () => ({ holds: true }));
    const listener = await openListener(scene, context, box.origin, `${PATH}?mode=long-poll`);
    await until('it has polled', () => box.asked.length > 0);

    for (const data of ['1', '2', '3']) await hub.publish(TOPIC, data);

    assert.deepEqual(await listener.data(3), ['1', '2', '3']);
  },
});
