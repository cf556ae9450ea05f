// The hub's time. Events have the times that the hub gave them, and a page's own clock may be wrong.

/** The hub's time is on its way for a moment: a smaller difference is none. */
const DIFFERENCE_MS_MIN = 2_000;

let ahead_ms = 0;

/** @param {string} time  The hub's time, as it told it just now. */
export function noteTime(time) {
  ahead_ms = aheadOf(time, Date.now());
}

/** The time at the hub, in ms since the epoch. */
export function hubNow() {
  return Date.now() + ahead_ms;
}

/**
 * How far the hub's clock is ahead of the page's.
 *
 * @param {string} time
 * @param {number} now
 */
export function aheadOf(time, now) {
  const ms = Date.parse(time) - now;
  return Math.abs(ms) > DIFFERENCE_MS_MIN ? ms : 0;
}
