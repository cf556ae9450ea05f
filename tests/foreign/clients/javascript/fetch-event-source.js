// npm's @microsoft/fetch-event-source, in Chromium, as its README begins.

import { inPage } from './page.js';

await inPage(async () => {
  const { fetchEventSource } = await import('/modules/@microsoft/fetch-event-source/lib/esm/index.js');
  fetchEventSource(url, {
    onmessage: ({ event, data, id }) => handed(event, data, id),
    // What this returns would be the pause before the next request.
    onerror(error) {
      failed(error);
    },
  }).then(ended, (error) => {
    failed(error);
    ended();
  });
});
