import assert from 'node:assert/strict';
import { test } from 'node:test';

import { aheadOf } from '../clock.js';

const NOON = Date.UTC(2026, 10, 21, 12);

test('a clock that differs by the time that an answer takes is right', () => {
  assert.equal(aheadOf('2026-11-21T12:00:00.000Z', NOON), 0);
  assert.equal(aheadOf('2026-11-21T11:59:59.001Z', NOON), 0);
  assert.equal(aheadOf('2026-11-21T12:00:01.000Z', NOON), 0);
});

test('a clock that is wrong is set by the hub\'s', () => {
  assert.equal(aheadOf('2026-11-21T12:01:00.500Z', NOON), 60_500);
  assert.equal(aheadOf('2026-11-21T11:00:00.500Z', NOON), -3_599_500);
});

test('without a time the page\'s own clock is taken', () => {
  assert.equal(aheadOf('', NOON), 0);
  assert.equal(aheadOf('nonsense', NOON), 0);
});
