// Lines of JSON by fetch.

import { ask } from './ask.js';
import { tell } from './documents.js';

const headers = { accept: 'application/x-ndjson' };

export const LINES = {
  key: 'lines',
  parameters: [],
  shows_key: true,
  open({ url, authorization, hear }) {
    const stop = new AbortController();
    ask(url, { headers: { ...headers, ...authorization }, signal: stop.signal, cache: 'no-store' }, hear, (answer) => read(answer, hear));
    return { close: () => stop.abort() };
  },
  code: (address) => `const url = new URL('${address}');
const headers = { Accept: 'application/x-ndjson' };
for (;;) {
  try {
    const { body } = await fetch(url, { headers });
    const text = body.pipeThrough(new TextDecoderStream());
    const reader = text.getReader();
    let rest = '';
    for (let part; !(part = await reader.read()).done; ) {
      const lines = (rest + part.value).split('\\n');
      rest = lines.pop();
      for (const said of lines.map((line) => JSON.parse(line))) {
        const place = said.id ?? said.cursor;
        if (place) url.searchParams.set('last_event_id', place);
        if (said.id) console.log(said.topic, said.data);
      }
    }
  } catch {
    // The connection is gone.
  }
  await new Promise((done) => setTimeout(done, 2000));
}`,
};

async function read(answer, hear) {
  hear.live();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part; !(part = await reader.read()).done; ) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop();
    for (const line of lines) tell(JSON.parse(line), hear);
  }
  hear.end();
}
