// A clock for many pages, with Express: `node express.js`. See README.md.

import { createServer } from 'node:http';

import express from 'express';

import { page, run, takeNote, watch } from './clock.js';
import { HEADERS } from './event-stream.js';

const app = express();

// One URL for both: the address bar accepts text/html, and an EventSource accepts text/event-stream.
app.get('/', (request, response) => {
  if (request.accepts(['text/html', 'text/event-stream']) === 'text/event-stream') {
    response.writeHead(200, HEADERS);
    return watch(response);
  }
  response.vary('Accept').type('html').send(page);
});

app.post('/notes', async (request, response) => {
  const { status, text } = await takeNote(request);
  response.status(status).type('text').send(text);
});

run(createServer(app));
