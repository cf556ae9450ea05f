import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pastOf } from '../history.js';

test('a page of history becomes events with times', () => {
  const event = { id: '1k-2', cursor: '1k-2', topic: 'a', type: 'message', data: 'x' };

  const past = pastOf({
    events: [{ ...event, time: '2026-11-21T06:00:00.5Z' }, { ...event, time: null }],
    cursor: '1k-2',
    more: false,
    gap: null,
  });

  assert.equal(past.cursor, '1k-2');
  assert.equal(past.gap, null);
  assert.equal(past.events[0].time.getTime(), Date.UTC(2026, 10, 21, 6, 0, 0, 500));
  assert.deepEqual(past.events[0], { type: 'message', data: 'x', id: '1k-2', topic: 'a', time: past.events[0].time });
});
