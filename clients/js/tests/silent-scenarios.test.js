// Those cases of `client_scenarios.json` that say how long a connection may be silent, on a clock of the test: on a machine that has
// much else to do, half a second is over before a server has been asked.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

import { EventSource } from "../dist/index.js";

const file = new URL("../../../crates/client/tests/vectors/client_scenarios.json", import.meta.url);
const { scenarios } = JSON.parse(readFileSync(file, "utf8"));

/** The clock goes on by so much at a time. What happens in between is done then. */
const STEP_MS = 50;

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_800_000_000_000 }));
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

for (const { name, connections, expect, options } of scenarios.filter(({ options }) => options?.readTimeoutMs)) {
  test(name, async () => {
    const requests = answering(connections);
    const seen = { events: [], errors: [] };
    const source = new EventSource("http://hub.example/source", { retryMs: options.initialDelayMs, silenceMs: options.readTimeoutMs });
    source.onmessage = ({ type, data, lastEventId }) => seen.events.push({ type, data, lastEventId });
    source.onerror = () => seen.errors.push(source.readyState);

    // The second connection says nothing either, and would be given up as well.
    const isOver = () => expect.errorWithinMs && requests.length === expect.requests;
    for (let ms = 0; ms < (expect.errorWithinMs ?? expect.quietMs) && !isOver(); ms += STEP_MS) await pass(STEP_MS);
    source.close();

    assert.deepEqual(seen.events, expect.events);
    assert.deepEqual(seen.errors, expect.errors ?? [EventSource.CONNECTING]);
    assert.equal(requests.length, expect.requests);
  });
}

/** Answers each `fetch` by the next connection. Returns the requests. */
function answering(connections) {
  const requests = [];
  mock.method(globalThis, "fetch", async (url, { signal }) => {
    const { respond, commentEveryMs } = connections[requests.length];
    requests.push(url);
    const start = (controller) => {
      const say = (text) => controller.enqueue(new TextEncoder().encode(text));
      for (const chunk of respond.chunks) say(chunk);
      const comments = commentEveryMs && setInterval(() => say(": still here\n"), commentEveryMs);
      signal.addEventListener("abort", () => {
        clearInterval(comments);
        controller.error(signal.reason);
      });
    };
    return new Response(new ReadableStream({ start }), respond);
  });
  return requests;
}

async function pass(ms) {
  mock.timers.tick(ms);
  // What waits for promises alone is done before an immediate.
  await new Promise(setImmediate);
}
