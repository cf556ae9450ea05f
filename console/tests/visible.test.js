// Characters that nobody sees, and those that turn text around, are shown by their numbers.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { escaped, visible, visiblePieces } from '../visible.js';

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('every control of direction is shown by its number', () => {
  const controls = [0x61c, 0x200e, 0x200f, ...range(0x202a, 0x202e), ...range(0x2066, 0x2069), ...range(0x206a, 0x206f)];

  for (const code of controls) {
    const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    assert.equal(visible(`a${String.fromCodePoint(code)}b`), `a${number}b`);
  }
});

test('controls and what fonts show as nothing are shown; tab and line ends are not', () => {
  const hidden = [...range(0, 8), 0xb, 0xc, ...range(0xe, 0x1f), ...range(0x7f, 0x9f), 0xad, 0x200b, 0x2028, 0x2029, 0x2060, 0x3164, 0xfeff, 0xfffa, 0xe0001, 0xe0041];

  for (const code of hidden) assert.match(visible(`a${String.fromCodePoint(code)}b`), /^aU\+[0-9A-F]{4,5}b$/);
  assert.equal(visible('a\tb\r\nc'), 'a\tb\r\nc');
});

test('text of all scripts and emoji stays as it is', () => {
  const texts = [
    '\u8ba2\u5355 \u00e9 e\u0301 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd',
    '\u{1f468}\u200d\u{1f4bb} \u{1f44d}\u{1f3fd} \u2764\ufe0f\u200d\u{1f525} \u{1f3f3}\ufe0f\u200d\u{1f308}',
    '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937',
    '\u8fbb\u{e0100}',
  ];

  for (const text of texts) assert.equal(visible(text), text);
});

test('a joiner or a variant without the sign that it belongs to is shown', () => {
  assert.equal(visible('ord\u200ders'), 'ordU+200Ders');
  assert.equal(visible('ord\u200cers'), 'ordU+200Cers');
  assert.equal(visible('a\ufe0f'), 'aU+FE0F');
  assert.equal(visible('\u{1f468}\u200d'), '\u{1f468}U+200D');
});

test('pieces say which of them are numbers', () => {
  assert.deepEqual(visiblePieces('a\u202eb'), [
    { text: 'a', is_number: false },
    { text: 'U+202E', is_number: true },
    { text: 'b', is_number: false },
  ]);
  assert.deepEqual(visiblePieces('\u202e\u202d').map(({ text }) => text), ['U+202E', 'U+202D']);
  assert.deepEqual(visiblePieces(''), [{ text: '', is_number: false }]);
});

test('an escape is read back as the same text', () => {
  const text = 'a\u202eb\u{e0041}c';

  assert.equal(escaped(text), 'a\\u202eb\\udb40\\udc41c');
  assert.equal(JSON.parse(`"${escaped(text)}"`), text);
});
