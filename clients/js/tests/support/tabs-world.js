// A browser with tabs, and a hub, in one process and by a seed: messages, locks and bytes arrive when the test says so. A tab can close, crash
// and freeze. Each fake does what its standard says, and no more: Web Locks, BroadcastChannel, and the polls and streams of a hub.

import { core as realCore } from "../../dist/core.js";
import { Failure } from "../../dist/failure.js";
import { requestOf } from "../../dist/requests.js";
import { groupOf } from "../../dist/tabs/group.js";
import { Member } from "../../dist/tabs/member.js";
import { contains } from "../../dist/tabs/selectors.js";

/** Numbers from 0 to 1 by a seed (mulberry32). */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Everything that has been said and not arrived: the test lets it arrive, in order for each pair of sender and receiver. */
export class Post {
  #roads = new Map();

  send(from, to, deliver) {
    const road = `${from} ${to.name}`;
    if (!this.#roads.has(road)) this.#roads.set(road, { to, waiting: [] });
    this.#roads.get(road).waiting.push(deliver);
  }

  /** Lets one thing arrive at a tab that is not frozen. */
  deliver(random) {
    const ready = [...this.#roads.values()].filter(({ to, waiting }) => waiting.length && !to.isFrozen);
    if (!ready.length) return false;
    const { to, waiting } = ready[Math.floor(random() * ready.length)];
    const deliver = waiting.shift();
    if (!to.isGone) deliver();
    return true;
  }
}

/** Web Locks: exclusive ones, with `ifAvailable`, `steal` and `signal`. */
export class Locks {
  #held = new Map();
  #queues = new Map();
  #post;

  constructor(post) {
    this.#post = post;
  }

  of(tab) {
    // What has crashed runs no more, though here its promises still do.
    return { request: (name, options, callback) => (tab.isCrashed ? new Promise(() => {}) : this.#request(tab, name, options, callback)) };
  }

  /** A tab is gone, and so is all that it held and waited for. */
  drop(tab) {
    for (const [name, queue] of this.#queues) this.#queues.set(name, queue.filter((request) => request.tab !== tab));
    for (const [name, held] of this.#held) if (held.tab === tab) this.#release(name, held);
  }

  #request(tab, name, { ifAvailable, steal, signal }, callback) {
    return new Promise((resolve, reject) => {
      const request = { tab, callback, resolve, reject };
      const aborted = () => {
        const queue = this.#queues.get(name) ?? [];
        if (queue.includes(request)) this.#queues.set(name, queue.filter((other) => other !== request));
        if (!request.isGranted) reject(signal.reason);
      };
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", aborted);
      if (steal) {
        const held = this.#held.get(name);
        this.#held.delete(name);
        if (held) this.#post.send("locks", held.tab, () => held.reject(new DOMException("stolen", "AbortError")));
        return this.#grant(name, request);
      }
      const queue = this.#queues.get(name) ?? [];
      if (ifAvailable && (this.#held.has(name) || queue.length)) {
        return this.#post.send("locks", tab, () => Promise.resolve(callback(null)).then(resolve, reject));
      }
      this.#queues.set(name, [...queue, request]);
      this.#next(name);
    });
  }

  #next(name) {
    const [request, ...others] = this.#queues.get(name) ?? [];
    if (this.#held.has(name) || !request) return;
    this.#queues.set(name, others);
    this.#grant(name, request);
  }

  #grant(name, request) {
    this.#held.set(name, request);
    // An abort that comes on the way to the tab is too late for the manager, but the tab sees it.
    this.#post.send("locks", request.tab, () => {
      request.isGranted = true;
      Promise.resolve(request.callback({ name })).then((value) => {
        this.#release(name, request);
        request.resolve(value);
      }, request.reject);
    });
  }

  #release(name, request) {
    if (this.#held.get(name) !== request) return;
    this.#held.delete(name);
    this.#next(name);
  }

  holder(name) {
    return this.#held.get(name)?.tab;
  }
}

/** BroadcastChannel. */
export class Air {
  #channels = new Set();
  #post;

  constructor(post) {
    this.#post = post;
  }

  of(tab, name) {
    const channels = this.#channels;
    const channel = { tab, name, onmessage: null, isClosed: false };
    channel.close = () => {
      channel.isClosed = true;
      channels.delete(channel);
    };
    channel.postMessage = (data) => {
      if (tab.isCrashed) return;
      if (channel.isClosed) throw new DOMException("closed", "InvalidStateError");
      const copy = structuredClone(data);
      for (const other of channels) {
        if (other === channel || other.name !== name) continue;
        this.#post.send(tab.name, other.tab, () => other.isClosed || other.onmessage?.({ data: structuredClone(copy) }));
      }
    };
    channels.add(channel);
    return channel;
  }

  drop(tab) {
    for (const channel of this.#channels) if (channel.tab === tab) channel.close();
  }
}

/** When a hub that has no room says to come back. */
export const RETRY_MS = 7_000;

/** A hub: one log, and those who read it. */
export class Hub {
  log = [];
  /** Events of the log that are gone, from its beginning. */
  gone = 0;
  streams = new Set();
  requests = 0;
  /** It has no room: an answer is a `retry`, and its end. */
  isFull = false;
  #post;

  constructor(post) {
    this.#post = post;
  }

  publish(topic, fields = {}) {
    const place = this.log.length + 1;
    const cursor = `e-${place}`;
    const time = new Date(Date.now()).toISOString();
    this.log.push({ id: cursor, type: "message", ...fields, cursor, topic, data: String(place), time });
    for (const stream of this.streams) stream.wake();
    return place;
  }

  /** What `Carry` is. */
  carryOf(tab) {
    return (ask, hear, signal) => {
      if (tab.isCrashed) return new Promise(() => {});
      this.requests += 1;
      tab.requests += 1;
      return new Promise((resolve, reject) => {
        const connection = { tab, wake: () => this.#more(connection) };
        const done = (settle) => (value) => {
          this.streams.delete(connection);
          connection.isDone = true;
          settle(value);
        };
        signal.addEventListener("abort", () => done(reject)(signal.reason));
        Object.assign(connection, { ask, hear, signal, resolve: done(resolve), reject: done(reject) });
        connection.cut = () => connection.reject(new TypeError("network"));
        this.#post.send("hub", tab, () => connection.isDone || this.#begin(connection));
      });
    };
  }

  #begin(connection) {
    const { ask, hear } = connection;
    const query = ask.url.searchParams;
    const [, path] = ask.url.pathname.split("/events/");
    const refused = connection.tab.refuses?.(ask);
    if (refused) return connection.reject(refused);
    connection.selectors = path ? [decodeURIComponent(path)] : query.getAll("topic");
    connection.isInEnvelopes = query.get("envelope") === "json";
    hear.open(ask.url.origin);
    hear.bytes();
    if (this.isFull || connection.tab.isUnheard) {
      hear.retry(RETRY_MS);
      return connection.resolve();
    }
    const id = query.get("last_event_id");
    const matching = this.log.filter((event) => this.#matches(connection, event));
    const last = Number(query.get("last") ?? 0);
    let at = this.log.length;
    if (id) {
      const found = /^e-(\d+)$/.exec(id);
      at = found ? Number(found[1]) : matching.find((event) => event.id === id)?.place ?? -1;
    } else if (last) at = Number(matching.at(-last)?.cursor.slice(2) ?? 1) - 1;
    if (at < this.gone && (id || last)) {
      at = this.gone;
      if (id) this.#say(connection, "tidings.gap", at, { requested: id, reason: "expired", resumes_after: `e-${at}` });
    }
    connection.at = at;
    if (query.get("opening") === "always" || !id) this.#say(connection, "tidings.open", at, { cursor: `e-${at}`, time: new Date(Date.now()).toISOString() });
    if (query.get("mode") !== "poll") {
      this.streams.add(connection);
      return this.#more(connection);
    }
    const said = this.#read(connection, 3);
    hear.retry(1_000);
    connection.resolve();
  }

  #matches({ selectors }, { topic }) {
    return selectors.some((selector) => contains(selector, topic));
  }

  #say({ hear }, type, at, data) {
    hear.id(`e-${at}`);
    hear.event({ type, data: JSON.stringify(data), id: `e-${at}`, topic: "", time: "" });
  }

  /** The access of a stream is over. */
  expire(connection) {
    this.#post.send("hub", connection.tab, () => {
      if (connection.isDone) return;
      this.#say(connection, "tidings.expired", connection.at, { reason: "over" });
      connection.resolve();
    });
  }

  /** Some of what comes next. Returns how many events that were. */
  #read(connection, most) {
    let said = 0;
    for (; connection.at < this.log.length && said < most; ) {
      const event = this.log[connection.at];
      connection.at += 1;
      if (!this.#matches(connection, event)) continue;
      said += 1;
      connection.hear.id(event.id);
      connection.hear.event(connection.isInEnvelopes ? { type: "message", data: JSON.stringify(event), id: event.id, topic: "", time: "" } : event);
    }
    return said;
  }

  #more(connection) {
    if (connection.isOnItsWay) return;
    connection.isOnItsWay = true;
    this.#post.send("hub", connection.tab, async () => {
      connection.isOnItsWay = false;
      if (connection.isDone) return;
      connection.hear.bytes();
      this.#read(connection, 3);
      await connection.hear.room();
      if (connection.at < this.log.length && !connection.isDone) this.#more(connection);
    });
  }
}

/** A tab with one subscription, and what it has heard. */
export class Tab {
  heard = [];
  told = [];
  /** Types of events of the hub's own. */
  own = [];
  requests = 0;
  /** The hub has no room for this tab. */
  isUnheard = false;
  isFrozen = false;
  isGone = false;
  isHidden = false;
  id = "";
  state = "";
  #room;

  constructor(browser, name, url, options = {}) {
    Object.assign(this, { browser, name, url });
    const { post, locks, air, hub } = browser;
    this.page = [];
    const world = {
      locks: locks.of(this),
      channelOf: (channel) => air.of(this, channel),
      isHidden: () => this.isHidden,
      nameOf: () => name,
      watchFreeze: () => {},
    };
    const core = {
      ...realCore,
      carryByFetch: hub.carryOf(this),
      watchPage: (listener, signal) => {
        this.page.push(listener);
        signal.addEventListener("abort", () => this.page.splice(this.page.indexOf(listener), 1));
      },
    };
    const planOf = (asked) => ({
      transport: "sse",
      ask: async (transport, id, isFirst) => ({ ...(await requestOf(asked, transport, id, isFirst)), carry: core.carryByFetch }),
      // This hub sends no heartbeats.
      silenceMs: 3_600_000,
      isPassing: (failure, failures) => failure.isPassing || (failure.status === 401 && !failures),
    });
    const listener = {
      state: (state) => (this.state = state),
      transport: () => {},
      open: () => this.told.push("open"),
      event: ({ type, data }) => {
        if (type === "tidings.gap") this.heard.push({ gap: Number(JSON.parse(data).resumes_after.slice(2)) });
        else if (!type.startsWith("tidings.")) this.heard.push(Number(data));
        else this.own.push(type);
      },
      id: (id) => {
        this.id = id;
        // It is told everything from its first place on.
        this.openedAt ??= Number(/^e-(\d+)$/.exec(id)?.[1] ?? hub.log.length);
      },
      ended: (failure, willRetry) => {
        this.told.push(failure ? `${failure.status} ${willRetry}` : "ended");
        if (!willRetry) this.close();
      },
      room: () => (this.isFull ? (this.#room ??= new Promise((resolve) => (this.makeRoom = resolve)).then(() => (this.#room = undefined))) : undefined),
    };
    const { token, headers, id = "", topics = [] } = options;
    this.beginsAt = id ? Number(id.slice(2)) : undefined;
    const alone = (id) => core.sourceOf(planOf(kit.asked), listener, id);
    const kit = { core, alone, planOf, world, listener, id, transports: ["sse"], asked: { url, topics, token, headers } };
    const group = groupOf(kit);
    this.selectors = group.selectors;
    // A hash takes time that no seed knows of.
    this.member = new Member(kit, { ...group, nameFor: async ({ token }) => `group ${token}` });
    this.member.start();
  }

  close() {
    this.member.close();
    this.isGone = true;
  }

  crash() {
    this.isGone = this.isCrashed = true;
    this.browser.air.drop(this);
    this.browser.locks.drop(this);
    for (const stream of this.browser.hub.streams) if (stream.tab === this) this.browser.hub.streams.delete(stream);
  }

  freeze(isFrozen) {
    this.isFrozen = isFrozen;
  }

  /** Into the back-forward cache, and back. */
  sleep() {
    for (const listener of [...this.page]) listener.sleep();
  }

  wake() {
    for (const listener of [...this.page]) listener.wake();
  }

  fill(isFull) {
    this.isFull = isFull;
    if (!isFull) this.makeRoom?.();
  }

  wants(topic) {
    return this.selectors.some((selector) => contains(selector, topic));
  }
}

export { Failure };
