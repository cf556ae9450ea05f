// What a hub holds, page by page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { history, publish, publishAll, subscribe, TidingsEvent } from "../dist/index.js";
import { closedHubOf, hubOf, KEY, proxyOf } from "./support/hub.js";

/** A hub with the events 1 to `count` of `orders/1`, each of them JSON. */
async function filled(t, count, ...flags) {
  const hub = await hubOf(t, "--memory", ...flags);
  const events = Array.from({ length: count }, (_, n) => ({ topic: "orders/1", data: { n: n + 1 }, type: "status" }));
  if (count > 0) await publishAll(`${hub.url}/events`, events);
  return Object.assign(hub, { events: `${hub.url}/events/orders/1` });
}

const numbers = (events) => events.map((event) => event.json().n);

async function all(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

test("pages come to the head of the log, each when it is wanted", async (t) => {
  const hub = await filled(t, 5);
  const proxy = await proxyOf(t, hub);
  const past = history(`${proxy.url}/events/orders/1`, { limit: 2 });

  const pages = past[Symbol.asyncIterator]();
  assert.equal(proxy.requests.length, 0);
  const { value: first } = await pages.next();
  assert.equal(proxy.requests.length, 1);
  const rest = await all(pages);

  assert.deepEqual([first, ...rest].map(({ events, more }) => [numbers(events), more]), [[[1, 2], true], [[3, 4], true], [[5], false]]);
  assert.equal(past.lastEventId, rest[1].cursor);
  assert.equal(proxy.requests.length, 3);
  const [event] = first.events;
  assert.ok(event instanceof TidingsEvent);
  assert.deepEqual([event.type, event.topic, event.data, event.origin], ["status", "orders/1", '{"n":1}', new URL(proxy.url).origin]);
  assert.match(event.time, /^2\d{3}-.*Z$/);
  assert.deepEqual([first.gap, first.partial, past.gap], [undefined, false, undefined]);
});

test("it begins where the options say", async (t) => {
  const hub = await filled(t, 5);
  const [{ events }] = await all(history(hub.events));
  const read = async (options) => numbers(await all(history(hub.events, options).events()));

  assert.deepEqual(await read({ last: 2 }), [4, 5]);
  assert.deepEqual(await read({ last: 3, limit: 1 }), [3, 4, 5]);
  assert.deepEqual(await read({ after: events[1].lastEventId }), [3, 4, 5]);
  assert.deepEqual(await read({ since: "earliest" }), [1, 2, 3, 4, 5]);
  assert.deepEqual(await read({ since: new Date(Date.now() - 60_000) }), [1, 2, 3, 4, 5]);
  assert.deepEqual(await read({ since: "now" }), []);
});

test("several topics, a URL that is made for each page, and an empty log", async (t) => {
  const hub = await filled(t, 0);
  let asked = 0;
  const url = () => `${hub.url}/events?last=2&_=${(asked += 1)}`;
  const [page] = await all(history(url, { topics: ["a", "b/*"] }));
  assert.deepEqual([page.events, page.more], [[], false]);

  for (const topic of ["a", "b/1", "c", "b/2"]) await publish(`${hub.url}/events`, topic, { topic });

  const topics = await all(history(url, { topics: ["a", "b/*"], limit: 1 }).events());
  assert.deepEqual(topics.map(({ topic }) => topic), ["b/1", "b/2"]);
  assert.ok(asked >= 3);
});

test("events that are left in the middle of a page are gone on with", async (t) => {
  const hub = await filled(t, 5);
  const past = history(hub.events, { limit: 3 });

  for await (const event of past.events()) if (event.json().n === 2) break;
  const rest = await all(past.events());
  await publish(hub.events, { n: 6 });

  assert.deepEqual(numbers(rest), [3, 4, 5]);
  assert.deepEqual(numbers(await all(past.events())), [6]);
  assert.deepEqual(await all(past.events()), []);
});

test("a gap is told", async (t) => {
  const hub = await filled(t, 1);
  const past = history(hub.events, { after: "nobody" });

  const [{ gap, events }] = await all(past);

  assert.deepEqual({ ...gap, resumesAfter: "" }, { requested: "nobody", reason: "unknown", resumesAfter: "" });
  assert.deepEqual(past.gap, gap);
  assert.deepEqual(numbers(events), [1]);
});

test("a subscription that begins behind it misses nothing, and hears nothing twice", async (t) => {
  const hub = await filled(t, 3);
  const past = history(hub.events, { last: 2 });
  const seen = numbers(await all(past.events()));
  await publish(hub.events, { n: 4 });

  const source = subscribe(hub.events, { lastEventId: past.lastEventId, share: false });
  const iterator = source[Symbol.asyncIterator]();
  seen.push((await iterator.next()).value.json().n);
  await publish(hub.events, { n: 5 });
  seen.push((await iterator.next()).value.json().n);
  source.close();

  assert.deepEqual(seen, [2, 3, 4, 5]);
});

test("a lost page is asked for again, and a refusal is thrown", async (t) => {
  const hub = await closedHubOf(t, "--memory");
  const proxy = await proxyOf(t, hub, { loses: (number) => number === 1 });
  await publishAll(`${proxy.url}/events`, [1, 2].map((n) => ({ topic: "a", data: { n } })), { token: KEY });

  assert.deepEqual(numbers(await all(history(`${proxy.url}/events/a`, { token: () => KEY }).events())), [1, 2]);
  assert.equal(proxy.requests.length, 3);
  await assert.rejects(all(history(`${proxy.url}/events/a`)), { status: 401 });
  await assert.rejects(all(history(`${hub.url}/events/a`, { token: KEY, limit: 0 })), { status: 400 });
  const abort = AbortSignal.abort(new Error("left"));
  await assert.rejects(all(history(`${hub.url}/events/a`, { token: KEY, signal: abort })), /left/);
});
