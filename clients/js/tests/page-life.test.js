// What the life of a page does to its connection, with a page that the test makes.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { sourceOf } from "../dist/source.js";

let page;
let window;
const names = ["document", "navigator", "window"];
const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_800_000_000_000 });
  mock.method(Math, "random", () => 0);
  page = Object.assign(new EventTarget(), { hidden: false });
  window = new EventTarget();
  set("document", page);
  set("navigator", { onLine: true });
  set("window", window);
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
  for (const [index, name] of names.entries()) {
    if (before[index]) Object.defineProperty(globalThis, name, before[index]);
    else delete globalThis[name];
  }
});

for (const [what, wake] of [
  ["a network that is back", () => window.dispatchEvent(new Event("online"))],
  ["a page that is shown again", () => window.dispatchEvent(new Event("pageshow"))],
  ["a page that is seen again", () => page.dispatchEvent(new Event("visibilitychange"))],
  ["a page that goes on", () => page.dispatchEvent(new Event("resume"))],
]) {
  test(`${what} ends the wait`, async () => {
    const { attempts, tick } = await started();
    attempts[0].fail(new TypeError("fetch failed"));
    await tick(100);
    assert.equal(attempts.length, 1);

    wake();
    await tick(0);

    assert.equal(attempts.length, 2);
  });

  test(`${what} leaves a live connection alone`, async () => {
    const { attempts, tick } = await started();
    attempts[0].hear.bytes();
    await tick(15_000);

    wake();
    await tick(0);

    assert.equal(attempts.length, 1);
    assert.equal(attempts[0].signal.aborted, false);
  });
}

test("a page that is hidden keeps its connection", async () => {
  const { attempts, tick } = await started();
  attempts[0].hear.bytes();
  page.hidden = true;

  page.dispatchEvent(new Event("visibilitychange"));
  await tick(20_000);

  assert.equal(attempts[0].signal.aborted, false);
});

test("a page that is hidden does not end a wait, and waits for longer after a failure", async () => {
  const { attempts, tick } = await started();
  page.hidden = true;
  attempts[0].fail(new TypeError("fetch failed"));
  await tick(0);

  page.dispatchEvent(new Event("visibilitychange"));
  await tick(14_999);
  assert.equal(attempts.length, 1);
  await tick(1);
  assert.equal(attempts.length, 2);
});

test("a hidden page comes back as fast as any after a regular end, and polls more seldom", async () => {
  page.hidden = true;
  for (const [transport, waitMs] of [["sse", 3_000], ["long-poll", 3_000], ["poll", 15_000]]) {
    const { attempts, tick } = await started(transport);
    attempts[0].hear.bytes();
    attempts[0].end();
    await tick(waitMs - 1);
    assert.equal(attempts.length, 1, transport);

    await tick(1);

    assert.equal(attempts.length, 2, transport);
  }
});

test("a page that is put aside lets go of its connection, and goes on when it is back", async () => {
  const { attempts, tick, told } = await started();
  attempts[0].hear.id("7");

  window.dispatchEvent(new Event("pagehide"));
  assert.equal(attempts[0].signal.aborted, true);
  await tick(86_400_000);
  assert.equal(attempts.length, 1, "however long it is away");
  window.dispatchEvent(new Event("pageshow"));
  await tick(0);

  assert.deepEqual(attempts.map(({ id }) => id), ["", "7"]);
  assert.ok(!told.some((line) => line.startsWith("ended")));
});

test("a page that is put aside while it waits does not connect", async () => {
  const { attempts, tick } = await started();
  attempts[0].fail(new TypeError("fetch failed"));
  await tick(100);

  window.dispatchEvent(new Event("pagehide"));
  await tick(86_400_000);
  assert.equal(attempts.length, 1);
  window.dispatchEvent(new Event("pageshow"));
  await tick(0);

  assert.equal(attempts.length, 2);
});

test("where the browser says that there is no network, the hub is asked twice a minute", async () => {
  const { attempts, tick } = await started();
  navigator.onLine = false;
  attempts[0].fail(new TypeError("fetch failed"));
  await tick(29_999);
  assert.equal(attempts.length, 1);

  await tick(1);

  assert.equal(attempts.length, 2);
});

test("a subscription that is closed watches no page", async () => {
  const { attempts, source, tick } = await started();
  source.close();

  for (const type of ["online", "pageshow"]) window.dispatchEvent(new Event(type));
  await tick(600_000);

  assert.equal(attempts.length, 1);
});

async function started(transport = "sse") {
  const attempts = [];
  const told = [];
  const carry = ({ id }, hear, signal) =>
    new Promise((resolve, reject) => {
      attempts.push({ id, hear, signal, end: resolve, fail: reject });
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const plan = { transport, ask: async (_, id) => ({ id, carry }), isPassing: (failure) => failure.isPassing };
  const listener = {
    state: (state) => told.push(state),
    ended: () => told.push("ended"),
    transport() {},
    open() {},
    event() {},
    id() {},
    room() {},
  };
  const source = sourceOf(plan, listener);
  const tick = async (ms) => {
    await settled();
    mock.timers.tick(ms);
    await settled();
  };
  source.start();
  await settled();
  return { source, attempts, told, tick };
}

function set(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** All that has been promised. */
async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
