// The pages of the transports: their words, and the code that they show.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { DICTIONARY } from '../dictionary.js';
import { pathOf } from '../topic.js';
import { TRANSPORT_WORDS } from '../transports/dictionary.js';
import { tell } from '../transports/documents.js';
import { TRANSPORTS } from '../transports/transports.js';

const words = { ...DICTIONARY.en, ...TRANSPORT_WORDS.en };
const AsyncFunction = (async () => {}).constructor;

test('both languages have the same words, for every transport', () => {
  assert.deepEqual(Object.keys(TRANSPORT_WORDS.zh), Object.keys(TRANSPORT_WORDS.en));
  for (const { key } of TRANSPORTS) {
    for (const part of ['name', 'about', 'note']) assert.ok(`transports.${key}.${part}` in words, `${key} ${part}`);
  }
  for (const key of Object.keys(TRANSPORT_WORDS.en)) assert.ok(!(key in DICTIONARY.en), key);
});

test('the page asks for words that there are', () => {
  const page = readFileSync(new URL('../transports.html', import.meta.url), 'utf8');
  const asked = [...page.matchAll(/data-word(?:-[a-z-]+)?="([^"]+)"/g)].map(([, key]) => key);

  assert.ok(asked.length > 10);
  for (const key of asked) assert.ok(key in words, key);
});

test('the code of each transport is JavaScript, short, and for the address that it is given', () => {
  for (const topic of ['demo', 'a/*', "it's", 'a b`${x}`', '\u2028']) {
    for (const { key, code } of TRANSPORTS) {
      const path = pathOf([topic]);

      const text = code(`https://hub.example/${path}`, 'demo');

      // Only a module may have an import; the rest of it is as in a function.
      const body = text.replace(/^import .* from '.*';$/m, '');
      assert.doesNotThrow(() => new AsyncFunction(body), `${key}: ${text}`);
      assert.ok(text.includes(path) && text.split('\n').length <= 26, text);
      const widths = text.split('\n').filter((line) => !line.includes(path)).map((line) => line.length);
      assert.ok(Math.max(...widths) <= 72, text);
    }
  }
});

test('a document of JSON is told by its members', () => {
  const told = (said) => {
    const calls = [];
    const names = ['live', 'event', 'place', 'said', 'waiting', 'pulse', 'end'];
    tell(said, Object.fromEntries(names.map((name) => [name, (...values) => calls.push([name, ...values])])));
    return calls;
  };
  const event = { id: 'x', cursor: '1-1', topic: 'a', type: 'message', data: '', time: '' };
  const problem = { status: 401, title: 'T', detail: 'd', uncovered: [], type: 'invalid-credentials' };

  assert.deepEqual(told(event), [['event', event]]);
  assert.deepEqual(told({ cursor: '1-1', heartbeat_ms: 9, gap: { reason: 'r' } }), [['pulse', 9], ['said', 'tidings.gap', '{"reason":"r"}'], ['place', '1-1']]);
  assert.deepEqual(told({ cursor: '1-2' }), [['place', '1-2']]);
  assert.deepEqual(told({ type: 'tidings.presence', data: '{}' }), [['said', 'tidings.presence', '{}']]);
  assert.deepEqual(told({ cursor: '1-2', retry_ms: 5 }), [['place', '1-2'], ['end', { retry_ms: 5 }]]);
  assert.deepEqual(told({ error: { type: 'urn:tidings:problem:invalid-credentials', title: 'T', status: 401, detail: 'd' } }), [['end', { problem }]]);
  assert.deepEqual(told({ later: true }), []);
});
