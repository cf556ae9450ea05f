// A store for Svelte 4 and 5, to copy.

import { readable } from 'svelte/store';
import { subscribe } from 'tidings';

/**
 * A store of `{ state, error }` that is subscribed to the hub while a component reads it; `error` has a `message`, a `status`, and `willRetry`.
 *
 * `onEvent` is called with each event. `onGap` is called where events are missing; what follows waits until it has loaded what is true now.
 */
export function subscription(url, { onEvent, onGap = () => {}, ...options }) {
  return readable({ state: 'connecting' }, (set) => {
    const subscription = subscribe(url, options);
    const say = (error) => set({ state: subscription.state, error });
    subscription.addEventListener('open', () => say(undefined));
    subscription.addEventListener('error', say);

    async function listen() {
      for await (const event of subscription) await (event.type === 'gap' ? onGap(event) : onEvent(event));
    }
    // The hub refuses for good, or `onEvent` has failed.
    listen().catch((error) => set({ state: 'closed', error }));

    // Svelte calls it when nobody reads the store any more.
    return () => subscription.close();
  });
}
