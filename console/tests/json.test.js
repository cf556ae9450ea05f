import assert from 'node:assert/strict';
import { test } from 'node:test';

import { piecesOf } from '../json.js';

const pretty = (text) => piecesOf(text)?.map((piece) => piece.text).join('') ?? null;

test('indents as JSON.stringify does', () => {
  for (const value of [{}, [], { a: 1 }, { a: [], b: {}, c: [1, 'x,{}', [true, null]] }, [{ a: { b: [{}] } }]]) {
    assert.equal(pretty(JSON.stringify(value)), JSON.stringify(value, null, 2));
  }
});

test('keeps numbers, escapes and equal keys as they came', () => {
  assert.equal(
    pretty('{"n":12345678901234567890,"n":1.0,"s":"\\u00e9\\"\\n"}'),
    '{\n  "n": 12345678901234567890,\n  "n": 1.0,\n  "s": "\\u00e9\\"\\n"\n}',
  );
});

test('tells keys from strings', () => {
  assert.deepEqual(piecesOf('{"a":"b"}').map((piece) => piece.kind), ['mark', 'key', 'mark', 'string', 'mark']);
});

test('leaves alone what is not an object or array', () => {
  for (const text of ['', 'hello', '1', '"x"', '{', '[1,]', '{"a":1} x']) assert.equal(pretty(text), null);
});
