// Tabs that show one inbox and share one connection, by seeds: tabs come, go, crash, freeze and sleep, connections break, the log forgets, and each
// tab ends at the state of the hub. Fakes of locks and channels are those of the tests of `subscribe`.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Failure } from "../dist/failure.js";
import { Ledger } from "../dist/inbox/ledger.js";
import { changesOf, listOf } from "../dist/inbox/said.js";
import { Tab } from "../dist/inbox/tab.js";
import { InboxModel } from "./support/inbox-model.js";
import { Air, Locks, Post, randomOf } from "./support/tabs-world.js";

const SEEDS = Number(process.env.TIDINGS_INBOX_TABS_SEEDS ?? 150);

/** A browser with tabs, and the inbox of one user. */
class Browser {
  hub = new InboxModel();
  post = new Post();
  locks = new Locks(this.post);
  air = new Air(this.post);
  streams = new Set();
  tabs = [];
  requests = 0;

  /** Streams that are not given up. */
  get open() {
    return [...this.streams].filter(({ isClosed }) => !isClosed);
  }

  /** Something happens, and the streams hear of it. */
  does(change) {
    change(this.hub);
    for (const stream of this.streams) stream.wake();
  }

  newTab() {
    const tab = new FakeTab(this, `tab ${this.tabs.length}`);
    this.tabs.push(tab);
    return tab;
  }
}

/** The stream of a tab, as `Stream` tells it. What it tells arrives when the test says so. */
class FakeStream {
  place = "";
  state = "connecting";
  #connection;

  constructor(tab, listener) {
    Object.assign(this, { tab, listener });
  }

  follow(position) {
    this.close();
    this.place = position;
    const { browser } = this.tab;
    const connection = (this.#connection = { isClosed: false, wake: () => this.#later(connection, () => this.#hear(connection)) });
    browser.streams.add(connection);
    this.#later(connection, () => {
      this.state = "open";
      this.listener.state("open", 0);
      this.listener.begins({ count: browser.hub.unread, version: browser.hub.version });
      this.#hear(connection);
    });
  }

  async begin() {
    this.close();
  }

  close() {
    if (!this.#connection) return;
    this.#connection.isClosed = true;
    this.tab.browser.streams.delete(this.#connection);
    this.#connection = undefined;
  }

  /** The network cuts it off, and it comes back. */
  cut() {
    if (!this.#connection) return;
    this.state = "waiting";
    this.listener.state("waiting", 100);
    this.listener.failed(new Failure("network"), true, 100);
    if (this.#connection) this.follow(this.place);
  }

  #later(connection, act) {
    this.tab.browser.post.send("hub", this.tab, () => connection.isClosed || act());
  }

  #hear(connection) {
    const records = this.tab.browser.hub.after(this.place);
    if (!records) {
      this.close();
      return this.listener.lost(true);
    }
    const [record] = records;
    if (!record) return;
    this.place = record.place;
    const blocks = record.blocks.filter(({ type }) => type !== "unread");
    this.listener.record({ blocks, count: record.count, place: record.place });
    if (records.length > 1) connection.wake();
  }
}

/** A tab with the loop of `Inbox`, and no network but the browser's. */
class FakeTab {
  ledger = new Ledger({});
  isGone = false;
  isFrozen = false;
  isHidden = false;
  isStale = false;
  heard = 0;
  loads = 0;
  page = [];

  constructor(browser, name) {
    Object.assign(this, { browser, name });
    const { locks, air } = browser;
    const world = {
      locks: locks.of(this),
      channelOf: (channel) => air.of(this, channel),
      isHidden: () => this.isHidden,
      nameOf: () => name,
      watchFreeze: () => {},
    };
    const watchPage = (listener, signal) => {
      this.page.push(listener);
      signal.addEventListener("abort", () => (this.page = []));
    };
    const streamOf = (listener) => (this.stream = new FakeStream(this, listener));
    this.live = new Tab({ name: Promise.resolve("inbox"), world, watchPage, streamOf }, {
      state: () => {},
      begins: (count) => this.ledger.begin(count) && this.goStale(),
      counts: (count) => this.ledger.recount(count),
      record: ({ blocks, count }) => {
        this.heard += 1;
        if (this.ledger.hear(blocks.flatMap(changesOf), count).isStale) this.goStale();
      },
      lost: () => this.goStale(),
      failed: () => {},
    });
    void this.run();
  }

  async run() {
    for (;;) {
      this.isStale = false;
      await this.live.begin();
      if (this.isGone) return;
      const list = await this.load();
      // What has crashed runs no more, though here its promises still do.
      if (this.isGone) return;
      this.loads += 1;
      this.ledger.reset(list);
      this.live.follow(list.position);
      if (!this.isStale) await new Promise((resolve) => (this.wakeLoop = resolve));
      if (this.isGone) return;
    }
  }

  /** The list is made at the hub, and comes later. */
  load() {
    const { post, hub } = this.browser;
    this.browser.requests += 1;
    return new Promise((resolve) => {
      post.send("request", { name: `${this.name} asks` }, () => {
        const list = listOf(structuredClone(hub.list({ limit: 200 })));
        post.send("hub", this, () => resolve(list));
      });
    });
  }

  goStale() {
    this.isStale = true;
    this.wakeLoop?.();
  }

  close() {
    this.live.close();
    this.isGone = true;
  }

  crash() {
    this.isGone = this.isCrashed = true;
    this.stream.close();
    this.browser.air.drop(this);
    this.browser.locks.drop(this);
  }

  sleep() {
    for (const listener of [...this.page]) listener.sleep();
  }

  wake() {
    for (const listener of [...this.page]) listener.wake();
  }

  state() {
    const { items, unread } = this.ledger.view();
    return { unread, items: items.map((item) => ({ ...item })) };
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Lets everything arrive, and time pass. */
async function settle(browser, random, ms) {
  for (let passed = 0; passed <= ms; passed += 1_000) {
    for (let at = 0; at < 5_000; at += 1) {
      if (!browser.post.deliver(random)) {
        await settled();
        if (!browser.post.deliver(random)) break;
      }
      if (at % 7 === 0) await settled();
    }
    mock.timers.tick(1_000);
    await settled();
  }
}

function agree(browser, seed) {
  const { hub } = browser;
  for (const tab of browser.tabs.filter(({ isGone }) => !isGone)) {
    assert.deepEqual(tab.state(), { unread: hub.unread, items: hub.items }, `${tab.name} of seed ${seed}`);
  }
  const alive = browser.tabs.filter(({ isGone }) => !isGone).length;
  assert.equal(browser.open.length, alive ? 1 : 0, `connections of seed ${seed}`);
}

test("tabs have one connection, and all end at the state of the hub", async (t) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_700_000_000_000 });
  t.after(() => mock.timers.reset());
  let loads = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = randomOf(seed);
    const below = (count) => Math.floor(random() * count);
    const pick = (list) => list[below(list.length)];
    const browser = new Browser();
    browser.does((hub) => hub.notify({ title: "0" }));
    browser.newTab();
    for (let at = 0; at < 60; at += 1) {
      const alive = browser.tabs.filter(({ isGone }) => !isGone);
      const tab = pick(alive);
      pick([
        () => browser.does((hub) => hub.notify({ title: String(at) })),
        () => browser.does((hub) => hub.notify({ title: String(at) })),
        () => browser.does((hub) => hub.mark(pick(["read", "unread", "archive"]), { ids: [pick(hub.items)?.id ?? ""] })),
        () => browser.does((hub) => hub.pass()),
        () => browser.does((hub) => below(3) || hub.forget()),
        () => alive.length < 5 && browser.newTab(),
        () => tab && !tab.isFrozen && tab.stream.cut(),
        () => tab && below(3) === 0 && !tab.isFrozen && tab.close(),
        () => tab && below(3) === 0 && tab.crash(),
        () => tab && (tab.isFrozen = !tab.isFrozen),
        () => tab && !tab.isFrozen && (below(2) ? tab.sleep() : tab.wake()),
        () => tab && (tab.isHidden = !tab.isHidden),
      ])();
      const arrivals = below(12);
      for (let arrived = 0; arrived < arrivals; arrived += 1) {
        browser.post.deliver(random);
        if (below(2)) await settled();
      }
      if (below(4) === 0) mock.timers.tick(below(8_000));
    }
    if (browser.tabs.every(({ isGone }) => isGone)) browser.newTab();
    for (const tab of browser.tabs) {
      tab.isFrozen = false;
      if (!tab.isGone) tab.wake();
    }
    await settle(browser, random, 40_000);
    agree(browser, seed);
    for (const tab of browser.tabs) {
      loads += tab.loads;
      if (!tab.isGone) tab.close();
    }
    await settle(browser, random, 1_000);
  }
  t.diagnostic(`${loads} lists were loaded`);
});

test("tabs that come one after the other load the list once each, and then hear each record once", async (t) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_700_000_000_000 });
  t.after(() => mock.timers.reset());
  const random = randomOf(7);
  const browser = new Browser();
  for (let at = 0; at < 10; at += 1) {
    browser.newTab();
    await settle(browser, random, 1_000);
  }

  browser.does((hub) => hub.notify({ title: "a" }));
  browser.does((hub) => hub.mark("read", { all: true }));
  await settle(browser, random, 20_000);

  agree(browser, 7);
  assert.deepEqual(browser.tabs.map(({ loads, heard }) => [loads, heard]), Array(10).fill([1, 2]));

  // The one that leads is closed: another one goes on where it was, and nobody has to load anything.
  browser.tabs[0].close();
  await settle(browser, random, 2_000);
  browser.does((hub) => hub.notify({ title: "b" }));
  await settle(browser, random, 2_000);
  agree(browser, 7);
  assert.deepEqual(browser.tabs.slice(1).map(({ loads, heard }) => [loads, heard]), Array(9).fill([1, 3]));
  for (const tab of browser.tabs.slice(1)) tab.close();
  await settle(browser, random, 1_000);
});

test("what is no message of a tab is nothing", async () => {
  const { read } = await import("../dist/inbox/messages.js");
  const told = { from: "a", term: 1, turn: 1 };
  const words = [
    { kind: "here", place: "e-1", state: "open", isNew: true },
    { kind: "record", blocks: [{ type: "changed", data: "{}" }], count: { count: 1, version: 2 }, place: "e-1" },
    { kind: "begins", count: { count: 1, version: 2 } },
    { kind: "state", state: "open", retryInMs: 0, isHidden: false },
    { kind: "failed", failure: { message: "m" }, retryInMs: 0 },
  ];

  for (const word of words) assert.ok(read({ ...told, word }), word.kind);
  for (const data of [null, 1, "a", {}, { from: "a" }, { from: "a", ask: "x" }, { ...told, word: { kind: "x" } }, { ...told, term: "1", word: words[0] }]) assert.equal(read(data), undefined);
  for (const word of words) {
    for (const name of Object.keys(word)) {
      if (["count", "isNew", "isHidden", "failure"].includes(name) && word.kind !== "begins") continue;
      if (name === "retryInMs" && word.kind === "failed") continue;
      assert.equal(read({ ...told, word: { ...word, [name]: {} } }), undefined, `${word.kind} ${name}`);
    }
  }
});
