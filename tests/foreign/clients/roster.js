// Every client: what it is called, the program that runs it, and what its user should know.
//
// A program keeps the contract: `PROGRAM URL [--listen TYPE]... [--parse]`. It reads the URL as the client's own README
// shows, with the client's own defaults, and prints one JSON object a line:
//
//   {"event": type, "data": text, "id": text}   the client has handed this to its user, and did not have to be asked by type
//   {"open": true}                              the client has told that the stream is open
//   {"error": text}                             the client has told an error
//   {"ended": true}                             the client will not come back by itself
//
// `--listen TYPE` asks for events of a type by name, where a client wants names. `--parse` parses the data of everything
// that is handed over as JSON, and gives what the parser throws to the client.

import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const BUILT = fileURLToPath(new URL('../../../target/foreign/', import.meta.url));

const node = (name) => ({ command: process.execPath, args: [`${HERE}javascript/${name}.js`] });
const go = (name) => ({ command: `${BUILT}go/${name}`, args: [] });
// A small heap and the first compiler only: each is one of many on the machine, and short-lived.
const java = (name) => ({
  command: 'java',
  args: ['-Xmx64m', '-XX:TieredStopAtLevel=1', '-cp', `${BUILT}java:${BUILT}java/lib/*`, name],
});
const python = (name, libraries = 'python') => ({
  command: 'python3',
  args: [`${HERE}python/${name}.py`],
  env: { PYTHONPATH: BUILT + libraries },
});

export const CLIENTS = [
  {
    name: '`EventSource` of Chromium',
    language: 'JavaScript',
    program: node('chromium-eventsource'),
    advice: 'Nothing to set. Hear `tidings.gap` with `addEventListener`.',
  },
  {
    name: 'npm `event-source-polyfill` 1.0.31',
    language: 'JavaScript',
    program: node('event-source-polyfill'),
    advice: 'Its `heartbeatTimeout` is 45 s: keep it above the heartbeat of the hub.',
  },
  {
    name: 'npm `@microsoft/fetch-event-source` 2.0.1',
    language: 'JavaScript',
    program: node('fetch-event-source'),
    advice: 'Throw in `onclose`, or it is over when the hub ends. Look at `event` before you use `data`.',
  },
  {
    name: 'npm `sse.js` 2.8.0',
    language: 'JavaScript',
    program: node('sse'),
    advice: '`autoReconnect: true`. It goes on after the last event.',
  },
  {
    name: 'npm `eventsource` 4.1.1',
    language: 'JavaScript',
    program: node('eventsource-4'),
    advice: 'Nothing to set. Hear `tidings.gap` with `addEventListener`.',
  },
  {
    name: 'npm `eventsource` 2.0.2',
    language: 'JavaScript',
    program: node('eventsource-2'),
    advice: 'Nothing to set. Hear `tidings.gap` with `addEventListener`.',
  },
  {
    name: 'npm `eventsource-client` 1.2.0',
    language: 'JavaScript',
    program: node('eventsource-client'),
    advice: 'Nothing to set. Look at `event` before you use `data`.',
  },
  {
    name: '`fetch` with npm `eventsource-parser` 3.1.1',
    language: 'JavaScript',
    program: node('fetch-and-eventsource-parser'),
    advice: 'Write the loop around it: after the end, wait, and ask again with `Last-Event-ID`.',
  },
  {
    name: 'PyPI `httpx-sse` 0.4.3',
    language: 'Python',
    program: python('httpx_sse_client'),
    advice: '`timeout=httpx.Timeout(5, read=None)`, since httpx stops after 5 s of silence. Write the loop around it.',
  },
  {
    name: 'PyPI `sseclient-py` 1.9.0',
    language: 'Python',
    program: python('sseclient_py'),
    advice: 'Write the loop around it: after the end, wait, and ask again with `Last-Event-ID`.',
  },
  {
    name: 'PyPI `sseclient` 0.0.27',
    language: 'Python',
    program: python('sseclient_plain', 'python-sseclient:' + BUILT + 'python'),
    advice: 'Catch `requests.ConnectionError`, and begin anew with `last_id`.',
  },
  {
    name: 'PyPI `aiohttp-sse-client` 0.2.1',
    language: 'Python',
    program: python('aiohttp_sse'),
    advice: '`timeout=aiohttp.ClientTimeout(total=None)`, since aiohttp ends an answer after 5 minutes. Catch its errors, and begin anew.',
  },
  {
    name: 'PyPI `launchdarkly-eventsource` 1.7.4',
    language: 'Python',
    program: python('launchdarkly'),
    advice: '`error_strategy=ErrorStrategy.always_continue()`, or it stops when the hub does.',
  },
  {
    name: 'PyPI `requests` 2.34.2, lines',
    language: 'Python',
    program: python('requests_lines'),
    advice: 'Take a client that knows `id` and `event`, such as `sseclient-py`.',
  },
  {
    name: 'Go `r3labs/sse/v2` 2.10.0',
    language: 'Go',
    program: go('r3labs'),
    advice:
      'Call `SubscribeRaw` in a loop: it takes the end of a stream for the end of its work. Set `sse.ClientMaxBufferSize(1 << 20)`: heartbeats between two events count for its 64 KiB, which are full after 4 days of silence.',
  },
  {
    name: 'Go `tmaxmax/go-sse` 0.12.0',
    language: 'Go',
    program: go('tmaxmax'),
    advice:
      'Call `Buffer(nil, 1<<20)` of the connection: heartbeats between two events count for its 64 KiB, which are full after 4 days of silence. Hear `tidings.gap` with `SubscribeEvent`.',
  },
  {
    name: 'Go `launchdarkly/eventsource` 1.11.0',
    language: 'Go',
    program: go('launchdarkly'),
    advice: 'Receive from `Errors`, too, or give it an error handler: it waits until somebody takes an error.',
  },
  {
    name: 'Go `donovanhide/eventsource` of 2021-08-30',
    language: 'Go',
    program: go('donovanhide'),
    advice: 'Receive from `Errors`, too: it waits until somebody takes an error.',
  },
  {
    name: 'Maven `okhttp-sse` 4.12.0',
    language: 'Java',
    program: java('OkHttpSse'),
    advice: '`readTimeout(0, …)`, since OkHttp stops after 10 s of silence. Begin anew in `onFailure` and `onClosed`.',
  },
  {
    name: 'Maven `okhttp-eventsource` 4.2.0',
    language: 'Java',
    program: java('LaunchDarkly'),
    advice: '`readTimeout(0, …)`, since it connects anew after 5 s of silence.',
  },
  {
    name: '`java.net.http`, lines',
    language: 'Java',
    program: java('JavaNetHttp'),
    advice: 'Write the loop around it, and read `id` and `event`, too.',
  },
  {
    name: '`tidings sub --json`',
    language: 'Rust',
    program: { command: process.execPath, args: [`${HERE}rust/tidings-sub.js`] },
    advice: 'Nothing to set.',
  },
  {
    name: '`HTTP::Tiny` of Perl, lines',
    language: 'Perl',
    program: { command: 'perl', args: [`${HERE}perl/http-tiny.pl`] },
    advice: 'Its `timeout` is 60 s: keep it above the heartbeat of the hub. Write the loop around it.',
  },
  {
    name: '`curl -N`, lines',
    language: 'Shell',
    program: { command: `${HERE}shell/curl.sh`, args: [] },
    parses: false,
    advice: 'Write the loop around it; or use `tidings sub`.',
  },
];
