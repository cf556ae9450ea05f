// What the clients of the roster do, observed on the real binary. Four scenes; in each, all clients read at once.
//
// Nothing here judges: words.js says in a few words what the facts of a client come to.

import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../../browser/deadline.js';
import { restartHub, startHub } from '../../browser/hub.js';
import { startRelay } from '../../browser/relay.js';
import { openWire } from '../../browser/wire.js';
import { startClient } from './client.js';

// Some dozens of programs start on a small machine.
const SOON_MS = 180_000;
// A client whose default is to wait longer than this is as good as gone.
const RETURN_MS = 90_000;
// How soon clients are told to come back: after the hub has ended, not before it has begun again; after kill -9, several
// times before.
const RETRY = { SIGTERM: '6s', SIGKILL: '1s' };
const DOWN_MS = { SIGTERM: 0, SIGKILL: 8_000 };
// OkHttp's read time-out is 10 s, httpx' is 5 s.
const SILENCE_MS = 12_000;

/** The data of an event: JSON, so that clients can parse it. */
const nth = (n) => JSON.stringify({ n });

/** Opening and heartbeats of a live stream: what clients are handed between events that were published. */
export async function observeQuiet(scene, clients, { opening } = {}) {
  const hub = await startHub(scene, '--memory', '--heartbeat', '1s');
  const url = `${hub.url}/events/quiet${opening === undefined ? '' : `?opening=${opening}`}`;
  const runs = clients.map((client) => startClient(scene, client, url));
  await attended(hub, runs);
  const witness = await openWire(scene, hub.port, '/events/quiet');
  await hub.publish('quiet', nth(1));
  await heardBy(runs, nth(1));

  await heartbeats(witness, 3);
  await hub.publish('quiet', nth(2));
  await heardBy(runs, nth(2));

  // Now the place in the log is news to a client of this topic.
  for (let n = 0; n < 20; n++) await hub.publish('elsewhere', nth(n));
  await heartbeats(witness, 3);
  await hub.publish('quiet', nth(3));
  await heardBy(runs, nth(3));

  return runs.map((run) => ({
    opening: between(run, undefined, nth(1)),
    heartbeats: between(run, nth(1), nth(2)),
    places: between(run, nth(2), nth(3)),
    ended: run.ended,
  }));
}

/** A client that parses all data as JSON, from its opening over heartbeats to the third event. */
export async function observeParsing(scene, clients) {
  const hub = await startHub(scene, '--memory', '--heartbeat', '1s');
  const runs = await Promise.all(clients.map(async (client) => {
    const relay = await startRelay(scene, hub.port);
    const run = startClient(scene, client, `${relay.url}/events/parsed`, { parse: true });
    return Object.assign(run, { relay });
  }));
  const opened = ({ relay }) => relay.crossings.some(({ down }) => down.includes('retry:'));
  await all('has a stream', runs, (run) => run.ended || opened(run));
  const before = runs.map(({ relay }) => relay.crossings.length);
  for (let n = 1; n <= 3; n++) await hub.publish('parsed', nth(n));
  // One that has come again three times without the events will not have them the fourth time.
  const again = (run) => run.relay.crossings.length >= before[runs.indexOf(run)] + 3;
  const done = (run) => run.ended || run.has(nth(3)) || again(run);
  await all('has heard or lost the events', runs, done);
  return runs.map((run) => ({
    heard: [1, 2, 3].filter((n) => run.has(nth(n))).length,
    errors: run.errors.length,
    connections: run.relay.crossings.length,
    ended: run.ended,
  }));
}

/** A gap: a client asks for what is no longer there; if it does not hear of it, once more with the name of the type. */
export async function observeGap(scene, clients) {
  const hub = await startHub(scene, '--memory', '--heartbeat', '1s');
  await hub.publish('gap', nth(1));
  const told = async (some, options) => {
    const url = `${hub.url}/events/gap?last_event_id=gone`;
    const runs = some.map((client) => startClient(scene, client, url, options));
    await heardBy(runs, nth(1));
    return runs.map((run) => between(run, undefined, nth(1)));
  };
  const unnamed = await told(clients, {});
  const silent = clients.filter((_, n) => unnamed[n].length === 0);
  const named = await told(silent, { listen: ['tidings.gap'] });
  return clients.map((client, n) => ({ unnamed: unnamed[n], named: named[silent.indexOf(client)] ?? [] }));
}

/** No event for longer than the time-outs of some clients, and no heartbeat unless one is asked for. */
export async function observeSilence(scene, clients, { heartbeat = '60s' } = {}) {
  const hub = await startHub(scene, '--memory', '--heartbeat', heartbeat);
  // Those that are there first wait for the last with an event each half a second.
  const runs = await Promise.all(clients.map(async (client) => {
    const relay = await startRelay(scene, hub.port);
    return Object.assign(startClient(scene, client, `${relay.url}/events/silent`), { relay });
  }));
  await ticks(hub, ['silent'], runs, SOON_MS);
  const before = runs.map(({ relay }) => relay.crossings.length);
  await sleep(SILENCE_MS);
  const ended = runs.map((run) => run.ended);
  await hub.publish('silent', nth(0));
  await heardBy(runs, nth(0));
  return runs.map((run, n) => ({ ended: ended[n], again: run.relay.crossings.length > before[n] }));
}

/**
 * The hub goes and comes back to its port, with one event between that no client could hear. Of each client two run: one
 * has heard an event before, the other nothing. `signal` is how the hub goes.
 */
export async function observeReturn(scene, clients, { signal }) {
  const flags = ['--drain-window', '0s', '--heartbeat', '1s', '--retry', RETRY[signal], '--segment-bytes', '1MiB'];
  const hub = await startHub(scene, ...flags);
  const topics = ['heard', 'unheard'];
  const start = (topic) => clients.map((client) => startClient(scene, client, `${hub.url}/events/${topic}`));
  const heard = start('heard');
  await attended(hub, heard);
  await hub.publish('heard', nth(1));
  await heardBy(heard, nth(1));
  // These begin after that event, so that their place is no news to them.
  const unheard = start('unheard');
  const runs = [...heard, ...unheard];
  await attended(hub, runs);
  // By then the openings have arrived, too.
  await heartbeats(await openWire(scene, hub.port, '/events/unheard'), 3);

  const away = sleep(DOWN_MS[signal]);
  await (signal === 'SIGKILL' ? hub.kill() : hub.stop());
  const hidden = await restartHub(scene, hub.directory, ...flags);
  for (const topic of topics) await hidden.publish(topic, nth(2));
  await hidden.stop();
  await away;
  const back = await restartHub(scene, hub.directory, '--listen', `127.0.0.1:${hub.port}`, ...flags);
  await ticks(back, topics, runs, RETURN_MS);

  const facts = (run) => ({
    ended: run.ended,
    back: run.handed.some(isTick),
    missed: !run.has(nth(2)),
    twice: [1, 2].some((n) => run.handed.filter(({ data }) => data === nth(n)).length > 1),
    errors: run.errors,
  });
  return clients.map((_, n) => ({ heard: facts(heard[n]), unheard: facts(unheard[n]) }));
}

const isTick = ({ data }) => data.startsWith('{"tick"');

/** Publishes again and again until every client has heard one of these events or has ended, or the time is up. */
async function ticks(hub, topics, runs, deadlineMs) {
  const end = performance.now() + deadlineMs;
  for (let tick = 1; performance.now() < end; tick++) {
    for (const topic of topics) await hub.publish(topic, JSON.stringify({ tick }));
    if (runs.every((run) => run.ended || run.handed.some(isTick))) return;
    await sleep(500);
  }
}

/** Waits until the hub has all clients that have not ended as subscribers. */
async function attended(hub, runs) {
  await until('all clients subscribe', async () => {
    const metrics = await (await fetch(`${hub.url}/metrics`)).text();
    const now = Number(/^tidings_subscriptions (\d+)$/m.exec(metrics)[1]);
    return now >= runs.filter(({ ended }) => !ended).length;
  }, SOON_MS);
}

async function heardBy(runs, data) {
  await all(`has heard ${data}`, runs, (run) => run.ended || run.has(data));
}

/** Waits until something is true of every client. */
async function all(what, runs, is) {
  const missing = () => runs.filter((run) => !is(run));
  await until(`every client ${what}`, () => missing().length === 0, SOON_MS).catch((error) => {
    const names = missing().map(({ client, errors, talk }) => `${client.name} ${errors.join(', ')} ${talk}`);
    throw new Error(`${error.message}: not ${names.join('; ')}`, { cause: error });
  });
}

/** Waits until so many heartbeats have come; one of them may have been on its way. */
async function heartbeats(witness, count) {
  const sofar = () => witness.body.split('\n').filter((line) => line.startsWith(':')).length;
  const before = sofar();
  await until(`${count} heartbeats`, () => sofar() >= before + count);
}

/** What a client was handed between two data. */
function between(run, first, last) {
  const datas = run.handed.map(({ data }) => data);
  const from = first === undefined ? 0 : datas.indexOf(first) + 1;
  const to = datas.indexOf(last);
  return run.handed.slice(from, to === -1 ? undefined : to);
}
