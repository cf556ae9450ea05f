// docs/reference/clients.md says what clients of other people do with this hub. Here they do it, all of them.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { observeAll } from './clients/observe-all.js';
import { observeParsing, observeQuiet, observeSilence } from './clients/observe.js';
import { CLIENTS } from './clients/roster.js';
import { page, row } from './clients/words.js';

const PAGE = new URL('../../docs/reference/clients.md', import.meta.url);
const BUILT = fileURLToPath(new URL('../../target/foreign/java/done', import.meta.url));
const BEGIN = '<!-- Generated: TIDINGS_TEST_UPDATE=1 npm --prefix tests/foreign test -->\n\n';
const END = '\n<!-- End of what is generated. -->';

test('each client does what docs/reference/clients.md says of it', { timeout: 1_800_000 }, async (t) => {
  assert.ok(existsSync(BUILT), 'the clients are not installed: run tests/foreign/clients/install.sh');
  const text = await readFile(PAGE, 'utf8');
  const from = text.indexOf(BEGIN) + BEGIN.length;
  const to = text.indexOf(END);

  let observed = await observeAll(t, CLIENTS);
  if (process.env.TIDINGS_TEST_UPDATE) {
    await writeFile(PAGE, text.slice(0, from) + page(observed) + text.slice(to));
    return;
  }
  // Some clients wait for seconds that a busy machine may not have: those that differ are looked at once more, alone.
  const committed = ({ client, facts }) => text.includes(`| ${row(client, facts).join(' | ')} |`);
  const differing = observed.filter((one) => !committed(one)).map(({ client }) => client);
  if (differing.length > 0) {
    const again = await observeAll(t, differing);
    observed = observed.map((one) => again.find(({ client }) => client === one.client) ?? one);
  }

  assert.deepEqual(page(observed).split('\n'), text.slice(from, to).split('\n'));
});

test('@microsoft/fetch-event-source with JSON.parse receives every event', { timeout: 600_000 }, async (t) => {
  const [facts] = await observeParsing(t, named('@microsoft/fetch-event-source'));

  assert.deepEqual(facts, { heard: 3, errors: 0, connections: 1, ended: false });
});

test('clients that read lines are handed published data alone with opening=none', { timeout: 600_000 }, async (t) => {
  const readers = named(', lines');
  assert.equal(readers.length, 4);

  const facts = await observeQuiet(t, readers, { opening: 'none' });

  assert.deepEqual(facts, readers.map(() => ({ opening: [], heartbeats: [], places: [], ended: false })));
});

test('a heartbeat of four seconds is short enough for the time-out of every client', { timeout: 600_000 }, async (t) => {
  const impatient = [...named('httpx-sse'), ...named('okhttp')];
  assert.equal(impatient.length, 3);

  const facts = await observeSilence(t, impatient, { heartbeat: '4s' });

  assert.deepEqual(facts, impatient.map(() => ({ ended: false, again: false })));
});

/** The clients of the roster whose names have this in them. */
function named(words) {
  return CLIENTS.filter(({ name }) => name.includes(words));
}
