// The client behind a middlebox that changes its mind all the time: whatever it does, and in whatever order, each event is heard once.
//
// `TIDINGS_CHAOS_SEED` repeats a run that has failed, and `TIDINGS_CHAOS_SECONDS` makes it longer.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { startSite } from './client-site.js';
import { isForEvents } from './middlebox.js';
import { together } from './together.js';

const SECONDS = Number(process.env.TIDINGS_CHAOS_SECONDS ?? 8);
const SEED = Number(process.env.TIDINGS_CHAOS_SEED ?? Date.now() % 1_000_000);
/** After the last change of mind, and the longest wait of a client. */
const DEADLINE_MS = 60_000;
const PAGES = 3;

/** What a middlebox does to requests for events from now on. */
const RULES = {
  'passes all': () => undefined,
  'holds all': () => ({ holds: true }),
  'holds all but heads of GET': ({ method }) => (method === 'GET' ? { bytes_max: 0 } : { holds: true }),
  'holds GET': ({ method }) => (method === 'GET' ? { holds: true } : undefined),
  'holds after some bytes': () => ({ bytes_max: 600 }),
  'holds, and cuts': () => ({ holds: true, cut_ms: 3_500 }),
  cuts: () => ({ cut_ms: 700 }),
  'cuts parameters off': () => ({ strips: true }),
  'answers 502': () => ({ answers: { status: 502 } }),
  'answers POST by 403': ({ method }) => (method === 'POST' ? { answers: { status: 403 } } : undefined),
};

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What happens to a page, its network or its hub. `random` gives numbers from 0 to 1. */
const ACTS = {
  'the middlebox falls silent': ({ box }) => box.stall(),
  'the middlebox drops all': ({ box }) => box.drop(),
  'no network for a while, and nobody says so': async ({ box }, random) => {
    box.cut();
    await sleep(300 * random());
    box.heal();
  },
  'no network for a while': async ({ client }, random) => {
    const context = client.page.context();
    await context.setOffline(true);
    await sleep(300 * random());
    await context.setOffline(false);
  },
  'the page is loaded again': (site) => site.reload(),
  'the clock goes on': ({ client }, random) => client.moveClock(12 * 60_000 * random()),
  'the page wakes up': ({ client }) => client.page.evaluate(() => document.dispatchEvent(new Event('resume'))),
  'the hub is killed': async (site) => {
    await site.hub.kill();
    await site.restartHub();
  },
  ...Object.fromEntries(
    Object.entries(RULES).map(([name, rule]) => [
      `the middlebox ${name}`,
      ({ box }) => (box.rule = (request) => (isForEvents(request) ? rule(request) : undefined)),
    ]),
  ),
};

async function chaos(scene, context, seed) {
  const random = randomOf(seed);
  const site = await startSite(scene, context, { flags: ['--heartbeat', '1s'] });
  await site.hears();
  const done = [];
  const end = performance.now() + SECONDS * 1_000;
  try {
    while (performance.now() < end) {
      const [name, act] = Object.entries(ACTS)[Math.floor(Object.keys(ACTS).length * random())];
      done.push(name);
      await act(site, random);
      await site.publish(Math.floor(8 * random()));
      await sleep(1_500 * random() ** 2);
    }
    site.box.rule = () => undefined;
    site.box.drop();
    await site.publish();
    await site.heardAll(DEADLINE_MS);
    assert.deepEqual(site.client.complaints, []);
    assert.deepEqual(await site.client.told('gap', 0), []);
  } catch (error) {
    throw new Error(`seed ${seed}: ${error.message}\n${done.join('\n')}`, { cause: error });
  }
}

together(
  'the client',
  Object.fromEntries(
    Array.from({ length: PAGES }, (_, n) => [
      `whatever happens on the way, each event is heard once: ${n + 1} of ${PAGES}`,
      (scene, context) => chaos(scene, context, SEED + n),
    ]),
  ),
);
