// What a page hears of what a feed tells.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { Failure } from "../dist/failure.js";
import { Place } from "../dist/place.js";
import { Subscription } from "../dist/subscription.js";

test("events come by their types, with topic, time, id and origin", () => {
  const { feed, subscription } = subscribed();
  const heard = [];
  subscription.addEventListener("order", (event) => heard.push(event));
  feed.open("https://hub.example");

  feed.event(event("order", '{"n":1}', "7"));

  const [order] = heard;
  assert.equal(order.type, "order");
  assert.deepEqual(order.json(), { n: 1 });
  assert.deepEqual([order.topic, order.time, order.lastEventId, order.origin], ["a/b", "2026-11-27T09:00:00.000Z", "7", "https://hub.example"]);
});

test("a publisher cannot make a gap, an error or an opening", async () => {
  const { feed, subscription } = subscribed();
  const heard = [];
  for (const type of ["open", "gap", "error", "transport", "statechange"]) subscription.addEventListener(type, (event) => heard.push(event));
  const iterated = taken(subscription, 5);

  for (const type of ["open", "gap", "error", "transport", "statechange"]) feed.event(event(type, "x"));

  assert.deepEqual(heard, []);
  assert.deepEqual((await iterated).map(({ type }) => type), ["open", "gap", "error", "transport", "statechange"], "an iteration has them");
});

test("an EventSource hears what publishers call error, as the standard has it", () => {
  const { feed, subscription } = subscribed({ isStandard: true });
  const heard = [];
  subscription.addEventListener("error", (event) => heard.push(event.data));

  feed.event(event("error", "x"));
  feed.ended(undefined, true, 10);

  assert.deepEqual(heard, ["x", undefined]);
});

test("an iteration has all events and gaps and none of the hub's own, and ends with the subscription", async () => {
  const { feed, subscription } = subscribed();
  const all = taken(subscription, 9);

  feed.event(event("tidings.open", "{}"));
  feed.event(event("message", "1"));
  feed.event(event("tidings.gap", '{"requested":"1","reason":"expired","resumes_after":"5"}'));
  feed.event(event("tidings.presence.join", "{}"));
  feed.event(event("tidings.cursor", "{}"));
  feed.event(event("order", "2"));
  subscription.close();

  assert.deepEqual((await all).map(({ type }) => type), ["message", "gap", "tidings.presence.join", "order"]);
});

test("to leave an iteration closes the subscription", async () => {
  const { feed, subscription } = subscribed();
  const one = taken(subscription, 1);

  feed.event(event("message", "1"));
  await one;

  assert.equal(subscription.state, "closed");
  assert.equal(feed.isClosed, true);
});

test("an iteration is where it has taken the events, and moves on with the stream when it waits", async () => {
  const { feed, subscription } = subscribed();
  const iteration = subscription[Symbol.asyncIterator]();
  const first = iteration.next();
  for (const id of ["1", "2", "3"]) {
    feed.id(id);
    feed.event(event("message", id, id));
  }
  assert.equal((await first).value.data, "1");
  assert.equal(subscription.lastEventId, "1");
  await iteration.next();
  await iteration.next();
  const waits = iteration.next();
  await turn();
  feed.id("9");
  await turn();
  assert.equal(subscription.lastEventId, "9", "a place without an event");

  await Promise.all([iteration.return(), feed.event(event("message", "x", "10")), waits]);
});

test("an iteration that is left leaves the rest to another subscription", async () => {
  const { feed, subscription } = subscribed();
  const two = taken(subscription, 2);
  for (const id of ["1", "2", "3"]) {
    feed.id(id);
    feed.event(event("message", id, id));
  }
  await two;

  assert.equal(subscription.lastEventId, "2");
});

test("an iteration hears why the hub refuses, after what came before", async () => {
  const { feed, subscription } = subscribed();
  const heard = [];
  const iterating = (async () => {
    for await (const { data } of subscription) heard.push(data);
  })();

  feed.event(event("message", "1"));
  feed.ended(new Failure("403 Forbidden", 403), false, 0);

  await assert.rejects(iterating, { name: "Failure", status: 403 });
  assert.deepEqual(heard, ["1"]);
});

test("an error says its status, its problem, and whether the client comes back", () => {
  const { feed, subscription } = subscribed();
  const heard = [];
  subscription.addEventListener("error", ({ status, problem, willRetry, retryInMs, message }) => {
    heard.push({ status, problem, willRetry, retryInMs, message, state: subscription.state });
  });
  const problem = { title: "Unauthorized", status: 401 };

  feed.state("waiting");
  feed.ended(new Failure("no network"), true, 4_000);
  feed.ended(new Failure("401 Unauthorized", 401, problem), false, 0);

  assert.deepEqual(heard, [
    { status: 0, problem: undefined, willRetry: true, retryInMs: 4_000, message: "no network", state: "waiting" },
    { status: 401, problem, willRetry: false, retryInMs: 0, message: "401 Unauthorized", state: "waiting" },
  ]);
  assert.equal(subscription.state, "closed");
});

test("each change of the state is told once, and when the client asks again", () => {
  const { feed, subscription } = subscribed();
  const heard = [];
  subscription.addEventListener("statechange", ({ state, retryInMs }) => heard.push([state, retryInMs, subscription.state === state]));

  for (const told of [["connecting"], ["open"], ["waiting", 3_000], ["connecting"], ["connecting"], ["waiting", Infinity]]) feed.state(...told);
  subscription.close();

  assert.deepEqual(heard, [["open", 0, true], ["waiting", 3_000, true], ["connecting", 0, true], ["waiting", Infinity, true], ["closed", 0, true]]);
});

test("a regular end is no error of a subscription", () => {
  const { feed, subscription } = subscribed();
  subscription.addEventListener("error", () => assert.fail());

  feed.ended(undefined, true, 3_000);
});

test("a gap tells what is gone, and events wait until the page has its state", async () => {
  const steps = [];
  let load;
  const refetch = ({ requested, reason, resumesAfter }) => {
    steps.push(`refetch ${requested} ${reason} ${resumesAfter}`);
    return new Promise((resolve) => (load = resolve));
  };
  const { feed, subscription } = subscribed({ refetch });
  subscription.addEventListener("gap", ({ reason }) => steps.push(`gap ${reason}`));
  subscription.addEventListener("message", ({ data }) => steps.push(data));

  feed.event(event("tidings.gap", '{"requested":"1","reason":"expired","resumes_after":"5"}', "5"));
  feed.event(event("message", "6", "6"));
  feed.id("6");
  assert.deepEqual(steps, ["gap expired", "refetch 1 expired 5"]);
  assert.equal(subscription.lastEventId, "", "what waits does not count as heard");
  load();
  await turn();

  assert.deepEqual(steps, ["gap expired", "refetch 1 expired 5", "6"]);
  assert.equal(subscription.lastEventId, "6");
});

test("a second gap while events wait is refetched in its turn", async () => {
  const steps = [];
  const { feed, subscription } = subscribed({ refetch: async ({ reason }) => steps.push(`refetch ${reason}`) });
  subscription.addEventListener("message", ({ data }) => steps.push(data));

  feed.event(event("tidings.gap", '{"reason":"expired"}'));
  feed.event(event("message", "1"));
  feed.event(event("tidings.gap", '{"reason":"unknown"}'));
  feed.event(event("message", "2"));
  await turn();

  assert.deepEqual(steps, ["refetch expired", "1", "refetch unknown", "2"]);
});

for (const [what, refetch] of [
  ["throws", "() => { throw new Error('no state'); }"],
  ["rejects", "() => Promise.reject(new Error('no state'))"],
]) {
  test(`a refetch that ${what} is told to the page, and events go on`, () => {
    // In a process of its own: the runner takes every rejection that nobody handles for a failure of its test.
    const program = `
      const { Place } = await import("./dist/place.js");
      const { Subscription } = await import("./dist/subscription.js");
      process.on("unhandledRejection", ({ message }) => console.log(message));
      let feed;
      const feedOf = (listener) => ((feed = listener), { start() {}, close() {} });
      const subscription = new Subscription({ feedOf, place: new Place(""), refetch: ${refetch} });
      subscription.addEventListener("message", ({ data }) => console.log(data));
      feed.event({ type: "tidings.gap", data: "{}", id: "", topic: "", time: "" });
      feed.event({ type: "message", data: "goes on", id: "", topic: "", time: "" });`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: new URL("..", import.meta.url), encoding: "utf8" });

    assert.deepEqual(stdout.trim().split("\n").sort(), ["goes on", "no state"]);
  });
}

for (const data of ["", "null", "[]", "{", "7"]) {
  test(`a gap whose data is ${JSON.stringify(data)} is a gap`, () => {
    const { feed, subscription } = subscribed();
    const heard = [];
    subscription.addEventListener("gap", (gap) => heard.push(gap.reason));

    feed.event(event("tidings.gap", data));

    assert.deepEqual(heard, [undefined]);
  });
}

test("who iterates slowly is read for no faster", async () => {
  const { feed, subscription } = subscribed();
  const iteration = subscription[Symbol.asyncIterator]();
  const first = iteration.next();
  for (let number = 0; number < 1_000; number += 1) feed.event(event("message", `${number}`));
  await first;
  assert.equal(feed.room(), undefined, "one of a thousand is taken");
  feed.event(event("message", "more"));

  const room = feed.room();
  assert.ok(room instanceof Promise);
  await iteration.next();
  await room;
});

test("after its end nothing is heard, and a signal ends it like close", () => {
  const abort = new AbortController();
  const { feed, subscription } = subscribed({ signal: abort.signal });
  subscription.addEventListener("message", () => assert.fail());

  abort.abort();
  feed.event(event("message", "1"));

  assert.equal(subscription.state, "closed");
  assert.equal(feed.isClosed, true);
});

test("a signal that is aborted already lets nothing begin", () => {
  const { feed, subscription } = subscribed({ signal: AbortSignal.abort() });

  assert.equal(feed.isStarted, false);
  assert.equal(subscription.state, "closed");
});

test("a subscription says where it is, over which transport", () => {
  const { feed, subscription } = subscribed({ place: new Place("", "41") });
  const heard = [];
  subscription.addEventListener("transport", ({ transport }) => heard.push(transport));
  assert.deepEqual([subscription.state, subscription.transport, subscription.lastEventId], ["connecting", "sse", "41"]);

  feed.transport("long-poll");
  feed.state("open");
  feed.id("42");

  assert.deepEqual([subscription.state, subscription.transport, subscription.lastEventId], ["open", "long-poll", "42"]);
  assert.deepEqual(heard, ["long-poll"]);
});

/** A subscription whose feed is the test. */
function subscribed(setup = {}) {
  const feed = { isStarted: false, isClosed: false };
  const feedOf = (listener) => {
    Object.assign(feed, listener);
    return { start: () => (feed.isStarted = true), close: () => (feed.isClosed = true) };
  };
  return { feed, subscription: new Subscription({ feedOf, place: new Place(""), ...setup }) };
}

function event(type, data, id = "") {
  return { type, data, id, topic: "a/b", time: "2026-11-27T09:00:00.000Z" };
}

async function taken(subscription, count) {
  const events = [];
  for await (const event of subscription) if (events.push(event) === count) break;
  return events;
}

function turn() {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
