// The browser's own EventSource: on the stream, with the envelope, and on polls. The address is all that differs.

import { CURSOR, GAP, OPEN, PARTIAL } from '../event-type.js';
import { withParameters } from '../topic.js';

/** A long poll says nothing until there is something: one that has not failed by then counts as live. */
const PATIENCE_MS = 1_000;

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
    ...eventSource(mode, parameters, plain, { ends: true, waits: mode === 'long-poll' }),
    code: (address) => SSE.code(withParameters(address, parameters)),
  };
}

function eventSource(key, parameters, read, kind = {}) {
  return { key, parameters, shows_key: false, open: ({ url, hear }) => open(url, hear, read, kind) };
}

/** @param {{ ends?: boolean, waits?: boolean }} kind  Whether an answer that ends is as it should be, and whether one waits before it begins. */
function open(url, hear, read, { ends = false, waits = false }) {
  const source = new EventSource(url);
  let answered = false;
  let timer = 0;
  const begin = () => {
    clearTimeout(timer);
    if (waits) timer = setTimeout(hear.live, PATIENCE_MS);
  };
  begin();
  source.onopen = () => {
    answered = true;
    hear.live();
  };
  source.onmessage = (event) => read(event, hear);
  for (const type of [GAP, PARTIAL]) source.addEventListener(type, ({ data }) => hear.said(type, data));
  for (const type of [GAP, OPEN, CURSOR]) source.addEventListener(type, ({ lastEventId }) => hear.place(lastEventId));
  source.onerror = () => {
    begin();
    if (source.readyState === EventSource.CLOSED) hear.end();
    else if (!ends || !answered) hear.waiting();
    answered = false;
  };
  return { close: () => (clearTimeout(timer), source.close()) };
}

function plain({ data, lastEventId }, hear) {
  hear.event({ id: lastEventId, type: 'message', data });
}

function enveloped({ data }, hear) {
  hear.event(JSON.parse(data));
}
