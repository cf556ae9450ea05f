// Every shared case of the format, whole, byte by byte, in twos and threes, and at every split.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Decoder } from '../decoder.js';

const { vectors } = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));

/** Cases longer than this are run as they are given and byte by byte alone, as the invariant of the file says. */
const SPLIT_BYTES_MAX = 4096;

for (const vector of vectors) {
  test(`decodes ${vector.name}`, () => {
    const chunks = vector.chunks.map(bytesOf);
    const whole = Buffer.concat(chunks);
    const expected = expectationOf(vector);

    assert.deepEqual(decode(vector, chunks), expected, 'as given');
    for (const pieces of splitsOf(whole)) assert.deepEqual(decode(vector, pieces), expected);
  });
}

test('tells the time of each event, and of no other', () => {
  const events = [];
  const decoder = new Decoder({ event: ({ time, data }) => events.push([time, data]) });

  decoder.push(Buffer.from('time: 2026-11-21T08:00:00.007Z\ndata: 1\n\ndata: 2\n\ntime: x\n\ndata: 3\n\n'));

  assert.deepEqual(events, [['2026-11-21T08:00:00.007Z', '1'], ['', '2'], ['', '3']]);
});

test('tells the topic of each event, and of no other', () => {
  const events = [];
  const decoder = new Decoder({ event: ({ topic, data }) => events.push([topic, data]) });

  decoder.push(Buffer.from('topic: a/b\ndata: 1\n\ndata: 2\n\ntopic: c\n\ndata: 3\n\n'));

  assert.deepEqual(events, [['a/b', '1'], ['', '2'], ['', '3']]);
});

test('cuts what is longer than its bound, and goes on behind it', () => {
  const data = [];
  const decoder = new Decoder({ event: (event) => data.push(event.data) }, { length_max: 16 });

  decoder.push(Buffer.from(`data: ${'x'.repeat(100)}\ndata: more than there is room for\n\ndata: next\n\n`));

  assert.equal(data.length, 2);
  assert.ok(data[0].startsWith('xxxxxxxxxx') && data[0].length <= 16);
  assert.equal(data[1], 'next');
});

function decode(vector, chunks) {
  const seen = { events: [], retry: [], finalLastEventId: vector.initialLastEventId ?? '' };
  const comments = [];
  const decoder = new Decoder(
    {
      event: ({ type, data, id }) => seen.events.push({ type, data, lastEventId: id }),
      id: (id) => (seen.finalLastEventId = id),
      retry: (ms) => seen.retry.push(ms),
      comment: (text) => comments.push(text),
    },
    { id: vector.initialLastEventId },
  );
  for (const chunk of chunks) decoder.push(chunk);
  return vector.comments ? { ...seen, comments } : seen;
}

function expectationOf(vector) {
  const events = vector.expected.map((event) => ({ ...event, data: textOf(event.data) }));
  const { retry, finalLastEventId, comments } = vector;
  return comments ? { events, retry, finalLastEventId, comments } : { events, retry, finalLastEventId };
}

function* splitsOf(bytes) {
  yield [bytes];
  yield* bytes.length > SPLIT_BYTES_MAX ? [piecesOf(bytes, bytes.length < 1e6 ? 1 : 4093)] : smallSplitsOf(bytes);
}

function* smallSplitsOf(bytes) {
  for (const size of [1, 2, 3]) yield piecesOf(bytes, size);
  for (let at = 0; at <= bytes.length; at += 1) yield [bytes.subarray(0, at), bytes.subarray(at)];
}

function piecesOf(bytes, size) {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

function bytesOf(chunk) {
  return Buffer.from(textOf(chunk), 'latin1');
}

function textOf(text) {
  return typeof text === 'string' ? text : text.repeat.repeat(text.count);
}
