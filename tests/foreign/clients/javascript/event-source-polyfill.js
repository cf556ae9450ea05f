// npm's event-source-polyfill, in Chromium.

import { inPage } from './page.js';

await inPage(async () => {
  await import('/modules/event-source-polyfill/src/eventsource.js');
  const source = new globalThis.EventSourcePolyfill(url);
  const hear = ({ type, data, lastEventId }) => handed(type, data, lastEventId);
  source.onopen = () => opened();
  source.onmessage = hear;
  for (const type of listen) source.addEventListener(type, hear);
  source.onerror = (event) => {
    failed(event.error ?? 'error event');
    if (source.readyState === 2) ended();
  };
});
