// The client that the hub serves, at work: it finds out what gets through, or takes what is chosen.

import { CURSOR, GAP, OPEN } from '../event-type.js';
import { HUB } from '../hub.js';
import { problemOfFailure, unreachable } from '../problem.js';

/** What may be chosen, in the order of the list. */
export const BY_NAME = ['sse', 'post', 'long-poll', 'poll', 'websocket', 'native', 'iframe'];

/** What is chosen, by name; empty if the client chooses. `used` is told what is used. */
export const choice = { transport: '', used: (_transport) => {} };

export const CLIENT = {
  key: 'client',
  parameters: [],
  shows_key: true,
  open({ url, authorization, hear }) {
    let subscription = null;
    let is_closed = false;
    load()
      .then((subscribe) => {
        if (is_closed) return;
        subscription = subscribe(url, { headers: authorization, transport: choice.transport || undefined, share: false });
        listen(subscription, hear);
      })
      .catch(() => hear.end({ problem: unreachable() }));
    return {
      close() {
        is_closed = true;
        subscription?.close();
      },
    };
  },
  code: (address) => `import { subscribe } from '${address.replace(/\/events[/?].*$/s, '/tidings.js')}';

const events = subscribe(
  '${address}'${choice.transport && `,
  { transport: '${choice.transport}' },`}
);
events.addEventListener('transport', ({ transport }) => {
  console.log('by', transport);
});
events.addEventListener('error', ({ message, willRetry }) => {
  console.warn(message, willRetry);
});
for await (const { topic, data } of events) {
  console.log(topic, data);
}`,
};

const load = async () => (await import(`${HUB}tidings.js`)).subscribe;

function listen(subscription, hear) {
  subscription.addEventListener('transport', ({ transport }) => choice.used(transport));
  subscription.addEventListener('open', () => hear.live());
  subscription.addEventListener('statechange', ({ state }) => state === 'waiting' && hear.waiting());
  subscription.addEventListener('error', (failure) => failure.willRetry || hear.end({ problem: problemOfFailure(failure) }));
  for (const type of [OPEN, CURSOR]) subscription.addEventListener(type, () => hear.place(subscription.lastEventId));
  // An iteration has events of every type. What it throws is a refusal, which the listener has heard.
  each(subscription, ({ type, data, topic, lastEventId, resumesAfter }) => {
    if (resumesAfter) hear.said(GAP, data);
    else hear.event({ id: lastEventId, topic, type, data });
    hear.place(subscription.lastEventId);
  }).catch(() => {});
}

async function each(events, act) {
  for await (const event of events) act(event);
}
