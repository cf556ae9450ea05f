// Private topics in a browser: a cookie of another origin's login, its end in the middle of a stream, and a signed URL.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startChromium } from './chromium.js';
import { until } from './deadline.js';
import { startHub } from './hub.js';
import { openListener } from './listener.js';
import { startPageServer } from './page-server.js';
import { scene } from './scene.js';

const BACKEND = 'k-0123456789abcdef0123456789abcdef';
const SECRET = '0123456789abcdef0123456789abcdef';
const SIGNING = 'abcdef0123456789abcdef0123456789';

// For how long a login lasts: the stream ends in the middle of the scene, several times.
const LOGIN_SECONDS = 6;

const CONFIG = `
retry = "2s"

[[access.keys]]
name = "backend"
key = "${BACKEND}"
publish = ["**"]

[access.jwt]
key = "${SECRET}"
audience = "tidings"
leeway = "0s"
subscribe = ["users/{sub}/**"]

[access.signing]
key = "${SIGNING}"
`;

/** `EventSource.CLOSED`. */
const CLOSED = 2;

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(sub, seconds) {
  const claims = { sub, aud: 'tidings', exp: Math.floor(Date.now() / 1_000) + seconds };
  const message = `${base64url({ alg: 'HS256' })}.${base64url(claims)}`;
  return `${message}.${createHmac('sha256', SECRET).update(message).digest('base64url')}`;
}

/** An app that logs its user in with a cookie, and a hub that takes that cookie from the app's pages. */
async function appAndHub(scene) {
  const login = (_, response) => {
    const cookie = `tidings=${token('u1', LOGIN_SECONDS)}; HttpOnly; SameSite=Lax; Path=/`;
    response.writeHead(204, { 'Set-Cookie': cookie }).end();
  };
  const app = await startPageServer(scene, { '/login': login });
  const folder = mkdtempSync(join(tmpdir(), 'tidings-access-'));
  scene.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'tidings.toml');
  writeFileSync(config, CONFIG, { mode: 0o600 });
  const hub = await startHub(scene, '--config', config, '--cors-origin', app.origin);
  const browser = await startChromium(scene);
  const publish = async (topic, data) => {
    const answer = await hub.post(topic, data, {}, { 'Content-Type': 'text/plain', Authorization: `Bearer ${BACKEND}` });
    assert.equal(answer.status, 201, await answer.clone().text());
  };
  return { app, hub, browser, publish };
}

scene('a login of another origin reads its user’s topics, and is renewed in silence without loss', async (scene) => {
  const { app, hub, browser, publish } = await appAndHub(scene);
  const context = await browser.newContext();
  await context.request.get(`${app.origin}/login`);
  const url = `${hub.url}/events/users/u1/**`;
  const listener = await openListener(scene, context, app.origin, url, { on: ['tidings.expired'], credentials: true });
  await listener.page.evaluate(() => {
    window.source.addEventListener('tidings.expired', () => fetch('/login'));
  });
  await listener.opens(1);

  const ends = async () => (await listener.heard(0)).filter(({ type }) => type === 'tidings.expired').length;
  let count = 0;
  await until('the login has ended twice', async () => {
    await publish('users/u1/orders', String(++count));
    return (await ends()) >= 2;
  });
  await listener.opens(3);
  await publish('users/u1/orders', 'last');

  const heard = await listener.heard(count + 3);
  const expired = heard.filter(({ type }) => type === 'tidings.expired');
  const data = heard.filter(({ type }) => type === 'message').map((event) => event.data);
  assert.deepEqual(data, [...Array.from({ length: count }, (_, n) => String(n + 1)), 'last']);
  for (const { data } of expired) assert.match(JSON.parse(data).reason, /ended at \d{4}-/);
});

scene('nobody else’s page reads with that cookie, and the user reads nobody else’s topics', async (scene) => {
  const { app, hub, browser } = await appAndHub(scene);
  const foreign = await startPageServer(scene);
  const context = await browser.newContext();
  await context.request.get(`${app.origin}/login`);

  for (const [origin, topic] of [
    [foreign.origin, 'users/u1/a'],
    [app.origin, 'users/u2/a'],
    [app.origin, '**'],
  ]) {
    const listener = await openListener(scene, context, origin, `${hub.url}/events/${topic}`, { credentials: true });
    assert.deepEqual(await listener.errors(1), [CLOSED], `${origin} ${topic}`);
    assert.deepEqual(await listener.opens(0), [], `${origin} ${topic}`);
  }
});

scene('a signed URL is all that a plain page needs, and it opens nothing else', async (scene) => {
  const { app, hub, browser, publish } = await appAndHub(scene);
  const expires = Math.floor(Date.now() / 1_000) + 60;
  const text = ['tidings-sign-1', 'GET', expires, 'default', 'orders/9'].join('\n');
  const signature = createHmac('sha256', SIGNING).update(text).digest('base64url');
  const query = `expires=${expires}&key=default&signature=${signature}`;

  const listener = await openListener(scene, browser, app.origin, `${hub.url}/events/orders/9?${query}`);
  await listener.opens(1);
  await publish('orders/9', 'packed');
  assert.deepEqual(await listener.data(1), ['packed']);

  const other = await openListener(scene, browser, app.origin, `${hub.url}/events/orders/8?${query}`);
  assert.deepEqual(await other.errors(1), [CLOSED]);
});
