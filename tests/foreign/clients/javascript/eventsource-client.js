// npm's eventsource-client, in Node, as a loop.

import { createEventSource } from 'eventsource-client';

import { ended, handed, url } from './contract.js';

const source = createEventSource({ url });
for await (const { data, event, id } of source) handed(event, data, id);
ended();
