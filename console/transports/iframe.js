// A hidden iframe, whose document passes each event on.

import { withParameters } from '../topic.js';
import { unreachable } from '../problem.js';
import { tell } from './documents.js';

/** How long the first document may take: a frame does not tell that its hub cannot be reached. */
const FIRST_MS_MAX = 5_000;

export const IFRAME = {
  key: 'iframe',
  parameters: [['mode', 'iframe'], ['origin', globalThis.location?.origin ?? '']],
  shows_key: false,
  open({ url, hear }) {
    // A new frame each time: a new `src` of the old one would be an entry in the history of the tab.
    const frame = document.createElement('iframe');
    const late = setTimeout(() => hear.end({ problem: unreachable() }), FIRST_MS_MAX);
    const listen = ({ source, origin, data }) => {
      if (source !== frame.contentWindow || origin !== new URL(url).origin) return;
      clearTimeout(late);
      if (!data.error) hear.live();
      tell(data, hear);
    };
    addEventListener('message', listen);
    frame.hidden = true;
    frame.src = url;
    document.body.append(frame);
    return {
      close() {
        clearTimeout(late);
        removeEventListener('message', listen);
        frame.remove();
      },
    };
  },
  code: (address) => `const url = new URL('${withParameters(address, [['mode', 'iframe']])}');
url.searchParams.set('origin', location.origin);
let frame, timer, silent = 5000;
function again(ms) {
  clearTimeout(timer);
  timer = setTimeout(load, ms);
}
function load() {
  frame?.remove();
  frame = document.createElement('iframe');
  frame.hidden = true;
  frame.src = url;
  document.body.append(frame);
  again(5000);
}
addEventListener('message', ({ source, origin, data }) => {
  if (source !== frame.contentWindow || origin !== url.origin) return;
  const place = data.id ?? data.cursor;
  if (place) url.searchParams.set('last_event_id', place);
  if (data.id) console.log(data.topic, data.data);
  silent = 2 * data.heartbeat_ms || silent;
  again(data.retry_ms ?? silent);
});
load();`,
};
