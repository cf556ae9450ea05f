// M11: HTTP/1.0. The stream is never chunked, and its end is the end of the connection.

import assert from 'node:assert/strict';

import { until } from './deadline.js';
import { startHub } from './hub.js';
import { openListener } from './listener.js';
import { startRelay } from './relay.js';
import { cast, scene } from './scene.js';
import { OPENING, openWire } from './wire.js';

scene('M11 a stream asked for in HTTP/1.0 is not chunked and ends by close', async (scene) => {
  const hub = await startHub(scene);

  const wire = await openWire(scene, hub.port, '/events/es', { version: '1.0' });
  const { status, headers } = await wire.head();
  const opening = await wire.bodyWith('\n\n');
  await hub.publish('es', 'hello', { id: '1' });
  const body = await wire.bodyWith('hello\n\n');
  await hub.stop();
  await until('the connection is closed', () => wire.closed);

  assert.match(status, /^HTTP\/1\.[01] 200 OK$/);
  assert.equal(headers['content-type'], 'text/event-stream');
  assert.equal(headers['transfer-encoding'], undefined);
  assert.equal(headers['content-length'], undefined);
  assert.notEqual(headers.connection?.toLowerCase(), 'keep-alive');
  assert.match(opening, OPENING);
  assert.equal(body, `${opening}id: 1\ndata: hello\n\n`);
});

scene('M11 keep-alive asked for in HTTP/1.0 changes nothing: there is no other end than close', async (scene) => {
  const hub = await startHub(scene);

  const headers = ['Connection: keep-alive', 'Accept: text/event-stream'];
  const wire = await openWire(scene, hub.port, '/events/es', { version: '1.0', headers });
  const head = await wire.head();
  const opening = await wire.bodyWith('\n\n');
  await hub.publish('es', 'hello', { id: '1' });

  assert.equal(await wire.bodyWith('hello\n\n'), `${opening}id: 1\ndata: hello\n\n`);
  assert.equal(head.headers['transfer-encoding'], undefined);
  assert.notEqual(head.headers.connection?.toLowerCase(), 'keep-alive');
});

scene('M11 a page behind a proxy that speaks HTTP/1.0 receives, and resumes after a cut', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const relay = await startRelay(scene, hub.port, { http10: true });
  const listener = await openListener(scene, browser, pages.origin, `${relay.url}/events/es`);
  await listener.opens(1);
  await hub.publish('es', 'one', { id: '1', retry: 50 });
  await listener.heard(1);

  relay.cut();
  await listener.errors(1);
  await hub.publish('es', 'two', { id: '2' });
  relay.heal();

  assert.deepEqual(await listener.data(2), ['one', 'two']);
  assert.match(relay.requests.at(-1).head, /^Last-Event-ID: 1$/im);
  for (const { down } of relay.crossings) assert.doesNotMatch(down, /^transfer-encoding:/im);
});
