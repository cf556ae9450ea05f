// The EventSource of Chromium.

import { inPage } from './page.js';

await inPage(() => {
  const source = new EventSource(url);
  const hear = ({ type, data, lastEventId }) => handed(type, data, lastEventId);
  source.onopen = () => opened();
  source.onmessage = hear;
  for (const type of listen) source.addEventListener(type, hear);
  source.onerror = () => {
    failed('error event');
    if (source.readyState === EventSource.CLOSED) ended();
  };
});
