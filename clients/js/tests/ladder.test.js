// Which transport is used, by what came of the attempts before.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Failure } from "../dist/failure.js";
import { Ladder } from "../dist/ladder.js";

const STREAMS = ["sse", "post", "long-poll", "poll"];
const TEN_MINUTES_MS = 600_000;

const silent = { failure: new Failure("the connection is silent"), isSilent: true, wasHeard: false, lastedMs: 4_000 };
const stalled = { ...silent, wasHeard: true, lastedMs: 60_000 };
const failed = (status, lastedMs = 10) => ({ failure: new Failure("", status), isSilent: false, wasHeard: false, lastedMs });
const ended = { failure: undefined, isSilent: false, wasHeard: true, lastedMs: 10 };

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
});

test("what brings nothing is left at once for the next one, down to the last", () => {
  const ladder = new Ladder(STREAMS, memory());
  const used = STREAMS.map(() => [ladder.next(), ladder.hasNext, ladder.stepsDown(silent)]);

  assert.deepEqual(used, [["sse", true, true], ["post", true, true], ["long-poll", true, true], ["poll", false, false]]);
  assert.equal(ladder.next(), "sse", "when nothing gets through, it is the network: the best one is first again");
});

for (const [what, tried] of [
  ["a refusal", failed(403)],
  ["a hub that is busy", failed(503)],
  ["a hub that is not there", failed(0)],
  ["a gateway whose hub is not there", failed(502)],
  ["an answer that has ended", ended],
]) {
  test(`${what} is no reason for another transport`, () => {
    const ladder = new Ladder(STREAMS, memory());

    for (let times = 0; times < 5; times += 1) assert.equal(ladder.stepsDown(tried), false);
    assert.equal(ladder.next(), "sse");
  });
}

test("a stream that fell silent has died once, and is held back the second time", () => {
  const ladder = new Ladder(STREAMS, memory());

  assert.equal(ladder.stepsDown(stalled), false);
  assert.equal(ladder.stepsDown(ended), false);
  assert.equal(ladder.stepsDown(stalled), false, "one in between went well");
  assert.equal(ladder.stepsDown(stalled), true);
  assert.equal(ladder.next(), "post");
});

for (const status of [404, 405, 0, 415, 500]) {
  test(`POST that fails with ${status} is left for polls`, () => {
    const ladder = new Ladder(STREAMS, memory());
    ladder.stepsDown(silent);

    assert.equal(ladder.stepsDown(failed(status)), true);
    assert.equal(ladder.next(), "long-poll");
  });
}

test("a poll that waits and is cut off twice does not wait any more", () => {
  const ladder = new Ladder(STREAMS, memory());
  ladder.stepsDown(silent);
  ladder.stepsDown(silent);

  assert.equal(ladder.stepsDown(failed(504, 10_000)), false);
  assert.equal(ladder.stepsDown(failed(0, 10_000)), true);
  assert.equal(ladder.next(), "poll");
});

test("what has helped is remembered for this origin, and better ones are tried again after ten minutes", () => {
  const kept = memory();
  const first = new Ladder(STREAMS, kept);
  first.stepsDown(silent);
  first.stepsDown(silent);
  assert.equal(kept.get(), undefined, "it has not helped yet");
  first.works();

  assert.equal(new Ladder(STREAMS, kept).next(), "long-poll");
  mock.timers.tick(TEN_MINUTES_MS - 1);
  assert.equal(new Ladder(STREAMS, kept).next(), "long-poll");
  mock.timers.tick(1);
  const probing = new Ladder(STREAMS, kept);
  assert.equal(probing.next(), "sse");
  probing.works();
  assert.equal(kept.get(), undefined, "it gets through now");
});

test("a page that stays open tries better ones again, too, once in ten minutes", () => {
  const ladder = new Ladder(STREAMS, memory());
  ladder.stepsDown(silent);
  ladder.works();
  mock.timers.tick(TEN_MINUTES_MS);

  assert.deepEqual([ladder.next(), ladder.stepsDown(silent), ladder.next()], ["sse", true, "post"]);
  mock.timers.tick(TEN_MINUTES_MS - 1);
  assert.equal(ladder.next(), "post");
});

for (const [what, text] of [["nonsense", "%%%"], ["a transport that there is no more", "carrier-pigeon 1"], ["no time", "poll"], ["a strange time", "poll x"]]) {
  test(`${what} in the storage begins with the best one`, () => {
    assert.equal(new Ladder(STREAMS, memory(text)).next(), "sse");
  });
}

test("a time in the future does not keep a page from trying better ones", () => {
  const kept = memory(`poll ${Date.now() + 10 * TEN_MINUTES_MS}`);

  assert.equal(new Ladder(STREAMS, kept).next(), "sse");
});

function memory(text) {
  let kept = text;
  return { get: () => kept, set: (next) => (kept = next) };
}
