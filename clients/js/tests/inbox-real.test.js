// The inbox of the client against the real hub, by seeds: several devices mark at once, notifications expire and repeat, the hub is killed, and in
// the end every device shows what the hub has.

import assert from "node:assert/strict";
import { test } from "node:test";

import { restartHub } from "../../../tests/browser/hub.js";
import { inbox } from "../dist/inbox/index.js";
import { hubOf } from "./support/hub.js";
import { isWanted } from "./support/inbox-model.js";
import { randomOf } from "./support/tabs-world.js";

const SEEDS = Number(process.env.TIDINGS_INBOX_REAL_SEEDS ?? 8);
const FILTERS = [{}, { archived: false }, { unread: true }, { archived: false, kind: "a" }];
/** So often the page is compared with the hub, until they agree. */
const LOOK_AGAIN_MS = 50;
const DEADLINE_MS = 60_000;

/** Asks the hub until it answers: it is killed now and then, and reads its log when it is started. */
async function ask(hub, method, path, body) {
  for (;;) {
    const answer = await fetch(new URL(path, hub.url), { method, headers: { accept: "application/json" }, body: body && JSON.stringify(body) }).catch(() => undefined);
    if (answer && answer.status < 500) return answer.status === 204 ? undefined : answer.json();
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** All items of a user, page by page. */
async function all(hub, user) {
  const items = [];
  for (let before = ""; ; ) {
    const list = await ask(hub, "GET", `/inbox/${user}?limit=200${before && `&before=${before}`}`);
    items.push(...list.items);
    if (!list.more) return { items, unread: list.unread };
    before = list.cursor;
  }
}

const keyOf = ({ id, title, read, seen, archived }) => [id, title, read, seen, archived];

async function agree(hub, user, box, filter) {
  for (const end = Date.now() + DEADLINE_MS; ; ) {
    const { items, unread } = await all(hub, user);
    const has = [unread, items.filter((item) => isWanted(item, { ...filter, kinds: [filter.kind ?? []].flat() })).map(keyOf)];
    const shown = [box.unread, box.items.map(keyOf)];
    if (JSON.stringify(has) === JSON.stringify(shown)) return;
    if (Date.now() > end) assert.deepEqual(shown, has, JSON.stringify(filter));
    if (box.hasMore) await box.loadMore().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

test("devices that mark at once, and a hub that is killed: in the end all show what the hub has", async (t) => {
  let hub = await hubOf(t);
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = randomOf(seed);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const user = `user-${seed}`;
    for (let at = 0; at < 60; at += 1) await ask(hub, "POST", `/inbox/${user}`, { title: `old ${at}`, kind: pick(["a", "b"]) });
    const boxes = FILTERS.map((filter) => inbox(user, { url: hub.url, filter, transport: pick(["sse", "sse", "long-poll", "poll"]) }));
    await Promise.all(boxes.map((box) => box.ready));
    const done = [];
    for (let at = 0; at < 80; at += 1) {
      const box = pick(boxes);
      const item = pick(box.items);
      if (!item) continue;
      const notification = { title: `new ${at}`, kind: pick(["a", "b"]), ...pick([{}, {}, { expires: "1s" }, { dedupe: `d${at % 3}` }]) };
      const act = pick([
        () => done.push(ask(hub, "POST", `/inbox/${user}`, notification)),
        () => done.push(ask(hub, "POST", `/inbox/${user}/${pick(["read", "unread", "seen", "archive"])}`, { through: item.id })),
        () => done.push(box.markRead(pick([item, { through: item }, { all: true }]))),
        () => done.push(box.markUnread([item, ...box.items.slice(0, 3)])),
        () => done.push(pick([box.archive, box.markSeen]).call(box, [item])),
        () => done.push(box.remove(item)),
        () => void box.loadMore().catch(() => {}),
      ]);
      act();
      if (random() < 0.4) await new Promise((resolve) => setTimeout(resolve, 5));
      if (at === 40) {
        await hub.kill();
        hub = await restartHub({ after: (end) => t.after(end) }, hub.directory, ...hub.flags.filter((flag, at, flags) => flag !== "--listen" && flags[at - 1] !== "--listen"), "--listen", `127.0.0.1:${hub.port}`);
      }
    }
    const refused = (await Promise.allSettled(done)).filter(({ status }) => status === "rejected");
    assert.deepEqual(refused.map(({ reason }) => String(reason)), []);
    await Promise.all(boxes.map((box, at) => agree(hub, user, box, FILTERS[at])));
    for (const box of boxes) box.close();
  }
});
