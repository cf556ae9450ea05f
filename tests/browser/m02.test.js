// M2: the four fields, comment lines that begin with a colon, and two newlines that end an event.

import assert from 'node:assert/strict';

import { openListener } from './listener.js';
import { cast, scene } from './scene.js';
import { openWire } from './wire.js';

const EVENT_STREAM = { 'Content-Type': 'text/event-stream' };

scene('M2 event, data, id and retry go over the wire as exact bytes and reach the page', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`, { on: ['ping'] });
  await listener.opens(1);
  const wire = await openWire(scene, hub.port, '/events/es');
  const opening = await wire.bodyWith('\n\n');

  await hub.publish('es', 'hello', { event: 'ping', id: '369', retry: 6000 });

  assert.deepEqual(await listener.heard(1), [
    { by: 'addEventListener', type: 'ping', data: 'hello', lastEventId: '369' },
  ]);
  const body = await wire.bodyWith('hello\n\n');
  assert.equal(body, `${opening}event: ping\nid: 369\nretry: 6000\ndata: hello\n\n`);
});

scene('M2 comments are heard by nobody, neither the publisher\u2019s nor the heartbeat', async (scene) => {
  const { pages, hub, browser } = await cast(scene, '--heartbeat', '1s');
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await listener.opens(1);
  const wire = await openWire(scene, hub.port, '/events/es');
  const opening = await wire.bodyWith('\n\n');

  const answer = await hub.post('es', ': a comment\n\ndata: one\nid: 1\n\n:\n:data: no\ndata: two\nid: 2\n\n', {}, EVENT_STREAM);
  const body = await wire.bodyWith('two\n\n');
  await wire.bodyWith('two\n\n:');
  await hub.publish('es', 'three', { id: '3' });

  assert.ok(answer.ok, String(answer.status));
  assert.deepEqual(await listener.data(3), ['one', 'two', 'three']);
  assert.equal(body, `${opening}id: 1\ndata: one\n\nid: 2\ndata: two\n\n`);
});

scene('M2 an event is out when its blank line is in, and not before', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`);
  await listener.opens(1);
  const upstream = new TransformStream();
  const producer = upstream.writable.getWriter();
  const say = (text) => producer.write(new TextEncoder().encode(text));
  const answer = hub.post('es', upstream.readable, {}, EVENT_STREAM);

  await say('data: first\n\ndata: second\n');
  await listener.heard(1);
  await hub.publish('es', 'between');
  const beforeTheBlankLine = await listener.data(2);
  await say('\n');
  const afterTheBlankLine = await listener.data(3);
  await producer.close();

  assert.deepEqual(beforeTheBlankLine, ['first', 'between']);
  assert.deepEqual(afterTheBlankLine, ['first', 'between', 'second']);
  assert.ok((await answer).ok);
});

scene('M2 lines of a published stream may end in CR, LF or both', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const listener = await openListener(scene, browser, pages.origin, `${hub.url}/events/es`, { on: ['ping'] });
  await listener.opens(1);

  const body = 'data: lf\nid: 1\n\nevent: ping\r\ndata: crlf\r\nid: 2\r\n\r\ndata: cr\rid: 3\r\r';
  const answer = await hub.post('es', body, {}, EVENT_STREAM);

  assert.ok(answer.ok, String(answer.status));
  assert.deepEqual(await listener.heard(3), [
    { by: 'onmessage', type: 'message', data: 'lf', lastEventId: '1' },
    { by: 'addEventListener', type: 'ping', data: 'crlf', lastEventId: '2' },
    { by: 'onmessage', type: 'message', data: 'cr', lastEventId: '3' },
  ]);
});
