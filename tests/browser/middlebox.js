// What stands between pages and the hub and does not know event streams: it holds answers back, cuts them, refuses some, falls
// silent, or answers by itself. It serves the plain pages, too, as an app and its hub are often behind one proxy.

import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { startOrigin } from './origin.js';
import { readPage } from './page-server.js';

/**
 * Passes requests on to the hub at `port` until the scene ends, each as `rule({ method, url, headers })` says. A test may replace
 * `rule`. What it may say:
 *
 * - nothing: the answer is passed on as it comes
 * - `answers: { status, body }`: the hub is not asked
 * - `holds: true`: the answer is passed on once it has ended
 * - `bytes_max`: so much of the answer is passed on as it comes, and the rest once it has ended
 * - `delay_ms`: each answer begins so much later
 * - `cut_ms`: what has not ended by then is cut, with 504 if nothing was passed on
 * - `strips: true`: the hub is asked without the parameters
 */
export async function startMiddlebox(scene, port, rule = () => {}) {
  const box = new Middlebox(port, rule);
  box.origin = await startOrigin(scene, (request, response) => box.answer(request, response));
  return box;
}

/** The request is one for events: no page, and no script. */
export const isForEvents = ({ url }) => /^\/(events|subscribe)\b/.test(url);

class Middlebox {
  /** Requests for events in their order: `{ method, url, headers, at_ms, body }`. */
  requests = [];
  #port;
  #passages = new Set();
  #isAway = false;

  constructor(port, rule) {
    this.#port = port;
    this.rule = rule;
  }

  /** Requests from now on go to another port. */
  to(port) {
    this.#port = port;
  }

  /** Connections of now pass no bytes any more, and nobody is told. Later ones do. */
  stall() {
    for (const passage of this.#passages) passage.stall();
  }

  /** What is open is cut. */
  drop() {
    for (const passage of this.#passages) passage.cut();
  }

  /** The network is gone: what is open is cut, and nobody is answered. */
  cut() {
    this.#isAway = true;
    this.drop();
  }

  /** The network is back. */
  heal() {
    this.#isAway = false;
  }

  /** Requests for events that are open now. */
  get openCount() {
    return [...this.#passages].filter(({ request }) => isForEvents(request)).length;
  }

  /** Transports in the order of the requests: what the client asked by. */
  get asked() {
    return this.requests.filter(({ method }) => method !== 'OPTIONS').map(transportOf);
  }

  async answer(request, response) {
    const { method, url, headers } = request;
    const noted = { method, url, headers, at_ms: performance.now() };
    if (isForEvents(request)) this.requests.push(noted);
    if (this.#isAway) return request.socket.destroy();
    noted.body = await bodyOf(request);
    const path = url.split('?', 1)[0];
    // Without `no-store`, so that a browser may keep the page when it is left.
    const page = await readPage(path);
    if (page !== null) return response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page);
    const { answers, strips, ...treatment } = this.rule({ method, url, headers }) ?? {};
    if (answers) return response.writeHead(answers.status, { 'Content-Type': 'text/html' }).end(answers.body ?? '<h1>Error</h1>');
    const passage = new Passage(request, response, treatment);
    this.#passages.add(passage);
    response.on('close', () => this.#passages.delete(passage));
    passage.begin(this.#port, strips ? path : url, noted.body);
  }
}

async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** One request, and its answer. */
class Passage {
  #response;
  #treatment;
  #asked;
  #head;
  /** What is held back. */
  #held = [];
  #passedBytes = 0;
  #isStalled = false;

  constructor(request, response, treatment) {
    this.request = request;
    this.#response = response;
    this.#treatment = treatment;
  }

  begin(port, path, body) {
    const { method, headers } = this.request;
    const { cut_ms, delay_ms = 0 } = this.#treatment;
    this.#asked = http.request({ host: '127.0.0.1', port, path, method, headers }, async (answer) => {
      await sleep(delay_ms);
      this.#answer(answer);
    });
    this.#asked.on('error', () => this.cut());
    this.#asked.end(body);
    const timer = cut_ms === undefined ? undefined : setTimeout(() => this.#late(), cut_ms);
    this.#response.on('close', () => {
      clearTimeout(timer);
      this.#asked.destroy();
    });
  }

  stall() {
    this.#isStalled = true;
  }

  cut() {
    if (!this.#isStalled) this.#response.destroy();
  }

  #answer(answer) {
    const { holds } = this.#treatment;
    this.#head = [answer.statusCode, answer.headers];
    if (!holds && !this.#isStalled) this.#response.writeHead(...this.#head).flushHeaders();
    answer.on('error', () => this.cut());
    answer.on('data', (piece) => this.#pass(piece));
    answer.on('end', () => this.#end());
  }

  #pass(piece) {
    const { holds, bytes_max = Infinity } = this.#treatment;
    if (this.#isStalled || holds || this.#held.length > 0 || this.#passedBytes + piece.length > bytes_max) return this.#held.push(piece);
    this.#passedBytes += piece.length;
    this.#response.write(piece);
  }

  #end() {
    if (this.#isStalled) return;
    if (!this.#response.headersSent) this.#response.writeHead(...this.#head);
    this.#response.end(Buffer.concat(this.#held));
  }

  #late() {
    if (this.#response.headersSent || this.#isStalled) return this.cut();
    this.#response.writeHead(504, { 'Content-Type': 'text/html' }).end('<h1>504 Gateway Time-out</h1>');
    this.#asked.destroy();
  }
}

function transportOf({ method, url }) {
  if (method === 'POST') return 'post';
  return new URL(url, 'http://box').searchParams.get('mode') ?? 'sse';
}
