// How long to stay away.

/** What a client waits where the hub says nothing: as Chromium does. */
export const RETRY_MS = 3_000;
/** A hub that says 0 is not asked without a pause. */
const RETRY_MS_MIN = 100;
/** Failures lengthen the wait up to this: however long a hub is away, its clients are back half a minute after it. */
const BACKOFF_MS_MAX = 30_000;

/**
 * Milliseconds to wait after some failures in a row; after none, what the hub said. Each failure makes the wait longer, with full
 * jitter above what the hub said, so that clients that failed together do not come back together.
 */
export function delayOf(retryMs: number, failures: number): number {
  const floor = Math.max(retryMs, RETRY_MS_MIN);
  const ceiling = Math.max(floor, Math.min(floor * 2 ** failures, BACKOFF_MS_MAX));
  return Math.round(floor + (ceiling - floor) * Math.random());
}
