// Whatever the page can say, it can say in both languages.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { DICTIONARY } from '../dictionary.js';

const folder = new URL('../', import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), 'utf8');

test('both languages have the same words', () => {
  assert.deepEqual(Object.keys(DICTIONARY.zh), Object.keys(DICTIONARY.en));
});

test('the page asks for words that there are', () => {
  const asked = [...read('index.html').matchAll(/data-word(?:-[a-z-]+)?="([^"]+)"/g)].map(([, key]) => key);

  assert.ok(asked.length > 20);
  for (const key of asked) assert.ok(key in DICTIONARY.en, key);
});

test('every word is asked for', () => {
  const code = readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'dictionary.js').map(read).join('\n');
  const all = code + read('index.html');

  for (const key of Object.keys(DICTIONARY.en)) {
    const family = key.slice(0, key.lastIndexOf('.') + 1);
    assert.ok(all.includes(`'${key}'`) || all.includes(`"${key}"`) || all.includes(`\`${family}\${`) || isField(key), key);
  }
});

/** The form makes its keys of the names of its fields. */
function isField(key) {
  return /^publish\.(topic|data|event|id|retry)(\.placeholder)?$/.test(key);
}
