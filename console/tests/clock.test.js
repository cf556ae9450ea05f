import assert from 'node:assert/strict';
import { test } from 'node:test';

import { aheadOf } from '../clock.js';

const NOON = Date.UTC(2026, 10, 21, 12);

test('a clock that differs by the part of a second that the header has not is right', () => {
  assert.equal(aheadOf('Sat, 21 Nov 2026 12:00:00 GMT', NOON), 0);
  assert.equal(aheadOf('Sat, 21 Nov 2026 11:59:59 GMT', NOON + 999), 0);
  assert.equal(aheadOf('Sat, 21 Nov 2026 12:00:01 GMT', NOON), 0);
});

test('a clock that is wrong is set by the hub\'s', () => {
  assert.equal(aheadOf('Sat, 21 Nov 2026 12:01:00 GMT', NOON), 60_500);
  assert.equal(aheadOf('Sat, 21 Nov 2026 11:00:00 GMT', NOON), -3_599_500);
});

test('without a date the page\'s own clock is taken', () => {
  assert.equal(aheadOf(null, NOON), 0);
  assert.equal(aheadOf('nonsense', NOON), 0);
});
