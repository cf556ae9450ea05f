// Real input: a whole git log streamed through one request, and joined in the middle from the beginning.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { until, within } from './deadline.js';
import { startHub } from './hub.js';
import { openListener } from './listener.js';
import { commitsOf, JSON_BODY, makeRepository } from './repository.js';
import { cast, scene } from './scene.js';
import { openWire } from './wire.js';

const COMMITS = 3_000;
const MIB = 1_048_576;

const example = (name) => fileURLToPath(new URL(`../../examples/real-input/${name}`, import.meta.url));
const run = promisify(execFile);

/** A `curl -T -` whose standard input is the stream of events. */
function openUpload(scene, url) {
  const headers = ['--header', 'Content-Type: text/event-stream'];
  const upload = spawn('curl', ['--silent', '--show-error', '--fail-with-body', '--request', 'POST', ...headers, '--upload-file', '-', url]);
  scene.after(() => upload.kill());
  upload.said = '';
  for (const stream of [upload.stdout, upload.stderr]) stream.on('data', (text) => (upload.said += text));
  upload.ended = once(upload, 'close').then(([code]) => code);
  return upload;
}

scene('a git log of thousands of commits arrives whole and in order at a browser that joined in the middle', async (scene) => {
  const repository = await makeRepository(scene, COMMITS);
  const commits = commitsOf(repository);
  const { stdout: stream } = await run(example('git-log.sh'), [repository], { encoding: 'buffer', maxBuffer: 1 << 30 });
  const middle = stream.indexOf(`event: commit\nid: ${commits[COMMITS / 2].lastEventId}\n`);
  const { pages, hub, browser } = await cast(scene);
  const url = `${hub.url}/events/git-log`;
  const first = await openListener(scene, browser, pages.origin, url, { on: ['commit'] });
  await first.opens(1);

  const upload = openUpload(scene, url);
  upload.stdin.write(stream.subarray(0, middle));
  await first.heard(COMMITS / 2);
  const joined = await openListener(scene, browser, pages.origin, `${url}?since=earliest`, { on: ['commit'] });
  const bare = await openWire(scene, hub.port, '/events/git-log?since=earliest');
  await joined.heard(COMMITS / 4);
  upload.stdin.end(stream.subarray(middle));
  assert.equal(await within('the upload is answered', upload.ended), 0, upload.said);

  for (const listener of [first, joined]) {
    const heard = await listener.heard(COMMITS);
    assert.deepEqual(heard.map(({ lastEventId, data }) => ({ lastEventId, data })), commits);
    assert.ok(heard.every(({ by, type }) => by === 'addEventListener' && type === 'commit'));
    assert.deepEqual(await listener.errors(0), []);
  }
  const ids = await until('the bare reader has it all', () => {
    const ids = [...bare.body.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
    return ids.length >= COMMITS && ids;
  });
  assert.deepEqual(ids, commits.map((commit) => commit.lastEventId));
  const sizes = commits.map(({ data }) => Buffer.byteLength(data));
  assert.equal(Math.max(...sizes), MIB);
  const json = commits.find(({ data }) => data.includes('Say it in JSON')).data.split('\n').slice(4).join('\n');
  assert.equal(json, JSON_BODY);
});

scene('the example counts for itself: show.sh over generated history and over this repository', async (scene) => {
  const generated = await makeRepository(scene, COMMITS);
  const own = fileURLToPath(new URL('../..', import.meta.url));
  const hub = await startHub(scene);

  for (const repository of [generated, own]) {
    const count = commitsOf(repository).length;
    const { stdout } = await run(example('show.sh'), [repository, hub.url], { timeout: 60_000 });
    const [publishing, watch, received] = stdout.trim().split('\n');
    assert.match(publishing, new RegExp(`^publishing ${count} commits, \\d+ bytes$`));
    assert.match(watch, /^watch them in a browser: http:/);
    const verdict = `received ${count} commits by a reader that joined in the middle: none lost, none repeated, in order`;
    assert.equal(received, verdict);
  }
});

scene('an event larger than 1 MiB ends the stream with an error that says so; what came before it stays', async (scene) => {
  const { pages, hub, browser } = await cast(scene);
  const url = `${hub.url}/events/es`;
  const listener = await openListener(scene, browser, pages.origin, url);
  await listener.opens(1);

  const upload = openUpload(scene, url);
  upload.stdin.on('error', () => {});
  upload.stdin.end(`data: before\n\ndata: ${'x'.repeat(MIB + 1)}\n\ndata: after\n\n`);
  const code = await within('the upload is refused', upload.ended);
  await hub.publish('es', 'later');

  assert.notEqual(code, 0);
  assert.match(upload.said, /413/);
  assert.deepEqual(await listener.data(2), ['before', 'later']);
});
