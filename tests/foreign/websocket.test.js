// Clients of WebSocket that are not ours, against our hub: what they hear, publish and ask for, how they go on, and the code with
// which they are closed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { until, within } from '../browser/deadline.js';
import { startHub } from '../browser/hub.js';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const FOREIGN = path('../../target/foreign');

const CLIENTS = {
  'Node.js WebSocket': [process.execPath, ['--experimental-websocket', '--no-warnings', path('clients/javascript/websocket.js')]],
  'Python websockets': ['python3', [path('clients/python/websocket_client.py')], { PYTHONPATH: `${FOREIGN}/python` }],
  'Go gorilla/websocket': [`${FOREIGN}/go/websocket_gorilla`, []],
  'Go coder/websocket': [`${FOREIGN}/go/websocket_coder`, []],
};

/** A run of a client: `heard` is each message that it printed, and what it told of itself. */
class Socket {
  heard = [];
  #child;
  #ended;
  #talk = '';

  constructor(t, [command, args, env = {}], url) {
    this.#child = spawn(command, [...args, url.replace('http:', 'ws:')], { env: { ...process.env, ...env } });
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.once('error', (error) => (this.#talk += error.message));
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#talk += text));
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.heard.push(JSON.parse(line)));
    t.after(() => this.#child.kill('SIGKILL'));
  }

  say(word) {
    this.#child.stdin.write(`${JSON.stringify(word)}\n`);
  }

  /** Closes by the protocol. */
  async close() {
    this.#child.stdin.end();
    await within('the client ends', this.#ended);
  }

  /** The first message that is one. */
  async hears(what, is) {
    return until(`the client hears ${what}`, () => this.heard.find(is)).catch((late) => {
      throw new Error(`${late.message}, and it heard ${JSON.stringify(this.heard).slice(0, 500)} ${this.#talk}`);
    });
  }
}

/** The value of a metric, as it is written. */
async function metric(hub, name) {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  return text.split('\n').find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
}

/** A client reads, publishes and asks for more, at a hub with these flags. */
async function converse(t, client, ...flags) {
  if (client[0].startsWith(FOREIGN)) assert.ok(existsSync(client[0]), 'run tests/foreign/clients/install.sh');
  const hub = await startHub(t, '--heartbeat', '1s', ...flags);
  const socket = new Socket(t, client, `${hub.url}/events/a`);

  await socket.hears('the subprotocol', ({ protocol }) => protocol === 'tidings.v1');
  const first = await socket.hears('the opening', ({ connection }) => connection);
  assert.ok(first.cursor && first.heartbeat_ms === 1000 && !first.gap, JSON.stringify(first));
  await socket.hears('a heartbeat', ({ heartbeat_ms: beat, connection }) => beat && !connection);

  socket.say({ publish: { topic: 'a', data: 'grüße 🎉', type: 'note', key: 'k1' }, ref: 1 });
  const { published } = await socket.hears('the answer', ({ ref }) => ref === 1);
  const event = await socket.hears('the event', ({ type }) => type === 'note');
  assert.deepEqual([event.id, event.topic, event.data], [published.id, 'a', 'grüße 🎉']);
  socket.say({ publish: { topic: 'a', data: 'grüße 🎉', type: 'note', key: 'k1' }, ref: 2 });
  assert.equal((await socket.hears('the answer', ({ ref }) => ref === 2)).published.replayed, true);

  socket.say({ subscribe: ['b/*'], ref: 'more' });
  assert.deepEqual((await socket.hears('the answer', ({ ref }) => ref === 'more')).ok, ['a', 'b/*']);
  const large = 'x'.repeat(500_000);
  await hub.publish('b/1', large);
  assert.equal((await socket.hears('a large event', ({ topic }) => topic === 'b/1')).data, large);
  socket.say({ publish: { topic: 'b/2', data: large }, ref: 3 });
  await socket.hears('a large event of its own', ({ topic }) => topic === 'b/2');

  socket.say({ publish: { topic: 'tidings/x' }, ref: 4 });
  const { error } = await socket.hears('an error', ({ ref }) => ref === 4);
  assert.equal(error.type, 'urn:tidings:problem:reserved-topic');

  if (flags.length > 0) assert.match(await metric(hub, 'tidings_deflated_events_total'), /^[1-9]/, 'nothing was compressed');
  await hub.stop();
  await socket.hears('a farewell', ({ retry_ms: retry, cursor }) => retry && cursor);
  await socket.hears('the close code', ({ closed }) => closed === 4000);
}

for (const [name, client] of Object.entries(CLIENTS)) {
  const open = (t, url) => new Socket(t, client, url);

  test(`${name}: reads, publishes, asks for more, and is told to come back`, { timeout: 120_000 }, (t) => converse(t, client));

  test(`${name}: the same with messages that are compressed`, { timeout: 120_000 }, (t) => converse(t, client, '--compression'));

  test(`${name}: goes on by an id, hears a gap, and closes`, { timeout: 120_000 }, async (t) => {
    const hub = await startHub(t, '--memory');
    const ids = [];
    for (const data of ['1', '2', '3']) ids.push(await hub.publish('a', data));

    const resumed = open(t, `${hub.url}/events/a?last_event_id=${ids[0]}`);
    await resumed.hears('the last event', ({ id }) => id === ids[2]);
    assert.deepEqual(resumed.heard.filter(({ id }) => id).map(({ data }) => data), ['2', '3']);
    // What it says last is not lost.
    resumed.say({ publish: { topic: 'a', data: 'the last' } });
    await resumed.close();

    const lost = open(t, `${hub.url}/events/a?last_event_id=unknown`);
    const { gap } = await lost.hears('a gap', (word) => word.gap);
    assert.deepEqual([gap.requested, gap.reason], ['unknown', 'unknown']);
    await lost.hears('the last publish', ({ data }) => data === 'the last');
    await lost.close();
    await lost.hears('its end', ({ closed }) => closed === 1000);
  });
}
