// Clients that decompress a stream by themselves: each hears every event when it is published, not when more has come.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';

import { startHub } from '../browser/hub.js';
import { until } from '../browser/deadline.js';
import { scene } from '../browser/scene.js';

const program = (name) => fileURLToPath(new URL(`compression/${name}`, import.meta.url));

/** Runs a program that prints what it reads; the list of its lines. */
function run(scene, command, ...args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  scene.after(async () => {
    // `go run` has a child of its own.
    process.kill(-child.pid, 'SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  });
  return listen(child.stdout);
}

function listen(stream) {
  const lines = [];
  createInterface({ input: stream }).on('line', (line) => lines.push(line));
  return lines;
}

const CLIENTS = {
  'curl --compressed': (scene, url) => run(scene, 'curl', '-sN', '--compressed', url),
  'zlib of Python': (scene, url) => run(scene, 'python3', program('client.py'), url),
  'compress/gzip of Go': (scene, url) => run(scene, 'go', 'run', program('client.go'), url),
  'the transport of Go, which asks by itself': (scene, url) => run(scene, 'go', 'run', program('client.go'), url, 'transport'),
  'fetch of Node': async (scene, url) => {
    const abort = new AbortController();
    scene.after(() => abort.abort());
    const answer = await fetch(url, { signal: abort.signal });
    assert.equal(answer.headers.get('content-encoding'), 'gzip');
    const lines = [];
    const read = async () => {
      let text = '';
      for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
        const parts = (text + piece).split('\n');
        text = parts.pop();
        lines.push(...parts);
      }
    };
    read().catch((error) => abort.signal.aborted || lines.push(String(error)));
    return lines;
  },
  'createGunzip of Node': async (scene, url) => {
    const request = http.get(url, { headers: { 'accept-encoding': 'gzip' } });
    scene.after(() => request.destroy());
    const [answer] = await once(request, 'response');
    assert.equal(answer.headers['content-encoding'], 'gzip');
    answer.on('error', () => {});
    return listen(answer.pipe(createGunzip()));
  },
};

const EVENTS = ['small', JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, status: 'open' }))), 'x', 'y'.repeat(300_000), 'last'];

for (const [name, start] of Object.entries(CLIENTS)) {
  scene(`${name} hears each compressed event at once`, async (scene) => {
    const hub = await startHub(scene, '--compression', '--heartbeat', '1h');
    const lines = await start(scene, `${hub.url}/events/a?since=earliest`);
    await until('the stream is open', () => lines.some((line) => line === 'event: tidings.open'), 60_000);

    for (const event of EVENTS) {
      await hub.publish('a', event);
      await until(`${event.slice(0, 20)} is heard`, () => lines.includes(`data: ${event}`));
    }

    const heard = lines.filter((line) => line.startsWith('data: ') && !line.startsWith('data: {"cursor"'));
    assert.deepEqual(heard, EVENTS.map((event) => `data: ${event}`));
  });
}

scene('a stream that the hub ends has the checksum that curl looks at', async (scene) => {
  const hub = await startHub(scene, '--compression');
  const curl = spawn('curl', ['-sN', '--compressed', `${hub.url}/events/a?since=earliest`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = listen(curl.stdout);
  const closed = once(curl, 'close');
  for (const event of EVENTS) await hub.publish('a', event);
  await until('all is heard', () => lines.includes('data: last'));

  await hub.stop();

  assert.deepEqual(await closed, [0, null]);
  assert.match(lines.at(-1), /^retry: \d+$/);
});
