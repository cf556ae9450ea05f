// A clock for many pages, with Koa: `node koa.js`. See README.md.

import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';

import Koa from 'koa';

import { page, run, takeNote, watch } from './clock.js';
import { HEADERS } from './event-stream.js';

const app = new Koa();

app.use((context) => {
  const route = `${context.method} ${context.path}`;
  if (route === 'GET /') return home(context);
  if (route === 'POST /notes') return note(context);
});

// One URL for both: the address bar accepts text/html, and an EventSource accepts text/event-stream.
function home(context) {
  if (context.accepts('text/html', 'text/event-stream') === 'text/event-stream') {
    context.set(HEADERS);
    // Koa answers with a body, so the body is a stream that we write to. Koa closes it when the client leaves.
    context.body = new PassThrough();
    return watch(context.body);
  }
  context.vary('Accept');
  context.type = 'html';
  context.body = page;
}

async function note(context) {
  const { status, text } = await takeNote(context.req);
  Object.assign(context, { status, body: text });
}

// Koa takes a client that leaves for an error of its stream.
app.on('error', (error) => {
  if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error);
});

run(createServer(app.callback()));
