// The three servers of examples/servers, in a browser: many pages receive, one leaves, notes go through the hub, and a restart.

import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { Audience, encode } from '../../examples/servers/event-stream.js';
import { KEY, startAccessHub } from '../browser/access-hub.js';
import { until } from '../browser/deadline.js';
import { startHub } from '../browser/hub.js';
import { freePort, startProgram } from './program.js';
import { together } from './together.js';
import { fits, shows, visit } from './visit.js';

// That of the servers. A browser's own is 3 s in Chromium, so a shorter wait would show that it was forgotten.
const RETRY_MS = 4_000;

const SERVERS = ['node', 'express', 'koa'];

together(SERVERS, 'three pages receive, one leaves, notes come through the hub, and a restart is outlived', async (scene, name, browser) => {
  const port = await freePort();
  const hub = await startAccessHub(scene, { subscribe: ['notes'] }, '--memory', '--cors-origin', `http://127.0.0.1:${port}`);
  const env = { PORT: port, HUB: hub.url, HUB_KEY: KEY };
  const start = () => startProgram(scene, process.execPath, [`servers/${name}.js`], { env });
  const server = await start();
  // A context each, because six streams of one browser to one host are all that HTTP/1.1 has room for.
  const pages = [];
  for (let n = 0; n < 3; n++) pages.push(await visit(scene, await browser.newContext(), server.origin));

  for (const page of pages) await shows(page, '#clock', /live since .*\d.*, clients: 3/);
  const left = pages.pop();
  await left.close();
  for (const page of pages) await shows(page, '#clock', 'clients: 2');

  await pages[0].getByLabel('Note').fill('<b>first</b> note');
  await pages[0].getByRole('button', { name: 'Send' }).click();
  for (const page of pages) await shows(page, 'li', '<b>first</b> note');
  await fits(pages[0], `server-${name}`);
  for (const page of pages) assert.deepEqual(page.complaints, []);

  await pages[0].evaluate(() => {
    window.connects = [];
    window.errors = [];
    clock.addEventListener('connecttime', () => window.connects.push(performance.now()));
    clock.addEventListener('error', () => window.errors.push(performance.now()));
  });
  assert.equal(await server.stop(), 0, server.said);
  assert.equal(server.said, `listening on ${server.origin}/\n`);
  await shows(pages[0], '#clock', 'away');
  // The browser looks at least once while there is no server, and keeps the delay over that.
  await until('the browser has looked in vain', () => pages[0].evaluate(() => window.errors.length > 1));
  const again = await start();
  for (const page of pages) await shows(page, '#clock', 'clients: 2');

  const { connects, errors } = await pages[0].evaluate(() => ({ connects, errors }));
  assert.equal(connects.length, 1);
  for (const [n, at] of [...errors.slice(1), ...connects].entries()) {
    assert.ok(at - errors[n] >= RETRY_MS, `it came back after ${at - errors[n]} ms`);
  }
  assert.equal(await again.stop(), 0, again.said);
});

together(SERVERS, 'one URL is a page or a stream, and a note that is wrong or has no hub says so', async (scene, name) => {
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  const { origin } = await startProgram(scene, process.execPath, [`servers/${name}.js`], { env: { PORT: 0, HUB: nowhere } });
  const type = async (accept) => {
    const leave = new AbortController();
    const answer = await fetch(origin, { headers: { accept }, signal: leave.signal });
    const told = [answer.headers.get('content-type'), answer.headers.get('vary')];
    leave.abort();
    return told;
  };
  const note = async (body, contentType = 'application/json') => {
    const answer = await fetch(`${origin}/notes`, { method: 'POST', body, headers: { 'content-type': contentType } });
    return `${answer.status} ${await answer.text()}`;
  };

  assert.deepEqual(await type('text/html,application/xhtml+xml,*/*;q=0.8'), ['text/html; charset=utf-8', 'Accept']);
  assert.deepEqual(await type('text/event-stream'), ['text/event-stream', 'Accept']);
  assert.equal(await note('{"note":"x"}', 'text/plain'), '400 send JSON');
  assert.match(await note('{'), /^400 /);
  assert.match(await note(JSON.stringify({ note: 'x'.repeat(20_000) })), /^400 a note has at most 16384 bytes$/);
  assert.match(await note('{"note":"x"}'), /^502 the hub did not take it: /);
  assert.equal((await fetch(`${origin}/other`)).status, 404);
});

together(SERVERS, 'a hub that does not know the origin of the page is said to have refused it', async (scene, name, browser) => {
  const hub = await startHub(scene, '--memory');
  const env = { PORT: 0, HUB: hub.url };
  const { origin } = await startProgram(scene, process.execPath, [`servers/${name}.js`], { env });
  const page = await visit(scene, await browser.newContext(), origin);

  await shows(page, '#hub', 'refused: the log of the hub says why');
  await shows(page, '#clock', 'live');
});

together(SERVERS, 'it ends although a client does not read', async (scene, name) => {
  const server = await startProgram(scene, process.execPath, [`servers/${name}.js`], { env: { PORT: 0 } });
  const socket = net.connect(new URL(server.origin).port, '127.0.0.1');
  scene.after(() => socket.destroy());
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
  await once(socket, 'readable');

  assert.equal(await server.stop(), 0, server.said);
});

test('every line end makes a line, and a type is one line', () => {
  assert.equal(encode({ type: 'a', data: 'b\r\nc\rd\ne' }), 'event: a\ndata: b\ndata: c\ndata: d\ndata: e\n\n');
  assert.equal(encode({ data: '' }), 'data: \n\n');
  assert.equal(encode({ data: ' x\u2028y\n' }), 'data:  x\u2028y\ndata: \n\n');
  assert.throws(() => encode({ type: 'a\rdata: b' }), TypeError);
});

test('a client that leaves has nothing left with the others, and one that does not read is cut off', async () => {
  const audience = new Audience();
  const [reader, leaver, sleeper] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let heard = '';
  reader.setEncoding('utf8').on('data', (text) => (heard += text));
  for (const client of [reader, leaver, sleeper]) audience.join(client, { type: 'connecttime', data: 'now' });
  leaver.destroy();
  await once(leaver, 'close');
  assert.equal(audience.size, 2);

  const big = 'x'.repeat(10_000);
  while (!sleeper.destroyed) {
    audience.tell({ data: big });
    await new Promise(setImmediate);
  }
  await until('the sleeper is gone', () => audience.size === 1);
  audience.tell({ data: 'last' });
  audience.end();
  await once(reader, 'close');

  assert.ok(heard.startsWith('event: connecttime\ndata: now\n\n'));
  assert.ok(heard.endsWith('data: last\n\n'));
  assert.equal(audience.size, 0);
});
