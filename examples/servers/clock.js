// What all three servers do, whatever answers the requests: a clock that many pages watch, and notes that go to the hub.

import { readFileSync } from 'node:fs';

import { Audience } from './event-stream.js';

const PORT = process.env.PORT ?? 3000;
const HUB = process.env.HUB ?? 'http://127.0.0.1:8080';
// The hub asks for a key once it has one: `tidings init` makes it.
const KEY = process.env.HUB_KEY;

// After this time a browser comes back. It keeps the delay while the server is away.
const RETRY_MS = 4_000;
const TICK_MS = 1_000;
// Proxies cut what is silent for a minute; the standard recommends a comment every 15 seconds.
const HEARTBEAT_MS = 15_000;
const NOTE_BYTES_MAX = 16_384;
// A hub on the same machine answers in milliseconds.
const HUB_WAIT_MS = 5_000;
// How long a client that does not read may keep the program from ending.
const END_WAIT_MS = 2_000;

export const page = readFileSync(new URL('./page.html', import.meta.url), 'utf8').replace('http://127.0.0.1:8080', HUB);

const audience = new Audience();
// One interval for all. With one for each client, each would have to be cleared when its client leaves.
const intervals = [setInterval(tick, TICK_MS), setInterval(() => audience.heartbeat(), HEARTBEAT_MS)];

/** Sends the clock to a client, until it leaves. */
export function watch(client) {
  audience.join(client, { retry: RETRY_MS }, { type: 'connecttime', data: new Date().toISOString() });
}

// JSON over several lines, to show that it arrives as it was sent.
function tick() {
  audience.tell({ data: JSON.stringify({ time: new Date().toISOString(), clients: audience.size }, null, 2) });
}

/** Takes a note that a page sends, and publishes it. Returns what the page is to be answered. */
export async function takeNote(request) {
  let note;
  try {
    note = await readNote(request);
  } catch (error) {
    return { status: 400, text: error.message };
  }
  try {
    await publish(note);
  } catch (error) {
    return { status: 502, text: `the hub did not take it: ${error.message}` };
  }
  return { status: 204, text: '' };
}

async function readNote(request) {
  // A page of another site cannot send this type without asking first, and nobody here says yes to it.
  if (request.headers['content-type'] !== 'application/json') throw new Error('send JSON');
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > NOTE_BYTES_MAX) throw new Error(`a note has at most ${NOTE_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return String(JSON.parse(Buffer.concat(chunks).toString()).note);
}

// The hub keeps the note, and sends it to all who watch `notes`, whatever server their page came from.
async function publish(note) {
  const headers = { 'Content-Type': 'text/plain', ...(KEY && { Authorization: `Bearer ${KEY}` }) };
  const signal = AbortSignal.timeout(HUB_WAIT_MS);
  const answer = await fetch(`${HUB}/events/notes`, { method: 'POST', headers, body: note, signal });
  if (!answer.ok) throw new Error((await answer.json()).detail);
}

/** Runs a server until the program is told to end. */
export function run(server) {
  server.listen(PORT, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/`));
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      // No new requests. A stream is a request that never ends, so the server waits for it forever unless we end it.
      server.close();
      intervals.forEach(clearInterval);
      audience.end();
      setTimeout(() => server.closeAllConnections(), END_WAIT_MS).unref();
    });
  }
}
