// npm's eventsource, version 2, in Node.

import EventSource from 'eventsource-2';

import { ended, failed, handed, listen, opened, url } from './contract.js';

const source = new EventSource(url);
const hear = ({ type, data, lastEventId }) => handed(type, data, lastEventId);
source.onopen = opened;
source.onmessage = hear;
for (const type of listen) source.addEventListener(type, hear);
source.onerror = (event) => {
  failed(event);
  if (source.readyState === EventSource.CLOSED) ended();
};
