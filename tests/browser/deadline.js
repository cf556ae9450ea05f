// Waiting for a condition, never for a time: looks again and again until it holds, and fails loudly at the deadline.

import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_AGAIN_MS = 20;

/** How long anything on loopback may take before a test calls it broken. */
export const DEADLINE_MS = 15_000;

/** Returns the first truthy answer of `probe`. `what` ends the sentence "waited N ms until ...". */
export async function until(what, probe, deadline_ms = DEADLINE_MS) {
  const end = performance.now() + deadline_ms;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited ${deadline_ms} ms until ${what}`);
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Settles as `promise` does, or fails at the deadline. */
export async function within(what, promise, deadline_ms = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadline_ms} ms until ${what}`)), deadline_ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
