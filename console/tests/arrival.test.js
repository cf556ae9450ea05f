import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Arrival } from '../arrival.js';

const times = (instants) => {
  let now = 1_000;
  const arrival = new Arrival(() => now);
  arrival.begin();
  return instants.map((instant) => {
    now = 1_000 + instant;
    return arrival.time()?.getTime() ?? null;
  });
};

test('what comes at once is caught up with, what comes after a silence is live', () => {
  assert.deepEqual(times([0, 5, 90, 150, 400, 401]), [null, null, null, null, 1_400, 1_401]);
});

test('a stream that is never silent is live after a while', () => {
  const instants = Array.from({ length: 40 }, (_, index) => index * 50);

  assert.equal(times(instants).findIndex((time) => time !== null), 31);
});
