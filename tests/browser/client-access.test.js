// What lets the client in, and what ends it: tokens that are renewed, cookies of another origin, tickets, signed URLs; and refusals,
// which the page can tell apart.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { KEY, SIGNING, startAccessHub, tokenFor } from './access-hub.js';
import { openClientPage } from './client-page.js';
import { PATH, startSite, TOPIC } from './client-site.js';
import { until } from './deadline.js';
import { startPageServer } from './page-server.js';
import { together } from './together.js';

/** Access is renewed ten seconds before it ends: after four seconds here. */
const RENEWED_SECONDS = 14;
/** Too short to be renewed. */
const SHORT_SECONDS = 8;

const start = (scene, ...flags) => startAccessHub(scene, {}, ...flags);

/** A middlebox whose `/fresh` says what `make` makes. */
const says = (make) => ({ url }) => (url === '/fresh' ? { answers: { status: 200, body: make() } } : undefined);

const freshToken = (seconds) => says(() => tokenFor(['orders/**'], { seconds }));

function signedPath(seconds) {
  const expires = Math.floor(Date.now() / 1_000) + seconds;
  const text = ['tidings-sign-1', 'GET', expires, 'default', TOPIC].join('\n');
  const signature = createHmac('sha256', SIGNING).update(text).digest('base64url');
  return `${PATH}?expires=${expires}&key=default&signature=${signature}`;
}

/** What an error says, without its words. */
const told = ({ status, problem, willRetry }) => [status, problem, willRetry];

const problem = (name) => `urn:tidings:problem:${name}`;

together('the client', {
  'a token of a function is fetched at every attempt, and renewed before it ends, without a word': async (scene, context) => {
    const site = await startSite(scene, context, { start, rule: freshToken(RENEWED_SECONDS), subscribes: false });
    await site.client.page.evaluate((path) => listen(path, { token: async () => (await fetch('/fresh')).text(), on: ['tidings.expired'] }), PATH);
    await site.hears();

    const renewed = async () => {
      await site.publish();
      return site.box.requests.length >= 2;
    };
    await until('it has been renewed', renewed);

    await site.heardAll();
    const tokens = site.box.requests.map(({ headers }) => headers.authorization);
    assert.equal(new Set(tokens).size, tokens.length, tokens);
    assert.deepEqual(await site.client.told('error', 0), []);
    assert.deepEqual(await site.client.told('tidings.expired', 0), []);
  },

  'a token that ends too soon to be renewed: the page is told, and the client comes back with another one': async (scene, context) => {
    const site = await startSite(scene, context, { start, rule: freshToken(SHORT_SECONDS), flags: ['--heartbeat', '1s'], subscribes: false });
    await site.client.page.evaluate((path) => listen(path, { token: async () => (await fetch('/fresh')).text(), on: ['tidings.expired'] }), PATH);
    await site.client.told('open', 1);
    await site.publish();

    await site.client.told('tidings.expired', 1);
    await site.publish(3);

    await site.heardAll();
    assert.deepEqual(await site.client.told('error', 0), []);
  },

  'a token that is not renewed: the page is told that it is over, and the client is closed': async (scene, context) => {
    const site = await startSite(scene, context, { start, flags: ['--heartbeat', '1s'], subscribes: false });
    await site.client.listen(PATH, { token: tokenFor(['orders/**'], { seconds: SHORT_SECONDS }), on: ['tidings.expired'] });
    await site.client.told('open', 1);

    const errors = await site.client.told('error', 1);

    await site.client.told('tidings.expired', 1);
    assert.deepEqual(errors.map(told), [[401, problem('invalid-credentials'), false]]);
    assert.equal((await site.client.state()).state, 'closed');
  },

  'a cookie goes to a hub of another origin where the page says so, and nowhere else': async (scene, context) => {
    const token = tokenFor(['orders/**']);
    const pages = await startPageServer(scene, {
      '/login': (_, response) => response.writeHead(204, { 'Set-Cookie': `tidings=${token}; HttpOnly; SameSite=Lax; Path=/` }).end(),
    });
    const hub = await startAccessHub(scene, {}, '--cors-origin', pages.origin);
    const script = `${hub.url}/tidings.js`;
    await context.request.get(`${pages.origin}/login`);
    const [client, stranger] = await Promise.all([0, 0].map(() => openClientPage(scene, context, pages.origin, script)));

    await client.listen(hub.url + PATH, { credentials: 'include' });
    await stranger.listen(hub.url + PATH);

    await client.told('open', 1);
    await hub.publish(TOPIC, 'one');
    assert.deepEqual(await client.data(1), ['one']);
    const errors = await stranger.told('error', 1);
    assert.deepEqual(errors.map(told), [[401, problem('credentials-required'), false]]);
  },

  'tickets come from a function that makes the URL, a new one for every attempt': async (scene, context) => {
    const site = await startSite(scene, context, { start, subscribes: false });
    await site.client.page.evaluate(([path, key]) => {
      const urlOf = async () => {
        const answer = await fetch('/tickets', { method: 'POST', headers: { authorization: `Bearer ${key}` } });
        const { ticket } = await answer.json();
        return `${path}?ticket=${ticket}`;
      };
      listen(urlOf);
    }, [PATH, KEY]);
    await site.hears();

    site.box.cut();
    await site.publish(2);
    await site.client.told('error', 1);
    site.box.heal();

    await site.heardAll();
  },

  'a signed URL of a function is renewed before it ends': async (scene, context) => {
    const site = await startSite(scene, context, { start, rule: says(() => signedPath(RENEWED_SECONDS)), subscribes: false });
    await site.client.page.evaluate(() => listen(async () => (await fetch('/fresh')).text()));
    await site.hears();

    const renewed = async () => {
      await site.publish();
      return site.box.requests.length >= 2;
    };
    await until('it has been renewed', renewed);

    await site.heardAll();
    assert.deepEqual(await site.client.told('error', 0), []);
  },

  'a token that the hub refuses once, and a function that then has another one': async (scene, context) => {
    const tokens = ['no token at all', tokenFor(['orders/**'])];
    const site = await startSite(scene, context, { start, rule: says(() => tokens.shift()), subscribes: false });
    await site.client.page.evaluate((path) => listen(path, { token: async () => (await fetch('/fresh')).text() }), PATH);

    await site.hears();

    assert.deepEqual((await site.client.told('error', 1)).map(told), [[401, problem('invalid-credentials'), true]]);
  },

  'refusals are told apart, and only what passes is tried again': async (scene, context) => {
    const token = tokenFor(['orders/**']);
    const answers = { '/events/busy': { status: 503, body: '<h1>Busy</h1>' } };
    const site = await startSite(scene, context, { start, rule: ({ url }) => ({ answers: answers[url.split('?')[0]] }), subscribes: false });
    const errorOf = async (path, options) => {
      const client = await openClientPage(scene, context, site.box.origin);
      await client.listen(path, options);
      const [error] = await client.told('error', 1);
      return told(error);
    };
    const nowhere = await startPageServer(scene);

    assert.deepEqual(
      await Promise.all([
        errorOf(PATH),
        errorOf('/events/users/7', { token }),
        errorOf('/nowhere', { token }),
        errorOf('/events?topic=', { token }),
        errorOf('/events/busy', { token }),
        errorOf('http://127.0.0.1:1/events/orders/42'),
        // An origin that does not let the page read: a browser tells no more than of a network that is gone.
        errorOf(`${nowhere.origin}${PATH}`),
        // A page, as those that networks of hotels put before everything.
        errorOf('/client.html', { token }),
      ]),
      [
        [401, problem('credentials-required'), false],
        [403, problem('not-covered'), false],
        [404, problem('not-found'), false],
        [400, problem('bad-topic'), false],
        [503, undefined, true],
        [0, undefined, true],
        [0, undefined, true],
        [200, undefined, true],
      ],
    );
  },
});
