// Pages of history as JSON, each of which waits until there is something.

import { ask } from './ask.js';

const headers = { accept: 'application/json' };

export const PAGES = {
  key: 'pages',
  parameters: [['wait', '25s']],
  shows_key: true,
  open({ url, authorization, hear }) {
    const stop = new AbortController();
    // A page that waits says nothing before: being asked is as good as being live.
    const asked = setTimeout(hear.live, 500);
    ask(url, { headers: { ...headers, ...authorization }, signal: stop.signal, cache: 'no-store' }, hear, (answer) => read(answer, hear)).finally(() => clearTimeout(asked));
    return { close: () => (clearTimeout(asked), stop.abort()) };
  },
  code: (address) => `const url = new URL('${address}');
url.searchParams.set('wait', '25s');
url.searchParams.set('since', 'now');
const headers = { Accept: 'application/json' };
for (;;) {
  try {
    const answer = await fetch(url, { headers });
    const { events, cursor } = await answer.json();
    url.searchParams.set('after', cursor);
    for (const { topic, data } of events) {
      console.log(topic, data);
    }
  } catch {
    await new Promise((done) => setTimeout(done, 2000));
  }
}`,
};

async function read(answer, hear) {
  const { events, cursor, gap } = await answer.json();
  hear.live();
  if (gap) hear.said('tidings.gap', JSON.stringify(gap));
  for (const event of events) hear.event(event);
  hear.place(cursor);
  hear.end({ retry_ms: 0 });
}
