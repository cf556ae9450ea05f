// Tabs of a browser that share six connections: four of them have a stream.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { Seats, SEATS_MAX } from '../seats.js';

/** A channel between tabs that delivers at once, to all but the one that sends. */
class Wire {
  tabs = [];

  channel() {
    const listeners = [];
    const channel = {
      addEventListener: (_, listener) => listeners.push(listener),
      postMessage: (data) => this.tabs.filter((tab) => tab !== channel).forEach((tab) => tab.hear(data)),
      hear: (data) => listeners.forEach((listener) => listener({ data })),
    };
    this.tabs.push(channel);
    return channel;
  }

  /** A tab that crashes says nothing, and hears nothing. */
  crash(tab) {
    this.tabs.splice(tab, 1);
  }
}

/** Time passes in small steps: a timer that another one sets has its own turn. */
function pass(ms) {
  for (let passed = 0; passed < ms; passed += 50) mock.timers.tick(50);
}

/** Tabs that are opened one after the other, a second apart. */
function tabs(t, count, wire = new Wire()) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const opened = [];
  for (let tab = 0; tab < count; tab += 1) {
    const seat = { live: true };
    const seats = new Seats({ given: () => (seat.live = true), lost: () => (seat.live = false), channel: wire.channel() });
    opened.push(Object.assign(seat, { seats }));
    seats.take();
    pass(1_000);
  }
  return { opened, live: () => opened.map(({ live }) => live) };
}

test('as many tabs as there are seats have a stream, and the newest have it', (t) => {
  const { live } = tabs(t, 7);

  assert.equal(SEATS_MAX, 4);
  assert.deepEqual(live(), [false, false, false, true, true, true, true]);
});

test('a tab that somebody looks at takes the seat of the one that was looked at longest ago', (t) => {
  const { opened, live } = tabs(t, 5);
  assert.deepEqual(live(), [false, true, true, true, true]);

  opened[1].seats.looked();
  pass(1_000);
  opened[0].live = true;
  opened[0].seats.take();
  pass(1_000);

  assert.deepEqual(live(), [true, true, false, true, true]);
});

test('a seat that is left goes to the tab without one that was looked at last, and to no more', (t) => {
  const { opened, live } = tabs(t, 6);

  opened[5].live = false;
  opened[5].seats.leave();
  pass(5_000);

  assert.deepEqual(live(), [false, true, true, true, true, false]);
});

test('a tab that crashed has no seat', (t) => {
  const wire = new Wire();
  const { live } = tabs(t, 4, wire);
  wire.crash(3);

  const seats = new Seats({ given: () => {}, lost: () => assert.fail('there is a seat'), channel: wire.channel() });
  seats.take();
  pass(1_000);

  assert.deepEqual(live(), [true, true, true, true]);
});

test('a tab that goes to another page takes nobody\'s seat', (t) => {
  const wire = new Wire();
  const { opened, live } = tabs(t, 4, wire);

  opened[3].seats.take();
  pass(100);
  opened[3].seats.leave();
  pass(50);
  new Seats({ given: () => {}, lost: () => assert.fail('there is a seat'), channel: wire.channel() }).take();
  pass(1_000);

  assert.deepEqual(live(), [true, true, true, true]);
});

test('where tabs share no connections each has a stream', (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.after(() => mock.timers.reset());
  const seats = new Seats({ given: () => {}, lost: () => assert.fail('nobody else is there'), channel: null });

  seats.take();
  pass(1_000);
});
