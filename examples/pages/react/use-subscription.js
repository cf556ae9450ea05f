// A hook for React 19.2 or later, to copy.

import { useEffect, useEffectEvent, useState } from 'react';
import { subscribe } from 'tidings';

/**
 * Subscribes while the component is mounted, and anew when the URL or the topics are others.
 *
 * `onEvent` is called with each event. `onGap` is called where events are missing; what follows waits until it has loaded what is true now.
 * Returns `{ state, error }`; `error` has a `message`, a `status`, and `willRetry`. All other options are those of `subscribe`, as they were
 * when it began: let `token` and `headers` be functions.
 */
export function useSubscription(url, { topics = [], onEvent, onGap = () => {}, ...options }) {
  const [status, setStatus] = useState({ state: 'connecting' });
  // These two see the props and the state of the last rendering, and do not begin a new subscription when they change.
  const hear = useEffectEvent(onEvent);
  const refetch = useEffectEvent(onGap);
  // An array is another one at each rendering, so it is compared by its text. No topic has a line end in it.
  const names = topics.join('\n');

  useEffect(() => {
    const subscription = subscribe(url, { ...options, topics: names === '' ? [] : names.split('\n') });
    const say = (error) => setStatus({ state: subscription.state, error });
    subscription.addEventListener('open', () => say(undefined));
    subscription.addEventListener('error', say);
    setStatus({ state: 'connecting' });

    async function listen() {
      for await (const event of subscription) await (event.type === 'gap' ? refetch(event) : hear(event));
    }
    // The hub refuses for good, or `onEvent` has failed.
    listen().catch((error) => setStatus({ state: 'closed', error }));

    // In development React calls this once more than in production, to show what was forgotten here.
    return () => subscription.close();
  }, [url, names]);

  return status;
}
