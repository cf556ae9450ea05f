// The browser's own EventSource: on the stream, with the envelope, and on polls. The address is all that differs.

import { CURSOR, GAP, OPEN, PARTIAL } from '../event-type.js';
import { withParameters } from '../topic.js';

export const SSE = {
  ...eventSource('sse', [], plain),
  code: (address) => `const events = new EventSource(
  '${address}'
);
events.onmessage = ({ data, lastEventId }) => {
  console.log(lastEventId, data);
};`,
};

export const ENVELOPE = {
  ...eventSource('envelope', [['envelope', 'json']], enveloped),
  code: (address) => `const events = new EventSource(
  '${withParameters(address, [['envelope', 'json']])}'
);
events.onmessage = (message) => {
  const event = JSON.parse(message.data);
  console.log(event.topic, event.type, event.data);
};`,
};

export const LONG_POLL = poll('long-poll');
export const POLL = poll('poll');

function poll(mode) {
  const parameters = [['mode', mode]];
  return {
    ...eventSource(mode, parameters, plain, true),
    code: (address) => SSE.code(withParameters(address, parameters)),
  };
}

function eventSource(key, parameters, read, ends = false) {
  return { key, parameters, shows_key: false, open: ({ url, hear }) => open(url, hear, read, ends) };
}

/** @param {boolean} ends  Whether an answer that ends is as it should be. */
function open(url, hear, read, ends) {
  const source = new EventSource(url);
  let answered = false;
  source.onopen = () => {
    answered = true;
    hear.live();
  };
  source.onmessage = (event) => read(event, hear);
  for (const type of [GAP, PARTIAL]) source.addEventListener(type, ({ data }) => hear.said(type, data));
  for (const type of [GAP, OPEN, CURSOR]) source.addEventListener(type, ({ lastEventId }) => hear.place(lastEventId));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) hear.end();
    else if (!ends || !answered) hear.waiting();
    answered = false;
  };
  return { close: () => source.close() };
}

function plain({ data, lastEventId }, hear) {
  hear.event({ id: lastEventId, type: 'message', data });
}

function enveloped({ data }, hear) {
  hear.event(JSON.parse(data));
}
