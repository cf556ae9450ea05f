import assert from 'node:assert/strict';
import { test } from 'node:test';

import { aliasesOf, aliasFor } from '../aliases.js';
import { curlPublish, curlWatch, javaScript } from '../snippets.js';

const hub = 'https://example.com/push/';
const aliases = aliasesOf('{"/es":"orders/*","/stream":"greetings","/two":"greetings"}');
const asked = (...selectors) => ({ hub, aliases, selectors, types: [], with_key: false });

test('what the page is told is read, and a page that is told nothing has none', () => {
  assert.deepEqual(aliases[1], ['/stream', 'greetings']);
  for (const text of [undefined, '{}', '{aliases}', 'null']) assert.deepEqual(aliasesOf(text), [], text);
});

test('a topic with an alias is shown by it', () => {
  assert.equal(curlWatch(asked('greetings')), 'curl -N https://example.com/push/stream');
  assert.equal(curlPublish(asked('greetings')), 'curl -d hello https://example.com/push/stream');
  assert.match(javaScript(asked('greetings')), /'https:\/\/example\.com\/push\/stream'/);
});

test('an alias of a pattern is read, and a topic of the pattern is published to', () => {
  assert.equal(curlWatch(asked('orders/*')), 'curl -N https://example.com/push/es');
  assert.equal(curlPublish(asked('orders/*')), 'curl -d hello https://example.com/push/events/orders/hello');
});

test('other topics, and several, have no alias', () => {
  assert.equal(aliasFor(aliases, ['greetings', 'a']), '');
  assert.equal(aliasFor(aliases, ['a']), '');
  assert.equal(curlWatch(asked('a')), 'curl -N https://example.com/push/events/a');
});
