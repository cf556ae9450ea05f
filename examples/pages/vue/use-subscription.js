// A composable for Vue 3, to copy.

import { shallowRef, toValue, watch } from 'vue';
import { subscribe } from 'tidings';

/**
 * Subscribes while the component is mounted, and anew when the URL or the topics are others; both may be refs or getters.
 *
 * `onEvent` is called with each event. `onGap` is called where events are missing; what follows waits until it has loaded what is true now.
 * Returns a ref of `{ state, error }`; `error` has a `message`, a `status`, and `willRetry`.
 */
export function useSubscription(url, { topics = [], onEvent, onGap = () => {}, ...options }) {
  const status = shallowRef({ state: 'connecting' });

  // An array may be another one each time, so topics are compared by their text. No topic has a line end in it.
  const asked = [() => toValue(url), () => toValue(topics).join('\n')];
  watch(
    asked,
    ([url, names], _before, onCleanup) => {
      const subscription = subscribe(url, { ...options, topics: names === '' ? [] : names.split('\n') });
      const say = (error) => (status.value = { state: subscription.state, error });
      subscription.addEventListener('open', () => say(undefined));
      subscription.addEventListener('error', say);
      status.value = { state: 'connecting' };

      async function listen() {
        for await (const event of subscription) await (event.type === 'gap' ? onGap(event) : onEvent(event));
      }
      // The hub refuses for good, or `onEvent` has failed.
      listen().catch((error) => (status.value = { state: 'closed', error }));

      // Vue calls it before the next one begins, and when the component is unmounted.
      onCleanup(() => subscription.close());
    },
    { immediate: true },
  );

  return status;
}
