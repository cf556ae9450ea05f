// Each life of the hub's log is an epoch: ids of events that are published after a restart begin with another word. A page
// that watches hears each event once, in order and under the id that the publisher was answered, and no gap. If an older
// copy of the data directory is put back, it hears one gap, and none of the new events is skipped.

import assert from 'node:assert/strict';

import { startChromium } from './chromium.js';
import { openListener } from './listener.js';
import { RESTARTS, startLives } from './lives.js';
import { startPageServer } from './page-server.js';
import { scene } from './scene.js';

const on = ['tidings.gap'];
/** A native EventSource for one topic, and another for a pattern: where, and which events it must hear. */
const READERS = [
  { path: 'events/orders/1?', hears: ({ topic }) => topic === 'orders/1' },
  { path: 'events?topic=orders/*&', hears: () => true },
];

const message = ({ data, id }) => ({ by: 'onmessage', type: 'message', data, lastEventId: id });
/** The first word of the ids that the hub gave. */
const epochsOf = (events) => events.filter(({ id }) => !/^order[:-]/.test(id)).map(({ id }) => id.split('-')[0]);

/** A hub of several lives, and a page for each kind of reader, which has seen the first life. */
async function watchedLives(scene) {
  const pages = await startPageServer(scene);
  const lives = await startLives(scene, '--cors-origin', pages.origin);
  const browser = await startChromium(scene);
  const open = ({ path }, query = '') => openListener(scene, browser, pages.origin, `${lives.url}/${path}${query}`, { on });
  const listeners = await Promise.all(READERS.map((reader) => open(reader)));
  await lives.attended(READERS.length);
  return { lives, listeners, open };
}

/** What each page must hear of a list of events. */
const heardOf = (events) => READERS.map(({ hears }) => events.filter(hears).map(message));

/** Each page has heard what it must, and nothing else. */
async function assertHeard(listeners, lists) {
  for (const [n, list] of lists.entries()) assert.deepEqual(await listeners[n].heard(list.length), list);
}

/** Each page has heard one list, one gap, and another list; and no id stands for two events, whichever page heard them. */
async function assertOneGap(listeners, before, gaps, after) {
  const named = new Map();
  for (const [n, { reason, resumes_after }] of gaps.entries()) {
    const heard = await listeners[n].heard(before[n].length + 1 + after[n].length);
    const [gap, ...others] = heard.filter(({ type }) => type === 'tidings.gap');
    assert.deepEqual(heard, [...before[n], gap, ...after[n]]);
    assert.deepEqual(others, []);
    const requested = before[n].at(-1).lastEventId;
    assert.deepEqual(JSON.parse(gap.data), { requested, reason, resumes_after: gap.lastEventId });
    assert.ok(resumes_after.includes(gap.lastEventId), `${gap.lastEventId} is not one of ${resumes_after}`);
    for (const { lastEventId, data } of [...before[n], ...after[n]]) {
      assert.equal(named.get(lastEventId) ?? data, data, `${lastEventId} names two events`);
      named.set(lastEventId, data);
    }
  }
}

scene('five restarts: pages hear each event once, in order and under its own id, and no gap', async (scene) => {
  const { lives, listeners } = await watchedLives(scene);
  await lives.publish(5);

  for (const { ends, away, live } of RESTARTS) {
    await lives.end(ends);
    await lives.begin({ away });
    await lives.attended(READERS.length);
    await lives.publish(live);
  }

  await assertHeard(listeners, heardOf(lives.published));
  assert.deepEqual(await lives.history(), lives.published);
  const writing = 1 + RESTARTS.filter(({ away, live }) => away + live > 0).length;
  assert.equal(new Set(epochsOf(lives.published)).size, writing, 'each life that was written in is an epoch');
});

scene('a page that was away for three lives comes back by ?last_event_id= of an earlier epoch and misses nothing', async (scene) => {
  const { lives, listeners, open } = await watchedLives(scene);
  await lives.publish(9);
  const seen = heardOf(lives.published);
  await assertHeard(listeners, seen);
  for (const { page } of listeners) await page.close();

  for (const ends of ['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL']) {
    await lives.end(ends);
    await lives.begin({ away: 3 });
  }
  const place = (n) => new URLSearchParams({ last_event_id: seen[n].at(-1).lastEventId });
  const back = await Promise.all(READERS.map((reader, n) => open(reader, place(n))));
  await lives.attended(READERS.length);
  await lives.publish(2);

  await assertHeard(back, heardOf(lives.published.slice(9)));
});

/** The log goes on beyond the places that the pages have, while they are away or when they are back. */
const RETURNS = { 'after the new events': { away: 9, live: 0 }, 'before the new events': { away: 0, live: 9 } };

for (const [returns, { away, live }] of Object.entries(RETURNS)) {
  scene(`an older copy is put back, pages return ${returns}: they hear one gap, and all that is held`, async (scene) => {
    const { lives, listeners } = await watchedLives(scene);
    await lives.publish(4);
    await lives.end('SIGTERM');
    await lives.copy();
    for (const [ends, count] of [['SIGKILL', 2], ['SIGTERM', 3]]) {
      await lives.begin();
      await lives.attended(READERS.length);
      await lives.publish(count);
      await assertHeard(listeners, heardOf(lives.published));
      await lives.end(ends);
    }
    const had = heardOf(lives.published);

    const lost = await lives.putBack();
    assert.ok(lost.length < away + live);
    await lives.begin({ away });
    await lives.attended(READERS.length);
    await lives.publish(live);
    // Once told, they are readers like all others.
    await lives.end('SIGKILL');
    await lives.begin();
    await lives.attended(READERS.length);
    await lives.publish(3);

    // The log never saw the epoch of their places, and cannot know where it left the line: it leaves out nothing.
    const floor = `${epochsOf(lives.published)[0]}-0`;
    const gaps = ['unknown', 'other-epoch'].map((reason) => ({ reason, resumes_after: [floor] }));
    await assertOneGap(listeners, had, gaps, heardOf(lives.published));
    assert.deepEqual(await lives.history(), lives.published);
  });

  scene(`a copy of a running hub is put back, pages return ${returns}: the gap is where the copy ended`, async (scene) => {
    const { lives, listeners } = await watchedLives(scene);
    await lives.publish(2);
    await lives.end('SIGTERM');
    await lives.begin();
    await lives.attended(READERS.length);
    await lives.publish(5);
    await lives.copy();
    await lives.publish(3);
    const had = heardOf(lives.published);
    await assertHeard(listeners, had);
    await lives.end('SIGKILL');

    const lost = await lives.putBack();
    const kept = lives.published.length;
    assert.ok(lost.length < away + live);
    await lives.begin({ away });
    await lives.attended(READERS.length);
    await lives.publish(live);

    // The end of one epoch and the beginning of the next are one place.
    const fresh = lives.published.slice(kept);
    const ends = [lost, fresh].map((events) => `${epochsOf(events)[0]}-${kept}`);
    const gaps = READERS.map(() => ({ reason: 'other-epoch', resumes_after: ends }));
    await assertOneGap(listeners, had, gaps, heardOf(fresh));
  });
}
