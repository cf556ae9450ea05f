// The loop of a subscription, on a clock of the test: what is asked, when, and what is given up.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Failure } from "../dist/failure.js";
import { sourceOf } from "../dist/source.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_800_000_000_000 }));
afterEach(() => mock.timers.reset());

/** How far the clock goes at once. */
const STEP_MS = 100;
/** What a page that wakes up has for reading what came meanwhile. */
const READ_MS = 200;

test("it asks again at the place where it was, after what the hub said", async () => {
  const { attempts, tick, told } = await started();
  attempts[0].hear.open("https://hub.example");
  attempts[0].hear.retry(4_000);
  attempts[0].hear.id("7");
  attempts[0].hear.bytes();
  attempts[0].end();
  await tick(3_999);
  assert.equal(attempts.length, 1);

  await tick(1);

  assert.equal(attempts.length, 2);
  assert.equal(attempts[1].id, "7");
  assert.deepEqual(told, ["connecting", "transport sse", "open", "waiting", "ended undefined true 4000", "connecting"]);
});

test("a failure that does not pass closes it", async () => {
  const { attempts, told, tick } = await started();

  attempts[0].fail(new Failure("403 Forbidden", 403));
  await tick(600_000);

  assert.equal(attempts.length, 1);
  assert.deepEqual(told.slice(2), ["closed", "ended 403 false 0"]);
});

test("the hub is not asked before the time that it has named, not even by a wake", async () => {
  const { attempts, source, tick } = await started();
  attempts[0].fail(new Failure("busy", 503, undefined, 20_000));
  await tick(10_000);

  source.wake();
  await tick(9_999);
  assert.equal(attempts.length, 1);
  await tick(1);
  assert.equal(attempts.length, 2);
});

test("a wake ends a wait after a network that failed", async () => {
  const { attempts, source, tick } = await started();
  attempts[0].fail(new TypeError("fetch failed"));
  await tick(100);
  assert.equal(attempts.length, 1);

  source.wake();
  await tick(0);

  assert.equal(attempts.length, 2);
});

test("waits grow with failures, and begin anew after a connection that held", async () => {
  const { attempts, tick, told } = await started({}, 1);
  const waits = () => told.filter((line) => line.startsWith("ended")).map((line) => Number(line.split(" ").at(-1)));
  for (let number = 0; number < 3; number += 1) {
    attempts.at(-1).fail(new TypeError("fetch failed"));
    await tick(0);
    await tick(waits().at(-1));
  }
  attempts.at(-1).hear.bytes();
  await tick(5_000);
  attempts.at(-1).fail(new TypeError("network error"));
  await tick(0);

  assert.deepEqual(waits(), [6_000, 12_000, 24_000, 6_000]);
});

test("a connection that opens and fails at once again and again is asked for less and less often", async () => {
  const { attempts, tick, told } = await started({}, 1);
  for (let number = 0; number < 4; number += 1) {
    attempts.at(-1).hear.open("https://hub.example");
    attempts.at(-1).hear.bytes();
    attempts.at(-1).fail(new TypeError("network error"));
    await tick(0);
    await tick(Number(told.at(-1).split(" ").at(-1)));
  }

  assert.deepEqual(told.filter((line) => line.startsWith("ended")).map((line) => Number(line.split(" ").at(-1))), [6_000, 12_000, 24_000, 30_000]);
});

test("a connection that has brought something new is a good one, however soon it is cut", async () => {
  const { attempts, tick, told } = await started({}, 1);
  for (let number = 0; number < 4; number += 1) {
    attempts.at(-1).hear.bytes();
    attempts.at(-1).hear.id(`${number}`);
    attempts.at(-1).fail(new TypeError("network error"));
    await tick(0);
    await tick(Number(told.at(-1).split(" ").at(-1)));
  }

  const waits = told.filter((line) => line.startsWith("ended")).map((line) => Number(line.split(" ").at(-1)));
  assert.deepEqual(waits, [6_000, 6_000, 6_000, 6_000]);
});

test("a hub that tells the same place each time and fails is asked for less and less often", async () => {
  const { attempts, tick, told } = await started({}, 1);
  for (let number = 0; number < 3; number += 1) {
    attempts.at(-1).hear.bytes();
    attempts.at(-1).hear.id("7");
    attempts.at(-1).fail(new TypeError("network error"));
    await tick(0);
    await tick(Number(told.at(-1).split(" ").at(-1)));
  }

  const waits = told.filter((line) => line.startsWith("ended")).map((line) => Number(line.split(" ").at(-1)));
  assert.deepEqual(waits, [6_000, 12_000, 24_000]);
});

test("a stream that misses its heartbeats is given up, however often it is looked at", async () => {
  const { attempts, tick } = await started();
  const [{ hear, signal }] = attempts;
  hear.heartbeat(10_000);
  hear.bytes();
  await tick(24_999);
  assert.equal(signal.aborted, false);
  hear.bytes();
  await tick(24_999);
  assert.equal(signal.aborted, false);

  await tick(1);

  assert.equal(signal.aborted, true);
});

test("where the hub says nothing of heartbeats, fifteen seconds are taken for one", async () => {
  const { attempts, tick } = await started();
  attempts[0].hear.bytes();
  await tick(37_499);
  assert.equal(attempts[0].signal.aborted, false);

  await tick(1);

  assert.equal(attempts[0].signal.aborted, true);
});

test("at a wake a connection that has missed a heartbeat is given up at once, and a live one is left alone", async () => {
  const { attempts, source, tick } = await started();
  attempts[0].hear.heartbeat(10_000);
  attempts[0].hear.bytes();
  await tick(11_000);
  source.wake();
  await tick(0);
  assert.equal(attempts[0].signal.aborted, false, "a heartbeat may be late");
  attempts[0].hear.bytes();
  await tick(12_000);

  source.wake();
  await tick(READ_MS);

  assert.equal(attempts[0].signal.aborted, true);
});

test("a page that stood still for longer than a stream may be silent reads first, and keeps its stream", async () => {
  const { attempts, source, tick } = await started();
  attempts[0].hear.heartbeat(1_000);
  attempts[0].hear.bytes();
  for (const wake of [() => {}, () => source.wake()]) {
    // All that is due after a long task is called at once, and what was read meanwhile comes behind it.
    mock.timers.setTime(Date.now() + 60_000);
    wake();
    await tick(READ_MS - 1);
    attempts[0].hear.bytes();
    await tick(2_499);
    assert.equal(attempts[0].signal.aborted, false);
    attempts[0].hear.bytes();
  }
  await tick(2_500);

  assert.equal(attempts[0].signal.aborted, true);
});

test("a stream that brings nothing for four seconds makes way for another transport, at once and without an error", async () => {
  const { attempts, tick, told } = await started({ others: ["post", "long-poll"] });
  await tick(3_999);
  assert.equal(attempts.length, 1);

  await tick(1);

  assert.deepEqual(attempts.map(({ transport }) => transport), ["sse", "post"]);
  assert.deepEqual(told, ["connecting", "transport sse", "connecting", "transport post"]);
  await tick(2_499);
  assert.equal(attempts.length, 2);
  await tick(1);
  assert.deepEqual(attempts.map(({ transport }) => transport), ["sse", "post", "long-poll"]);
  await tick(30_000);
  assert.equal(attempts.length, 3, "a poll waits");
});

test("without another transport a stream has the time of its heartbeats", async () => {
  const { attempts, tick } = await started();
  await tick(37_000);

  assert.equal(attempts.length, 1);
});

test("others that cannot be loaded leave the transport as it is", async () => {
  const { attempts, tick } = await started({ others: ["post"], load: () => Promise.reject(new TypeError("offline")) });

  await tick(4_000);
  await tick(3_000);

  assert.deepEqual(attempts.map(({ transport }) => transport), ["sse", "sse"]);
});

test("access is renewed before it ends, without a word", async () => {
  const { attempts, tick, told } = await started({ until: Date.now() + 60_000 });
  attempts[0].hear.open("https://hub.example");
  await beating(attempts[0], tick, 49_999);
  assert.equal(attempts.length, 1);

  await tick(1);

  assert.equal(attempts.length, 2);
  assert.deepEqual(told.slice(3), ["connecting"]);
});

test("access that ends soon, or has ended by the clock of this machine, is not renewed in a loop", async () => {
  for (const until of [Date.now() + 9_000, Date.now() - 1_000]) {
    const { attempts, tick } = await started({ until });
    await beating(attempts[0], tick, 60_000);

    assert.equal(attempts.length, 1);
  }
});

test("a page that has no room is not taken for a dead connection", async () => {
  let makeRoom;
  const { attempts, tick } = await started({ room: () => new Promise((resolve) => (makeRoom = resolve)) });
  attempts[0].hear.bytes();
  void attempts[0].hear.room();
  await tick(600_000);
  assert.equal(attempts[0].signal.aborted, false);

  makeRoom();
  await tick(37_499);
  assert.equal(attempts[0].signal.aborted, false);
  await tick(1);
  assert.equal(attempts[0].signal.aborted, true);
});

test("a restart asks anew at the same place, at once", async () => {
  const { attempts, source, tick, told } = await started();
  attempts[0].hear.id("9");

  source.restart();
  await tick(0);

  assert.deepEqual([attempts[0].signal.aborted, attempts.length, attempts[1].id], [true, 2, "9"]);
  assert.ok(!told.some((line) => line.startsWith("ended")));
});

for (const [when, before] of [
  ["while it is connected", async ({ attempts }) => attempts[0].hear.open("https://hub.example")],
  ["while it waits", async ({ attempts, tick }) => (attempts[0].fail(new TypeError("fetch failed")), tick(0))],
  ["while the hub wants to be left alone", async ({ attempts, tick }) => (attempts[0].fail(new Failure("", 503, undefined, 60_000)), tick(0))],
]) {
  test(`nothing is asked after its end, ${when}`, async () => {
    const play = await started();
    await before(play);

    play.source.close();
    await play.tick(600_000);

    assert.equal(play.attempts.length, 1);
    assert.equal(play.attempts[0].signal.aborted, true);
    assert.equal(play.told.at(-1), "closed");
  });
}

test("polls that follow each other are one stream for the page", async () => {
  const { attempts, tick, told } = await started({ transport: "long-poll" });
  for (let number = 0; number < 3; number += 1) {
    attempts[number].hear.open("https://hub.example");
    attempts[number].hear.bytes();
    attempts[number].hear.retry(250);
    attempts[number].end();
    await tick(250);
  }
  attempts[3].fail(new TypeError("fetch failed"));
  await tick(500);
  attempts[4].hear.open("https://hub.example");
  await tick(0);

  const ended = "ended undefined true 250";
  assert.deepEqual(told, ["connecting", "transport long-poll", "open", ended, ended, ended, "waiting", "ended 0 true 250", "connecting", "open"]);
});

/** Starts a source whose answers are the test's. */
async function started({ transport = "sse", others = [], load, until, room = () => undefined } = {}, random = 0) {
  mock.method(Math, "random", () => random);
  const attempts = [];
  const told = [];
  const carry = (ask, hear, signal) =>
    new Promise((resolve, reject) => {
      attempts.push({ ...ask.told, hear, signal, end: resolve, fail: reject });
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const transports = [transport, ...others];
  let at = 0;
  const ladder = {
    next: () => transports[at],
    get hasNext() {
      return at < transports.length - 1;
    },
    works() {},
    stepsDown({ isSilent, wasHeard }) {
      if (!isSilent || wasHeard || !this.hasNext) return false;
      at += 1;
      return true;
    },
  };
  const plan = {
    transport,
    loadLadder: others.length ? (load ?? (async () => ladder)) : undefined,
    ask: async (transport, id) => ({ told: { transport, id }, carry, until: Promise.resolve(until) }),
    isPassing: (failure) => failure.isPassing,
  };
  const source = sourceOf(plan, {
    state: (state) => told.push(state),
    transport: (transport) => told.push(`transport ${transport}`),
    open: () => {},
    event: () => {},
    id: () => {},
    ended: (failure, willRetry, afterMs) => told.push(`ended ${failure?.status} ${willRetry} ${afterMs}`),
    room,
  });
  const tick = async (ms) => {
    await settled();
    // In steps, because the clock of the tests sets a timer that another one starts by the end of its step.
    for (let left = ms; left >= 0; left -= STEP_MS) {
      mock.timers.tick(Math.min(left, STEP_MS));
      await settled();
    }
  };
  source.start();
  await settled();
  return { source, attempts, told, tick };
}

/** A stream that beats for a while. */
async function beating({ hear }, tick, ms) {
  for (let left = ms; left > 0; left -= 10_000) {
    hear.bytes();
    await tick(Math.min(left, 10_000));
  }
}

/** All that has been promised. */
async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
