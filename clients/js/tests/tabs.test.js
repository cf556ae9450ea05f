// Tabs that share a connection, by seeds: they come, go, crash, freeze, sleep, are slow and want other topics while events are published, and
// connections break. Each hears each event that it wants once, in order, or a gap.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Air, Failure, Hub, Locks, Post, randomOf, RETRY_MS, Tab } from "./support/tabs-world.js";

const SEEDS = Number(process.env.TIDINGS_TABS_SEEDS ?? 100);
const FIRST_SEED = Number(process.env.TIDINGS_TABS_SEED ?? 1);
const TOPICS = ["orders/1", "orders/2", "news/a", "news/a/b", "chat"];
const URLS = ["https://hub/events/orders/1", "https://hub/events/orders/*", "https://hub/events?topic=news/**", "https://hub/events?topic=chat&topic=orders/2", "https://hub/events/**"];

function browserOf(random) {
  const post = new Post();
  return { random, post, locks: new Locks(post), air: new Air(post), hub: new Hub(post), tabs: [] };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Lets everything arrive that is on its way, and time pass. */
async function rest(browser, seconds) {
  for (let step = 0; step < seconds * 4; step += 1) {
    do await settled();
    while (browser.post.deliver(browser.random));
    mock.timers.tick(250);
  }
}

/** A scene with virtual time, in which what is random is so by the seed. */
function scene(name, seed, act) {
  test(name, async () => {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_760_000_000_000 });
    const random = randomOf(seed);
    const math = mock.method(Math, "random", random);
    const browser = browserOf(random);
    try {
      await act(browser, random);
    } finally {
      for (const tab of browser.tabs) if (!tab.isGone || tab.isCrashed) tab.close();
      await settled();
      math.mock.restore();
      mock.timers.reset();
    }
  });
}

function open(browser, url, options) {
  const tab = new Tab(browser, `tab-${browser.tabs.length + 1}`, url, options);
  browser.tabs.push(tab);
  return tab;
}

/** What a tab has heard, against what it should have. `isOver`: everything has had its time to arrive. */
function check(tab, { log }, isOver) {
  const says = `${tab.name} at ${tab.beginsAt ?? "now"}: ${tab.heard.map((one) => (one.gap === undefined ? one : `gap ${one.gap}`)).join(" ")}`;
  let at = tab.beginsAt ?? Math.min(tab.openedAt ?? 0, typeof tab.heard[0] === "number" ? tab.heard[0] - 1 : Infinity);
  const expects = (from, through) => log.slice(from, through).filter(({ topic }) => tab.wants(topic)).map(({ data }) => Number(data));
  for (const one of tab.heard) {
    if (one.gap !== undefined) {
      at = Math.max(at, one.gap);
      continue;
    }
    assert.ok(one > at, `${one} is told again, or out of order: ${says}`);
    assert.deepEqual(expects(at, one), [one], `before ${one} something is missing: ${says}`);
    at = one;
  }
  if (isOver) assert.deepEqual(expects(at, log.length), [], `something is missing at the end: ${says}`);
}

scene("each tab hears what it wants over one connection", 1, async (browser) => {
  const tabs = URLS.map((url) => open(browser, url));
  await rest(browser, 10);
  for (const topic of TOPICS) browser.hub.publish(topic);
  await rest(browser, 5);

  assert.deepEqual(tabs.map(({ heard }) => heard), [[1], [1, 2], [3, 4], [2, 5], [1, 2, 3, 4, 5]]);
  assert.equal(browser.hub.streams.size, 1);
});

scene("tabs of two users have two connections", 2, async (browser) => {
  const tabs = ["one", "one", "two", "two"].map((token) => open(browser, URLS[0], { token }));
  await rest(browser, 10);
  browser.hub.publish("orders/1");
  await rest(browser, 5);

  assert.deepEqual(tabs.map(({ heard }) => heard), [[1], [1], [1], [1]]);
  assert.equal(browser.hub.streams.size, 2);
});

for (const end of ["close", "crash", "freeze"]) {
  scene(`a leader that ends by ${end} hands over`, 3, async (browser) => {
    const tabs = [1, 2, 3].map(() => open(browser, URLS[1]));
    await rest(browser, 10);
    const leader = [...browser.hub.streams][0].tab;
    browser.hub.publish("orders/1");
    leader[end](true);
    browser.hub.publish("orders/2");
    await rest(browser, 30);
    browser.hub.publish("orders/1");
    await rest(browser, 5);

    for (const tab of tabs.filter((tab) => tab !== leader)) assert.deepEqual(tab.heard, [1, 2, 3]);
    leader.isFrozen = false;
    await rest(browser, 20);
    if (end === "freeze") assert.deepEqual(leader.heard, [1, 2, 3]);
    assert.equal(browser.hub.streams.size, 1);
  });
}

scene("a tab whose token is refused closes, and the others go on", 4, async (browser) => {
  const tabs = [1, 2, 3].map(() => open(browser, URLS[1]));
  await rest(browser, 10);
  const [stream] = browser.hub.streams;
  stream.tab.refuses = () => new Failure("Unauthorized", 401);
  stream.cut();
  await rest(browser, 60);
  browser.hub.publish("orders/1");
  await rest(browser, 10);

  assert.equal(stream.tab.told.at(-1), "401 false");
  for (const tab of tabs.filter((tab) => tab !== stream.tab)) assert.deepEqual(tab.heard, [1]);
  assert.equal(browser.hub.streams.size, 1);
});

scene("what one tab may not read, the others still do", 5, async (browser) => {
  const tabs = [0, 0, 2].map((at) => open(browser, URLS[at]));
  await rest(browser, 10);
  const uncovered = ["news/**"];
  for (const tab of tabs) {
    tab.refuses = ({ url }) => url.searchParams.getAll("topic").includes("news/**") && new Failure("Forbidden", 403, { type: "not-covered", title: "Forbidden", status: 403, uncovered });
  }
  for (const stream of browser.hub.streams) stream.cut();
  await rest(browser, 60);
  browser.hub.publish("orders/1");
  await rest(browser, 10);

  assert.deepEqual(tabs.map(({ heard }) => heard), [[1], [1], []]);
  assert.equal(tabs[2].told.at(-1), "403 false");
  assert.equal(browser.hub.streams.size, 1);
});

scene("a hub that has no room is asked again when it has said, and has not let the tab in before", 6, async (browser) => {
  const { hub } = browser;
  const leader = open(browser, URLS[4]);
  await rest(browser, 10);
  for (const topic of ["orders/1", "orders/2", "orders/1"]) hub.publish(topic);
  await rest(browser, 5);
  const before = hub.requests;
  const tab = open(browser, URLS[1], { id: "e-1" });
  tab.isUnheard = true;
  await rest(browser, 20);
  // The leader says what it follows whenever another tab comes. It brings no tab back sooner.
  open(browser, URLS[0]);
  await rest(browser, 20);
  hub.publish("orders/2");
  await rest(browser, 5);

  assert.deepEqual(tab.heard, []);
  assert.equal(tab.state, "waiting");
  assert.equal(tab.requests, 1 + Math.floor(45_000 / RETRY_MS));
  tab.isUnheard = false;
  await rest(browser, 10);
  assert.deepEqual(tab.heard, [2, 3, 4]);
  assert.equal(tab.state, "open");
  assert.deepEqual(leader.heard, [1, 2, 3, 4]);
  assert.equal(hub.streams.size, 1);
});

scene("all tabs hear that the access of their stream is over, once, and go on", 7, async (browser) => {
  const { hub } = browser;
  const tabs = URLS.map((url) => open(browser, url));
  await rest(browser, 10);
  for (const tab of tabs) tab.own = [];
  const [stream] = hub.streams;
  hub.publish("orders/2");
  hub.expire(stream);
  await rest(browser, 20);
  hub.publish("orders/2");
  await rest(browser, 5);

  for (const tab of tabs) {
    assert.deepEqual(tab.own.filter((type) => type === "tidings.expired"), ["tidings.expired"]);
    check(tab, hub, true);
  }
  assert.equal(hub.streams.size, 1);
});

scene("two leaders of one term are not taken for one", 8, async (browser) => {
  const { hub, air } = browser;
  const tabs = [1, 2].map(() => open(browser, URLS[1], { token: "one" }));
  let newest;
  const other = air.of({ name: "other" }, "group one");
  other.onmessage = ({ data }) => (newest = data.items?.length ? data : newest);
  await rest(browser, 10);
  hub.publish("orders/1");
  await rest(browser, 5);
  // It leads from the same millisecond on, and has told as many messages, but not the same ones.
  const event = { type: "message", data: "3", id: "e-3", cursor: "e-3", topic: "orders/1", time: new Date(Date.now()).toISOString() };
  other.postMessage({ from: "other", term: newest.term, turn: newest.turn + 1, items: [{ kind: "event", event }] });
  await rest(browser, 1);
  hub.publish("orders/2");
  hub.publish("orders/1");
  await rest(browser, 20);

  assert.deepEqual(tabs.map(({ heard }) => heard), [[1, 2, 3], [1, 2, 3]]);
});

const CHAOS = {
  publish: ({ hub, random }) => hub.publish(TOPICS[Math.floor(random() * TOPICS.length)], random() < 0.3 ? { id: `own-${Math.floor(random() * 5)}` } : {}),
  burst: ({ hub, random }) => {
    for (let left = random() * 8; left > 0; left -= 1) hub.publish(TOPICS[Math.floor(random() * TOPICS.length)]);
  },
  join: (browser) => {
    const { tabs, hub, random } = browser;
    if (tabs.filter(({ isGone }) => !isGone).length > 7) return;
    const id = random() < 0.3 && hub.log.length > hub.gone ? `e-${hub.gone + Math.floor(random() * (hub.log.length - hub.gone))}` : undefined;
    open(browser, URLS[Math.floor(random() * URLS.length)], id && id !== "e-0" ? { id } : {});
  },
  close: ({ random }, tab) => random() < 0.5 && tab?.close(),
  crash: ({ random }, tab) => random() < 0.5 && tab?.crash(),
  freeze: (_, tab) => tab?.freeze(true),
  thaw: ({ tabs }) => tabs.forEach((tab) => tab.freeze(false)),
  sleep: (_, tab) => tab?.sleep(),
  wake: ({ tabs }) => tabs.forEach((tab) => tab.isGone || tab.wake()),
  hide: (_, tab) => tab && (tab.isHidden = true),
  show: ({ tabs }) => tabs.forEach((tab) => (tab.isHidden = false)),
  fill: (_, tab) => tab?.fill(true),
  empty: ({ tabs }) => tabs.forEach((tab) => tab.fill(false)),
  cut: ({ hub, random }) => [...hub.streams].forEach((stream) => random() < 0.5 && stream.cut()),
  forget: ({ hub, random }) => (hub.gone = random() < 0.3 ? Math.max(hub.gone, hub.log.length - Math.floor(random() * 6)) : hub.gone),
  expire: ({ hub, random }) => [...hub.streams].forEach((stream) => random() < 0.5 && hub.expire(stream)),
  crowd: ({ hub }) => (hub.isFull = true),
  room: ({ hub }) => (hub.isFull = false),
  seconds: ({ random }) => mock.timers.tick(Math.floor(random() * 4_000)),
};
const OFTEN = ["publish", "publish", "publish", "burst", "join", "seconds", "thaw", "wake", "empty", "room"];

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
  scene(`whatever happens: seed ${seed}`, seed, async (browser, random) => {
    const acts = [...Object.keys(CHAOS), ...OFTEN, ...OFTEN];
    for (let step = 0; step < 120; step += 1) {
      const living = browser.tabs.filter(({ isGone }) => !isGone);
      const act = acts[Math.floor(random() * acts.length)];
      if (process.env.TIDINGS_TABS_TRACE) console.log(seed, step, act);
      CHAOS[act](browser, living[Math.floor(random() * living.length)]);
      for (let left = random() * 30; left > 0; left -= 1) {
        await settled();
        if (!browser.post.deliver(random)) mock.timers.tick(Math.floor(random() * 200));
      }
      for (const tab of browser.tabs) check(tab, browser.hub, false);
    }
    browser.hub.isFull = false;
    const living = browser.tabs.filter(({ isGone }) => !isGone);
    for (const tab of living) {
      tab.freeze(false);
      tab.fill(false);
      tab.wake();
    }
    await rest(browser, 90);
    browser.hub.publish("orders/1");
    await rest(browser, 10);
    for (const tab of living) check(tab, browser.hub, true);
    if (living.length) assert.equal(browser.hub.streams.size, 1, "all tabs are at one connection again");
  });
}
