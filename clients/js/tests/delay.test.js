// How long to stay away.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { delayOf } from "../dist/delay.js";

test("after a regular end the client waits as long as the hub says", () => {
  for (const [retryMs, waitMs] of [[4_215, 4_215], [60_000, 60_000], [0, 100], [-1, 100], [1e15, 1e15]]) {
    for (const random of [0, 0.5, 1]) assert.equal(delayAt(random, retryMs, 0), waitMs);
  }
});

test("each failure doubles the longest wait, up to half a minute", () => {
  const longest = [1, 2, 3, 4, 5, 1_000].map((failures) => delayAt(1, 2_000, failures));

  assert.deepEqual(longest, [4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("clients that failed together come back spread over the whole wait", () => {
  assert.deepEqual([0, 0.25, 0.5, 1].map((random) => delayAt(random, 2_000, 2)), [2_000, 3_500, 5_000, 8_000]);
});

test("a hub that wants to be left alone for longer than half a minute is", () => {
  assert.equal(delayAt(1, 60_000, 3), 60_000);
});

/** With a random number that the test chooses. */
function delayAt(random, retryMs, failures) {
  mock.method(Math, "random", () => random);
  return delayOf(retryMs, failures);
}
