// A clock for many pages, with nothing but Node: `node node.js`. See README.md.

import { createServer } from 'node:http';

import { page, run, takeNote, watch } from './clock.js';
import { HEADERS } from './event-stream.js';

const server = createServer(async (request, response) => {
  const route = `${request.method} ${request.url}`;
  if (route === 'GET /') return home(request, response);
  if (route === 'POST /notes') return note(request, response);
  response.writeHead(404).end();
});

// One URL for both: the address bar accepts text/html, and an EventSource accepts text/event-stream.
function home({ headers: { accept = '' } }, response) {
  if (accept.includes('text/event-stream')) {
    response.writeHead(200, HEADERS);
    return watch(response);
  }
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', Vary: 'Accept' }).end(page);
}

async function note(request, response) {
  const { status, text } = await takeNote(request);
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
}

run(server);
