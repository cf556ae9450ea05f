// Every shared case of the format: as it is given, whole, byte by byte, in twos and threes, and at every split.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decoderOf } from "../dist/decoder.js";

const file = new URL("../../../crates/sse/tests/vectors/vectors.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8"));

// Cases longer than this are run as they are given and byte by byte alone, as the invariant of the file says.
const SPLIT_BYTES_MAX = 4_096;

for (const vector of vectors) {
  test(`decodes ${vector.name}`, () => {
    const chunks = vector.chunks.map(bytesOf);
    const whole = Buffer.concat(chunks);
    const expected = expectationOf(vector);

    assert.deepEqual(decoded(vector, chunks), expected, "as given");
    for (const pieces of splitsOf(whole)) assert.deepEqual(decoded(vector, pieces), expected);
  });
}

test("topic and time are those of one event", () => {
  const events = [];
  const decode = decoderOf({ ...deaf, event: ({ topic, time, data }) => events.push([topic, time, data]) });

  decode(Buffer.from("topic: a/b\ntime: 2026-11-21T08:00:00.007Z\ndata: 1\n\ndata: 2\n\ntopic: c\n\ndata: 3\n\n"));

  assert.deepEqual(events, [["a/b", "2026-11-21T08:00:00.007Z", "1"], ["", "", "2"], ["", "", "3"]]);
});

for (const [what, text] of [
  ["a line", `data: ${"x".repeat(100)}`],
  ["an event", "data: 123456\n".repeat(10)],
  ["a line that never ends", "x".repeat(17)],
]) {
  test(`${what} that is too long is a failure that does not pass`, () => {
    const decode = decoderOf(deaf, "", 16);

    assert.throws(() => decode(Buffer.from(text)), { name: "Failure", status: 413, isPassing: false });
  });
}

const deaf = { event() {}, id() {}, retry() {}, comment() {} };

function decoded(vector, chunks) {
  const seen = { events: [], comments: [], retry: [], finalLastEventId: vector.initialLastEventId ?? "" };
  const listener = {
    event: ({ type, data, id }) => seen.events.push({ type, data, lastEventId: id }),
    id: (id) => (seen.finalLastEventId = id),
    retry: (ms) => seen.retry.push(ms),
    comment: (text) => seen.comments.push(text),
  };
  const decode = decoderOf(listener, vector.initialLastEventId ?? "");
  for (const chunk of chunks) decode(chunk);
  return vector.comments ? seen : { ...seen, comments: [] };
}

function expectationOf({ expected, comments = [], retry, finalLastEventId }) {
  const events = expected.map((event) => ({ ...event, data: textOf(event.data) }));
  return { events, comments, retry, finalLastEventId };
}

function* splitsOf(bytes) {
  yield [bytes];
  if (bytes.length > SPLIT_BYTES_MAX) return yield piecesOf(bytes, bytes.length < 1e6 ? 1 : 4_093);
  for (const size of [1, 2, 3]) yield piecesOf(bytes, size);
  for (let at = 0; at <= bytes.length; at += 1) yield [bytes.subarray(0, at), bytes.subarray(at)];
}

function piecesOf(bytes, size) {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function bytesOf(chunk) {
  return Buffer.from(textOf(chunk), "latin1");
}

function textOf(text) {
  return typeof text === "string" ? text : text.repeat.repeat(text.count);
}
