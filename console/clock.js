// The hub's time. Events have the times that the hub gave them, and a page's own clock may be wrong.

import { HUB } from './hub.js';

/** The header `Date` has whole seconds, and is on its way for a moment: a smaller difference is none. */
const DIFFERENCE_MS_MIN = 2_000;

let ahead_ms = 0;

/** Asks the hub. A stream tells its answers to the client alone, and tabs share one. */
export async function askTime() {
  try {
    const answer = await fetch(`${HUB}healthz`, { cache: 'no-store' });
    ahead_ms = aheadOf(answer.headers.get('date'), Date.now());
  } catch {
    // What was known holds.
  }
}

/** The time at the hub, in ms since the epoch. */
export function hubNow() {
  return Date.now() + ahead_ms;
}

/**
 * How far the hub's clock is ahead of the page's.
 *
 * @param {string | null} date
 * @param {number} now
 */
export function aheadOf(date, now) {
  const ms = Date.parse(date ?? '') + 500 - now;
  return Math.abs(ms) > DIFFERENCE_MS_MIN ? ms : 0;
}
