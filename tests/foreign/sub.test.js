// `tidings sub` with servers that are not ours: every event once and in order, over cuts, by their ids.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../browser/deadline.js';
import { startRelay } from '../browser/relay.js';
import { ORIGINS } from './origins.js';
import { start } from './program.js';

for (const [name, startOrigin] of Object.entries(ORIGINS)) {
  test(`${name}: history and live events, with type, id and lines`, { timeout: 60_000 }, async (t) => {
    const origin = await startOrigin(t);
    await origin.publish('before', 'tick');
    const sub = start(t, 'sub', `http://127.0.0.1:${origin.port}${origin.path}`, '--json', '--count', '3');
    await sub.json(1);

    await origin.publish('{"n": 1,\n "m": "\u6d88\u606f"}', 'tick');
    await origin.publish('', 'empty');

    const [before, lines, empty] = await sub.json(3);
    assert.deepEqual([before.type, before.data], ['tick', origin.shown('before')]);
    assert.deepEqual([lines.type, lines.data], ['tick', origin.shown('{"n": 1,\n "m": "\u6d88\u606f"}')]);
    assert.equal(empty.type, 'empty');
    assert.equal(new Set([before, lines, empty].map((event) => event.lastEventId)).size, 3);
    assert.equal(await sub.end(), 0);
    assert.deepEqual(sub.stderr.map((line) => JSON.parse(line).state), ['open', 'closed']);
  });

  test(`${name}: a cut in the middle of a line loses nothing and repeats nothing`, { timeout: 60_000 }, async (t) => {
    const origin = await startOrigin(t);
    const wire = await startRelay(t, origin.port);
    const sub = start(t, 'sub', `${wire.url}${origin.path}`, '--json', '--retry', '50');
    await sub.said('"open"');
    await origin.publish('one');
    await sub.json(1);

    const cut = wire.cutAfter('tw');
    await origin.publish('two');
    await cut;
    await origin.publish('three');
    await sub.said('"connecting"');
    wire.heal();
    const events = await sub.json(3);

    assert.deepEqual(events.map((event) => event.data), ['one', 'two', 'three'].map((data) => origin.shown(data)));
    await until('it asked again by id', () => wire.requests.some(({ head }) => /^last-event-id: /im.test(head)));
    const asked = wire.requests.map(({ head }) => /^last-event-id: (.*)$/im.exec(head)?.[1]);
    assert.ok(asked.includes(events[0].lastEventId), `${asked}`);
    assert.equal(await sub.stop(), 0);
  });

  test(`${name}: people see lines as they come`, { timeout: 60_000 }, async (t) => {
    const origin = await startOrigin(t);
    const sub = start(t, 'sub', `http://127.0.0.1:${origin.port}${origin.path}`);
    await sub.said('listening to');

    await origin.publish('hello', 'greeting');

    await until('the event is shown', () => sub.stdout.length > 0);
    const [id, type, data] = sub.stdout[0].split('  ');
    assert.notEqual(id, '');
    assert.deepEqual([type, data], ['greeting', origin.shown('hello')]);
  });
}
