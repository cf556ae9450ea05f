// A store for Svelte 4 and 5, to copy.

import { readable } from 'svelte/store';
import { subscribe } from 'tidings';

/**
 * A store of `{ state, error }` that is subscribed to the hub while a component reads it; `error` has a `message`, a `status`, and `willRetry`.
 *
 * `onEvent` is called with each event. `onGap` is called where events are missing, with a signal that is aborted when this subscription is
 * over; what follows waits until it has loaded what is true now.
 */
export function subscription(url, { onEvent, onGap = () => {}, ...options }) {
  return readable({ state: 'connecting' }, (set) => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const subscription = subscribe(url, { ...options, signal });
    let now = { state: 'connecting' };
    const say = (news) => set((now = { ...now, ...news }));
    say();
    // Where the hub ends a stream in order, the state alone tells that it is away.
    subscription.addEventListener('statechange', ({ state }) => say({ state }), { signal });
    subscription.addEventListener('error', (error) => say({ error }), { signal });
    subscription.addEventListener('open', () => say({ error: undefined }), { signal });

    async function listen() {
      for await (const event of subscription) {
        if (signal.aborted) return;
        try {
          // A gap says where the stream goes on. An event that a publisher calls `gap` does not.
          await (event.resumesAfter === undefined ? onEvent(event) : onGap(event, signal));
        } catch (error) {
          // The tools of the browser show it, and the next event comes.
          if (!signal.aborted) reportError(error);
        }
      }
    }
    // Where the hub refuses for good, `error` has said so.
    listen().catch(() => {});

    // Svelte calls it when nobody reads the store any more.
    return () => leaving.abort();
  });
}
