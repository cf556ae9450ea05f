// Documents of JSON are told as a stream of events would be: the same calls in the same order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Answer } from "../dist/answer.js";

const EVENT = { id: "mail-7", cursor: "1-7", topic: "a", type: "status", data: "text", time: "2026-11-26T09:50:12.000Z" };
const OPEN = { cursor: "1-6", heartbeat_ms: 9_000, time: "2026-11-26T09:50:12.000Z", connection: "1vcknh9ndjmm8" };
const GAP = { requested: "x", reason: "unknown", resumes_after: "1-6" };

/** What was told, and what came of it. `isFull`: the page has no room behind each event. */
function told(documents, { id = "1-1", isFull = false } = {}) {
  const calls = [];
  const names = ["open", "bytes", "event", "id", "retry", "heartbeat"];
  const hear = Object.fromEntries(names.map((name) => [name, (...values) => calls.push([name, ...values])]));
  const answer = new Answer({ ...hear, room: () => (isFull ? Promise.resolve("room") : undefined) }, "https://hub.example", id);
  let stops = 0;
  answer.stop = () => (stops += 1);
  for (const document of documents) answer.say(document);
  return { answer, calls, stops };
}

const own = (type, data, id) => ["event", { type, data: JSON.stringify(data), id, topic: "", time: "" }];
const opened = ["open", "https://hub.example"];

test("the first document opens, and tells a place", () => {
  const { calls } = told([OPEN, JSON.stringify(EVENT)]);

  const { cursor, ...event } = EVENT;
  assert.deepEqual(calls, [
    ["heartbeat", 9_000], opened, ["bytes"], ["id", "1-6"], own("tidings.open", OPEN, "1-6"),
    ["bytes"], ["id", "mail-7"], ["event", event],
  ]);
});

test("a gap comes before the place, at the beginning and later", () => {
  const { calls } = told([{ ...OPEN, gap: GAP }, { gap: { ...GAP, resumes_after: "1-9" } }]);

  assert.deepEqual(calls, [
    ["heartbeat", 9_000], opened, ["bytes"], ["id", "1-6"], own("tidings.gap", GAP, "1-6"), ["id", "1-6"], own("tidings.open", OPEN, "1-6"),
    ["bytes"], ["id", "1-9"], own("tidings.gap", { ...GAP, resumes_after: "1-9" }, "1-9"),
  ]);
});

test("a heartbeat is a place, a place alone is told, and an event without a place has the last one", () => {
  const { calls } = told([{ cursor: "1-7", heartbeat_ms: 9_000 }, { cursor: "1-8" }, { type: "tidings.presence", data: "{}" }]);

  assert.deepEqual(calls, [
    ["heartbeat", 9_000], opened, ["bytes"], ["id", "1-7"],
    ["bytes"], ["id", "1-8"], own("tidings.cursor", { cursor: "1-8" }, "1-8"),
    ["bytes"], own("tidings.presence", {}, "1-8"),
  ]);
});

test("an event may say when to come back, and so may the end", () => {
  const { answer, calls } = told([{ id: "1-2", data: "", retry: 700 }, { cursor: "1-3", retry_ms: 4_000 }]);

  assert.deepEqual(calls, [
    opened, ["bytes"], ["retry", 700], ["id", "1-2"], ["event", { type: "message", data: "", id: "1-2", topic: "", time: "" }],
    ["retry", 4_000], ["bytes"], ["id", "1-3"],
  ]);
  assert.equal(answer.retryMs, 4_000);
});

test("an error at the beginning is a refusal, and behind it the end of access", () => {
  const error = { type: "urn:tidings:problem:invalid-credentials", title: "Unauthorized", status: 401, detail: "over" };

  const refused = told([{ error }, { retry_ms: 3_000 }]);
  const expired = told([{ cursor: "1-6" }, { error }]);

  assert.deepEqual(refused.calls, [["retry", 3_000]]);
  assert.deepEqual([refused.answer.refusal, refused.answer.retryMs, refused.answer.hasBegun], [error, 3_000, false]);
  assert.deepEqual(expired.calls.slice(-3), [["bytes"], ["id", "1-6"], own("tidings.expired", { reason: "over" }, "1-6")]);
  assert.equal(expired.answer.refusal, undefined);
});

test("what a later hub says does no harm, and what is no JSON ends the answer", async () => {
  const later = told([{ later: true }, null, 5, "[]", '"text"']);
  const broken = told(["{", JSON.stringify(EVENT)]);

  assert.ok(later.calls.every(([name]) => ["open", "bytes"].includes(name)));
  assert.equal(later.stops, 0);
  assert.ok((await broken.answer.ended) instanceof SyntaxError);
  assert.deepEqual([broken.calls, broken.stops], [[], 1]);
});

test("a page without room ends the answer, and nothing is told behind that", async () => {
  const { answer, calls, stops } = told([EVENT, { ...EVENT, id: "not told" }], { isFull: true });

  assert.equal(await answer.ended, undefined);
  assert.equal(await answer.room, "room");
  assert.deepEqual([stops, calls.filter(([name]) => name === "event").length], [1, 1]);
});
