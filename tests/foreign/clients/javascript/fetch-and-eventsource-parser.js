// Node's fetch with npm's eventsource-parser, as many clients of language models do it.

import { EventSourceParserStream } from 'eventsource-parser/stream';

import { ended, handed, opened, url } from './contract.js';

const response = await fetch(url);
opened();
const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
for await (const { event, data, id } of events) handed(event, data, id);
ended();
