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

test('members that are not known, and events of the hub\'s own, are passed over', () => {
  const event = { id: '1k-2', cursor: '1k-2', topic: 'a', type: 'message', data: 'x', time: '2026-11-21T06:00:00.000Z' };

  const past = pastOf({
    events: [{ ...event, type: 'tidings.whatever' }, { ...event, meta: { by: 'ann' }, later: 1 }],
    cursor: '1k-3',
    more: false,
    later: {},
  });

  assert.deepEqual(past.events.map(({ type, data }) => [type, data]), [['message', 'x']]);
  assert.equal('meta' in past.events[0] || 'later' in past.events[0], false);
  assert.equal(past.cursor, '1k-3');
});

test('a page says whether the search for the newest events ended too early', () => {
  const page = { events: [], cursor: '1k-2', more: true };

  assert.equal(pastOf(page).partial, false);
  assert.equal(pastOf({ ...page, partial: true }).partial, true);
});
