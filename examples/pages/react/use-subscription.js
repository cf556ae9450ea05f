// A hook for React 19.2 or later, to copy.

import { useEffect, useEffectEvent, useState } from 'react';
import { subscribe } from 'tidings';

/**
 * Subscribes while the component is mounted, and anew when the URL or the topics are others.
 *
 * `onEvent` is called with each event. `onGap` is called where events are missing, with a signal that is aborted when this subscription is
 * over; what follows waits until it has loaded what is true now.
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
    const leaving = new AbortController();
    const { signal } = leaving;
    const subscription = subscribe(url, { ...options, topics: names === '' ? [] : names.split('\n'), signal });
    let now = { state: 'connecting' };
    const say = (news) => setStatus((now = { ...now, ...news }));
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
          await (event.resumesAfter === undefined ? hear(event) : refetch(event, signal));
        } catch (error) {
          // The tools of the browser show it, and the next event comes.
          if (!signal.aborted) reportError(error);
        }
      }
    }
    // Where the hub refuses for good, `error` has said so.
    listen().catch(() => {});

    // In development React calls this once more than in production, to show what was forgotten here.
    return () => leaving.abort();
  }, [url, names]);

  return status;
}
