import assert from 'node:assert/strict';
import { test } from 'node:test';

import { entryOf, isPublished } from '../entry.js';

const id = '1k-2';

test('an event of a page about one topic is of that topic', () => {
  const event = { type: 'message', data: 'x', id, topic: '' };

  assert.deepEqual(entryOf(event, 'a'), { kind: 'event', topic: 'a', type: 'message', data: 'x', id });
  assert.equal(entryOf({ ...event, topic: 'b' }, '').topic, 'b');
});

test('what the hub says of gaps and of a search that ended early was not published by anybody', () => {
  const kinds = ['tidings.gap', 'tidings.partial', 'message', 'gap', 'partial'].map((type) => {
    const event = { type, data: '{}', id, topic: '' };
    return [entryOf(event, 'a').kind, isPublished(event)];
  });

  assert.deepEqual(kinds, [['gap', false], ['partial', false], ['event', true], ['event', true], ['event', true]]);
});
