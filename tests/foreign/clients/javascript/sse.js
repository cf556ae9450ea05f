// npm's sse.js, in Chromium.

import { inPage } from './page.js';

await inPage(async () => {
  const { SSE } = await import('/modules/sse.js/lib/sse.js');
  const source = new SSE(url);
  const hear = ({ type, data, id }) => handed(type, data, id);
  source.addEventListener('open', () => opened());
  source.addEventListener('message', hear);
  for (const type of listen) source.addEventListener(type, hear);
  source.addEventListener('error', (event) => failed(event.data || 'error event'));
  source.addEventListener('abort', () => failed('abort event'));
  source.addEventListener('readystatechange', () => {
    if (source.readyState === SSE.CLOSED) ended();
  });
  source.stream();
});
