// The inboxes of a hub over HTTP, for tests: what the model says, in the words of the hub. A test can refuse, delay, cut and restart it.

import { once } from "node:events";
import { createServer } from "node:http";

import { InboxModel } from "./inbox-model.js";

/** Short, so that a test is soon done. */
const RETRY_MS = 100;

export class InboxHub {
  users = new Map();
  /** Of each request: `{ method, path, query, headers, body }`. */
  requests = [];
  streams = new Set();
  /** Answers a request otherwise: returns `{ status, body }`, `"cut"` to hang up before it is done, `"lose"` to do it and hang up, or a promise. */
  intercept = () => undefined;
  /** More answers, by path: `{ type, headers, text() }`. */
  files = new Map();
  #server;
  #port = 0;

  user(name) {
    if (!this.users.has(name)) this.users.set(name, new InboxModel());
    return this.users.get(name);
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start() {
    this.#server = createServer((request, response) => void this.#serve(request, response).catch(() => response.destroy()));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = this.#server.address().port;
    return this;
  }

  /** As a crash ends it. It can be started again at the same port. */
  async stop() {
    this.#server.close();
    this.#server.closeAllConnections();
    this.streams.clear();
    await once(this.#server, "close");
  }

  /** Cuts all streams off. */
  cut() {
    for (const stream of this.streams) stream.response.destroy();
    this.streams.clear();
  }

  /** Does something to a user's inbox, and tells the streams. */
  does(name, change) {
    const result = change(this.user(name));
    for (const stream of this.streams) if (stream.name === name) this.#tell(stream);
    return result;
  }

  async #serve(request, response) {
    const { method } = request;
    const { pathname, searchParams: query } = new URL(request.url, "http://hub");
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const asked = { method, path: pathname, query, headers: request.headers, body };
    const file = this.files.get(pathname);
    if (file) return this.#answer(response, 200, await file.text(), { "content-type": file.type, ...file.headers });
    response.setHeader("access-control-allow-origin", "*");
    if (method === "OPTIONS") return this.#answer(response, 204, "", { "access-control-allow-methods": "*", "access-control-allow-headers": "*, authorization" });
    this.requests.push(asked);
    const otherwise = await this.intercept(asked);
    if (otherwise === "cut") return response.destroy();
    if (otherwise?.status) return this.#problem(response, otherwise.status, otherwise.body, otherwise.headers);
    const [, root, user, ...rest] = pathname.split("/").map(decodeURIComponent);
    if (root !== "inbox" || !user) return this.#problem(response, 404);
    if (method === "GET" && !rest.length) return this.#read(response, user, query, request.headers);
    const [status, said] = this.does(user, (model) => this.#change(model, method, rest, body && JSON.parse(body)));
    if (otherwise === "lose") return response.destroy();
    if (status >= 400) return this.#problem(response, status);
    return this.#answer(response, status, said && JSON.stringify(said), { "content-type": "application/json" });
  }

  #change(model, method, [what, ...names], body) {
    const name = names.join("/");
    if (method === "POST" && ["read", "unread", "seen", "archive"].includes(what)) return [200, model.mark(what, body)];
    if (method === "POST" && !what) return [201, { id: model.notify(body).id, repeated: false }];
    const list = { mute: "muted", follows: "follows" }[what];
    if (list && method === "GET") return [200, { [list]: [...model[list]] }];
    if (list) return [204, model.prefer(list, name, method === "PUT")];
    if (method === "DELETE" && what) return [204, void model.remove(what)];
    return [405];
  }

  #read(response, name, query, headers) {
    const model = this.user(name);
    const flag = (name) => (query.has(name) ? query.get(name) === "true" : undefined);
    if (!/event-stream/.test(headers.accept)) {
      const limit = Math.min(Number(query.get("limit") ?? 50), 200);
      const asked = { archived: flag("archived"), unread: flag("unread"), kinds: query.getAll("kind"), before: query.get("before"), limit };
      return this.#answer(response, 200, JSON.stringify(model.list(asked)), { "content-type": "application/json" });
    }
    const begin = headers["last-event-id"] ?? query.get("last_event_id") ?? model.position;
    response.writeHead(200, { "content-type": "text/event-stream" });
    const stream = { name, response, place: begin };
    response.write(`retry: ${RETRY_MS}\n`);
    const missed = model.after(begin);
    const count = { type: "unread", data: JSON.stringify({ count: model.unread, version: model.version }) };
    stream.place = model.position;
    if (missed) {
      const changes = missed.flatMap(({ blocks }) => blocks).filter(({ type }) => type !== "unread");
      this.#write(stream, [count, ...changes]);
    } else {
      this.#write(stream, [count], "");
      const gap = { requested: begin, reason: "expired", resumes_after: stream.place };
      this.#write(stream, [{ type: "tidings.gap", data: JSON.stringify(gap) }]);
    }
    if (query.get("opening") === "always") this.#write(stream, [{ type: "tidings.open", data: JSON.stringify({ cursor: stream.place }) }]);
    if (query.has("mode")) return response.end();
    this.streams.add(stream);
    response.on("close", () => this.streams.delete(stream));
    return undefined;
  }

  #tell(stream) {
    for (const { place, blocks } of this.user(stream.name).after(stream.place) ?? []) {
      stream.place = place;
      this.#write(stream, blocks);
    }
  }

  /** The last block has the place as its id. */
  #write({ response, place }, blocks, id = `id: ${place}\n`) {
    blocks.forEach(({ type, data }, at) => response.write(`event: ${type}\ndata: ${data}\n${at === blocks.length - 1 ? id : ""}\n`));
  }

  #problem(response, status, body = {}, headers = {}) {
    const problem = { type: "about:blank", title: `status ${status}`, status, ...body };
    this.#answer(response, status, JSON.stringify(problem), { "content-type": "application/problem+json", ...headers });
  }

  #answer(response, status, body, headers = {}) {
    response.writeHead(status, headers).end(body || undefined);
  }
}

/** A hub that ends with the test. */
export async function inboxHubOf(t) {
  const hub = await new InboxHub().start();
  t.after(() => hub.stop());
  return hub;
}
