// A composable for Vue 3, to copy.

import { shallowRef, toValue, watch } from 'vue';
import { subscribe } from 'tidings';

/**
 * Subscribes while the component is mounted, and anew when the URL or the topics are others; both may be refs or getters.
 *
 * `onEvent` is called with each event. `onGap` is called where events are missing, with a signal that is aborted when this subscription is
 * over; what follows waits until it has loaded what is true now.
 * Returns a ref of `{ state, error }`; `error` has a `message`, a `status`, and `willRetry`.
 */
export function useSubscription(url, { topics = [], onEvent, onGap = () => {}, ...options }) {
  const status = shallowRef({ state: 'connecting' });

  // An array may be another one each time, so topics are compared by their text. No topic has a line end in it.
  const asked = [() => toValue(url), () => toValue(topics).join('\n')];
  watch(
    asked,
    ([url, names], _before, onCleanup) => {
      const leaving = new AbortController();
      const { signal } = leaving;
      const subscription = subscribe(url, { ...options, topics: names === '' ? [] : names.split('\n'), signal });
      let now = { state: 'connecting' };
      const say = (news) => (status.value = now = { ...now, ...news });
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

      // Vue calls it before the next one begins, and when the component is unmounted.
      onCleanup(() => leaving.abort());
    },
    { immediate: true },
  );

  return status;
}
