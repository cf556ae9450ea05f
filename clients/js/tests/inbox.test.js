// The inbox of the client, over HTTP: what it shows, what it asks, and what becomes of it when the network or the hub fails.

import assert from "node:assert/strict";
import { test } from "node:test";

import { inbox } from "../dist/inbox/index.js";
import { inboxHubOf } from "./support/inbox-hub.js";
import { isWanted } from "./support/inbox-model.js";
import { randomOf } from "./support/tabs-world.js";

const USER = "alice";

function openBox(t, hub, options = {}) {
  const box = inbox(USER, { url: hub.url, ...options });
  t.after(() => box.close());
  const told = [];
  for (const type of ["notification", "error", "gap"]) box.addEventListener(type, (event) => told.push([type, event.detail?.title ?? event.status]));
  return Object.assign(box, { told });
}

/** Resolves when it is true, after this or another change. */
function until(box, isTrue) {
  return new Promise((resolve) => {
    const look = () => {
      if (!isTrue()) return;
      box.removeEventListener("change", look);
      resolve();
    };
    box.addEventListener("change", look);
    look();
  });
}

const isOpen = (box) => until(box, () => box.state === "open" && box.snapshot.isLoaded);
const titles = (box) => box.items.map(({ title }) => title);

test("it has what the hub has, and hears what comes", async (t) => {
  const hub = await inboxHubOf(t);
  hub.does(USER, (model) => model.notify({ title: "first", body: "b", link: "/a", kind: "k", data: { n: 1 } }));
  const box = openBox(t, hub);

  await box.ready;
  assert.deepEqual([box.unread, titles(box)], [1, ["first"]]);
  assert.deepEqual({ ...box.items[0] }, hub.user(USER).items[0]);
  await isOpen(box);
  hub.does(USER, (model) => model.notify({ title: "second" }));
  await until(box, () => box.unread === 2);

  assert.deepEqual(titles(box), ["second", "first"]);
  assert.deepEqual(box.told, [["notification", "second"]]);
  assert.equal(box.version, hub.user(USER).version);
});

test("its stream begins where the list ends, so nothing is missed between the two", async (t) => {
  const hub = await inboxHubOf(t);
  let listed = false;
  hub.intercept = ({ headers }) => {
    if (/event-stream/.test(headers.accept) && !listed) {
      listed = true;
      hub.does(USER, (model) => model.notify({ title: "between" }));
    }
  };
  const box = openBox(t, hub);

  await until(box, () => box.unread === 1);

  assert.deepEqual(titles(box), ["between"]);
  assert.deepEqual(box.told, [["notification", "between"]]);
});

test("a mark is shown at once, and the promise waits for the hub", async (t) => {
  const hub = await inboxHubOf(t);
  const item = hub.does(USER, (model) => model.notify({ title: "a" }));
  const box = openBox(t, hub);
  await isOpen(box);

  const marked = box.markRead(item.id);

  assert.equal(box.unread, 0);
  assert.equal(box.items[0].read, true);
  assert.equal(hub.user(USER).unread, 1);
  await marked;
  assert.equal(hub.user(USER).unread, 0);
  assert.equal(box.unread, 0);
});

test("what is refused is taken back and told", async (t) => {
  const hub = await inboxHubOf(t);
  const item = hub.does(USER, (model) => model.notify({ title: "a" }));
  hub.intercept = ({ method }) => (method === "POST" ? { status: 403, body: { detail: "you may not" } } : undefined);
  const box = openBox(t, hub);
  await isOpen(box);

  await assert.rejects(box.markRead([item]), ({ status, message }) => status === 403 && /you may not/.test(message));

  assert.equal(box.unread, 1);
  assert.equal(box.items[0].read, false);
  assert.deepEqual(box.told, [["error", 403]]);
});

test("a mark whose answer is lost is sent again", async (t) => {
  const hub = await inboxHubOf(t);
  const item = hub.does(USER, (model) => model.notify({ title: "a" }));
  const luck = ["cut", "lose"];
  hub.intercept = ({ method }) => (method === "DELETE" ? luck.shift() : undefined);
  const box = openBox(t, hub);
  await isOpen(box);

  await box.remove(item);

  assert.equal(hub.requests.filter(({ method }) => method === "DELETE").length, 3);
  assert.deepEqual([box.items.length, box.unread, hub.user(USER).items.length], [0, 0, 0]);
  assert.deepEqual(box.told, []);
});

test("what names no notification is refused in clear words, and nothing is asked", async (t) => {
  const hub = await inboxHubOf(t);
  const box = openBox(t, hub);
  await isOpen(box);
  hub.requests.length = 0;

  for (const which of [undefined, null, 7, {}, [undefined], { through: undefined }, [{ title: "a" }], new Date(0)]) {
    for (const action of ["markRead", "markUnread", "markSeen", "archive", "remove"]) {
      await assert.rejects(box[action](which), { name: "TypeError", message: /^a notification is named by its id or its item, and this is / });
    }
  }
  assert.deepEqual(hub.requests, []);
});

test("each action is asked as the hub has it", async (t) => {
  const hub = await inboxHubOf(t);
  const [a, b] = hub.does(USER, (model) => [model.notify({ title: "a" }), model.notify({ title: "b" })]);
  const box = openBox(t, hub, { token: "t" });
  await isOpen(box);
  hub.requests.length = 0;

  await box.markRead({ through: a });
  await box.markUnread(a);
  await box.markSeen({ all: true });
  await box.archive([a, b.id]);
  await box.mute("chat");
  await box.mute("chat", false);
  await box.follow("orders/*");
  await box.remove(b.id);

  const asked = hub.requests.map(({ method, path, body }) => [method, path, body]);
  assert.deepEqual(asked, [
    ["POST", "/inbox/alice/read", `{"through":"${a.id}"}`],
    ["POST", "/inbox/alice/unread", `{"ids":["${a.id}"]}`],
    ["POST", "/inbox/alice/seen", '{"all":true}'],
    ["POST", "/inbox/alice/archive", `{"ids":["${a.id}","${b.id}"]}`],
    ["PUT", "/inbox/alice/mute/chat", ""],
    ["DELETE", "/inbox/alice/mute/chat", ""],
    ["PUT", "/inbox/alice/follows/orders/*", ""],
    ["DELETE", `/inbox/alice/${b.id}`, ""],
  ]);
  assert.ok(hub.requests.every(({ headers }) => headers.authorization === "Bearer t"));
});

test("the name of a user is one segment of the URL", async (t) => {
  const hub = await inboxHubOf(t);
  const asked = (user, url = hub.url) => {
    const box = inbox(user, { url, signal: AbortSignal.abort() });
    return box.url.slice(hub.url.length);
  };

  assert.equal(asked("a/b c?#%"), "/inbox/a%2Fb%20c%3F%23%25");
  assert.equal(asked("alice", `${hub.url}/push`), "/push/inbox/alice");
  assert.equal(asked("alice", `${hub.url}/push/?access_token=t`), "/push/inbox/alice?access_token=t");
  assert.equal(asked(`${hub.url}/inbox/bob/`), "/inbox/bob");
  for (const user of ["", "."]) assert.throws(() => inbox(user, { url: hub.url }), /name of a user|URL/);
});

test("beyond what is kept by itself there are older ones for as long as the hub has some", async (t) => {
  const hub = await inboxHubOf(t);
  hub.does(USER, (model) => Array.from({ length: 1_070 }, (_, at) => model.notify({ title: String(at) })));
  const box = openBox(t, hub);
  await box.ready;

  while (box.items.length < 1_000) await box.loadMore();
  assert.deepEqual([box.items.length, box.hasMore], [1_000, true]);
  await box.loadMore();
  assert.deepEqual([box.items.length, box.hasMore], [1_050, true]);
  await box.loadMore();

  assert.deepEqual([box.items.length, box.hasMore], [1_070, false]);
  assert.deepEqual(titles(box), hub.user(USER).items.map(({ title }) => title));
});

test("older ones are loaded page by page", async (t) => {
  const hub = await inboxHubOf(t);
  hub.does(USER, (model) => Array.from({ length: 120 }, (_, at) => model.notify({ title: String(at) })));
  const box = openBox(t, hub);
  await box.ready;

  assert.deepEqual([box.items.length, box.hasMore], [50, true]);
  await Promise.all([box.loadMore(), box.loadMore()]);
  assert.equal(box.items.length, 100);
  await box.loadMore();

  assert.deepEqual([box.items.length, box.hasMore], [120, false]);
  assert.deepEqual(titles(box), hub.user(USER).items.map(({ title }) => title));
  await box.loadMore();
  assert.equal(box.items.length, 120);
});

test("what is archived leaves the list, unless the page wants it", async (t) => {
  const hub = await inboxHubOf(t);
  const item = hub.does(USER, (model) => model.notify({ title: "a" }));
  const [box, all] = [openBox(t, hub), openBox(t, hub, { filter: {} })];
  await Promise.all([isOpen(box), isOpen(all)]);

  await box.archive(item);
  await until(all, () => all.items[0].archived);

  assert.deepEqual([box.items.length, box.unread], [0, 0]);
  assert.deepEqual([all.items.length, all.unread], [1, 0]);
  // Another device takes it out of the archive again.
  await all.markUnread(item);
  await until(box, () => box.items.length === 1);
  assert.equal(box.unread, 1);
});

test("two devices that mark at once agree", async (t) => {
  const hub = await inboxHubOf(t);
  const items = hub.does(USER, (model) => Array.from({ length: 6 }, (_, at) => model.notify({ title: String(at) })));
  const [one, other] = [openBox(t, hub), openBox(t, hub)];
  await Promise.all([isOpen(one), isOpen(other)]);

  await Promise.all([one.markRead({ all: true }), other.markRead({ all: true }), other.markUnread(items[2]), one.remove(items[0])]);
  await Promise.all([one, other].map((box) => until(box, () => box.version === hub.user(USER).version)));

  for (const box of [one, other]) {
    assert.equal(box.unread, hub.user(USER).unread);
    assert.deepEqual(box.items.map((item) => ({ ...item })), hub.user(USER).items);
  }
});

test("a gap loads the list anew, and is told", async (t) => {
  const hub = await inboxHubOf(t);
  hub.does(USER, (model) => model.notify({ title: "a" }));
  const box = openBox(t, hub);
  await isOpen(box);

  // While it is away, something happens that the log forgets.
  hub.intercept = ({ headers }) => (/event-stream/.test(headers.accept) ? "cut" : undefined);
  hub.cut();
  hub.does(USER, (model) => (model.notify({ title: "b" }), model.forget()));
  hub.intercept = () => undefined;
  await until(box, () => box.items.length === 2);

  assert.deepEqual([box.unread, titles(box)], [2, ["b", "a"]]);
  assert.ok(box.told.some(([type]) => type === "gap"));
});

test("a hub that was restored from an older copy counts, though its version is lower", async (t) => {
  const hub = await inboxHubOf(t);
  hub.does(USER, (model) => Array.from({ length: 9 }, () => model.notify({ title: "old" })));
  const box = openBox(t, hub);
  await isOpen(box);

  hub.does(USER, (model) => {
    model.items = [];
    model.restore("e2");
    model.notify({ title: "restored" });
  });
  hub.cut();
  await until(box, () => box.items.length === 1);

  assert.deepEqual([box.unread, titles(box)], [1, ["restored"]]);
  assert.equal(box.version, 2);
});

test("a hub that is away at first is asked until it is there", async (t) => {
  const hub = await inboxHubOf(t);
  hub.does(USER, (model) => model.notify({ title: "a" }));
  let refusals = 3;
  hub.intercept = () => (refusals-- > 0 ? { status: 503 } : undefined);
  const box = openBox(t, hub);

  await box.ready;

  assert.equal(box.unread, 1);
  assert.deepEqual(box.told.filter(([type]) => type === "error"), [["error", 503], ["error", 503], ["error", 503]]);
  assert.equal(box.snapshot.failure, undefined);
});

test("a user who may not read is told why, and the inbox is closed", async (t) => {
  const hub = await inboxHubOf(t);
  hub.intercept = () => ({ status: 403, body: { title: "forbidden", detail: "not your inbox" } });
  const box = openBox(t, hub);

  await assert.rejects(box.ready, ({ status }) => status === 403);

  assert.equal(box.state, "closed");
  assert.equal(box.snapshot.failure.problem.detail, "not your inbox");
  assert.deepEqual(box.told, [["error", 403]]);
});

test("a token that is over is made anew once, for the list and for marks", async (t) => {
  const hub = await inboxHubOf(t);
  const item = hub.does(USER, (model) => model.notify({ title: "a" }));
  let valid = "t1";
  let made = 0;
  hub.intercept = ({ headers }) => (headers.authorization === `Bearer ${valid}` ? undefined : { status: 401 });
  const box = openBox(t, hub, { token: () => ((made += 1) === 1 ? "t0" : valid) });
  await isOpen(box);

  valid = "t2";
  await box.markRead(item);

  assert.equal(hub.user(USER).unread, 0);
  assert.deepEqual(box.told, []);
});

test("its snapshot is the same object until something changes", async (t) => {
  const hub = await inboxHubOf(t);
  const item = hub.does(USER, (model) => model.notify({ title: "a" }));
  const box = openBox(t, hub);
  await isOpen(box);
  let changes = 0;
  const leave = box.subscribe(() => (changes += 1));

  const before = box.snapshot;
  assert.equal(box.snapshot, before);
  assert.equal(box.items, before.items);
  const marked = box.markRead(item.id);
  assert.notEqual(box.snapshot, before);
  assert.equal(before.unread, 1);
  await marked;
  leave();
  const count = changes;
  await box.markUnread(item.id);
  assert.ok(count > 0);
  assert.equal(changes, count);
});

test("what is muted and followed is asked for once, and then told", async (t) => {
  const hub = await inboxHubOf(t);
  hub.does(USER, (model) => (model.prefer("muted", "chat", true), model.prefer("follows", "a/*", true)));
  const box = openBox(t, hub);
  await isOpen(box);
  assert.equal(box.muted, undefined);

  await box.loadPreferences();
  assert.deepEqual([box.muted, box.follows], [["chat"], ["a/*"]]);
  const muted = box.mute("news");
  assert.deepEqual(box.muted, ["chat", "news"]);
  await muted;
  hub.does(USER, (model) => model.prefer("muted", "chat", false));
  await until(box, () => box.muted.length === 1);
  assert.deepEqual(box.muted, ["news"]);

  hub.intercept = ({ method }) => (method === "PUT" ? { status: 400 } : undefined);
  await assert.rejects(box.follow("b"), ({ status }) => status === 400);
  assert.deepEqual(box.follows, ["a/*"]);
});

for (const transport of ["sse", "long-poll", "poll"]) {
  test(`${transport}: it follows the hub`, async (t) => {
    const hub = await inboxHubOf(t);
    const box = openBox(t, hub, { transport });
    await isOpen(box);

    const item = hub.does(USER, (model) => model.notify({ title: "a" }));
    await until(box, () => box.unread === 1 && box.items.length === 1);
    hub.does(USER, (model) => model.mark("read", { ids: [item.id] }));
    await until(box, () => box.unread === 0 && box.items[0].read);

    assert.deepEqual(box.told, [["notification", "a"]]);
  });
}

test("a signal closes it, and asks nothing more", async (t) => {
  const hub = await inboxHubOf(t);
  const abort = new AbortController();
  const box = openBox(t, hub, { signal: abort.signal });
  await isOpen(box);

  abort.abort();

  assert.equal(box.state, "closed");
  assert.equal(inbox(USER, { url: hub.url, signal: abort.signal }).state, "closed");
});

const SEEDS = Number(process.env.TIDINGS_INBOX_HTTP_SEEDS ?? 6);

test("two devices, a hub that is killed, and a network that loses what it carries: in the end all agree", async (t) => {
  // They wait for the network most of the time, so they wait together.
  const play = async (seed) => {
    const hub = await inboxHubOf(t);
    const random = randomOf(seed);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const model = hub.user(USER);
    for (let at = 0; at < 70; at += 1) model.notify({ title: `old ${at}`, kind: pick(["a", "b"]) });
    const boxes = [{}, { archived: false }, { unread: true }].map((filter) => openBox(t, hub, { filter, transport: pick(["sse", "poll"]) }));
    await Promise.all(boxes.map((box) => box.ready));
    hub.intercept = () => pick([undefined, undefined, undefined, "cut", "lose", { status: 503 }, new Promise((resolve) => setTimeout(resolve, 5))]);
    const done = [];
    for (let at = 0; at < 60; at += 1) {
      const box = pick(boxes);
      const item = pick(box.items) ?? { id: "e1-1" };
      const act = pick([
        () => hub.does(USER, (model) => model.notify({ title: `new ${at}`, kind: pick(["a", "b"]) })),
        () => hub.does(USER, (model) => model.remove(pick(model.items).id, { expired: true })),
        () => hub.cut(),
        () => random() < 0.2 && hub.does(USER, (model) => model.forget()),
        () => done.push(box.markRead(pick([item, { through: item }, { all: true }]))),
        () => done.push(box.markUnread([item, ...box.items.slice(0, 2)])),
        () => done.push(pick([box.archive, box.markSeen]).call(box, item)),
        () => done.push(box.remove(item)),
        () => box.loadMore().catch(() => {}),
      ]);
      act();
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, 2));
      if (random() < 0.03) {
        await hub.stop();
        await hub.start();
      }
    }
    hub.intercept = () => undefined;
    await Promise.allSettled(done);
    for (const [at, filter] of [{}, { archived: false }, { unread: true }].entries()) {
      const box = boxes[at];
      // Each change asks for what is missing, until all is there.
      const wanted = () => model.items.filter((item) => isWanted(item, filter));
      const isSame = () => {
        if (box.hasMore) box.loadMore().catch(() => {});
        return box.unread === model.unread && JSON.stringify(box.items.map(keyOf)) === JSON.stringify(wanted().map(keyOf));
      };
      await until(box, isSame);
      box.close();
    }
    t.diagnostic(`seed ${seed}: ${hub.requests.length} requests`);
  };
  await Promise.all(Array.from({ length: SEEDS }, (_, at) => play(at + 1)));
});

function keyOf({ id, title, read, seen, archived }) {
  return [id, title, read, seen, archived];
}
