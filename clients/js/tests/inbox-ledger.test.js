// What an inbox holds, against a naive model of the hub: marks, answers, blocks and pages arrive in any order that a network can bring.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ITEMS_MAX, Ledger } from "../dist/inbox/ledger.js";
import { marksOf } from "../dist/inbox/marks.js";
import { changesOf, countOf, listOf } from "../dist/inbox/said.js";
import { InboxModel, isWanted } from "./support/inbox-model.js";
import { randomOf } from "./support/tabs-world.js";

const SEEDS = Number(process.env.TIDINGS_INBOX_SEEDS ?? 400);
const ACTIONS = ["read", "unread", "seen", "archive"];

/** A page with its ledger, a hub, and what is on its way between them. */
class World {
  hub = new InboxModel();
  /** Answers of the hub on their way, in any order. */
  answers = [];
  page;

  constructor(seed, filter) {
    this.random = randomOf(seed);
    this.filter = filter;
    this.asked = { ...filter, kinds: [filter.kind ?? []].flat() };
    // Few, so that the oldest often leave to make room.
    this.ledger = new Ledger(filter, 6);
    for (let at = 0; at < this.below(12); at += 1) this.notify();
    this.load();
  }

  below(count) {
    return Math.floor(this.random() * count);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  notify() {
    this.hub.notify({ title: `title ${this.hub.sequence}`, kind: this.pick(["a", "b"]) });
  }

  /** The list is asked for and comes, while marks are on their way. */
  load() {
    const answered = this.ledger.answered();
    const list = listOf(structuredClone(this.hub.list({ ...this.asked, limit: 5 })));
    // Answers of marks may overtake the list.
    if (this.below(2)) this.arrive();
    this.ledger.reset(list, answered);
    this.page = undefined;
    this.isStale = false;
    this.connect(list.position);
  }

  /** A connection begins: the count, and what was missed. */
  connect(place) {
    this.place = place;
    if (this.ledger.begin(countOf({ count: this.hub.unread, version: this.hub.version }))) this.isStale = true;
  }

  /** The stream tells one more record. */
  hear() {
    const records = this.hub.after(this.place);
    if (!records || this.isStale) return this.load();
    const [record] = records;
    if (!record) return;
    this.place = record.place;
    const changes = record.blocks.filter(({ type }) => type !== "unread").flatMap(changesOf);
    const { isStale } = this.ledger.hear(changes, record.count && countOf(record.count));
    this.isStale = isStale;
  }

  arrive() {
    const [answer] = this.answers.splice(this.below(this.answers.length), 1);
    answer?.();
  }

  /** The page marks something; the request is done, is lost before, or its answer is lost and it is sent again. */
  mark() {
    const { known } = this.ledger;
    const action = this.pick([...ACTIONS, "delete"]);
    const one = this.pick(known)?.id ?? "e1-0";
    const which = action === "delete" ? one : this.pick([one, known.slice(0, 3), { through: one }, { all: true }]);
    for (const mark of marksOf(action, which, known)) {
      this.ledger.add(mark);
      const send = () => (action === "delete" ? (mark.ids.forEach((id) => this.hub.remove(id)), undefined) : this.hub.mark(action, structuredClone(mark.body)));
      const luck = this.below(10);
      // It is refused, or never arrives.
      if (luck === 0) this.answers.push(() => this.ledger.drop(mark));
      else {
        this.answers.push(() => {
          const answer = send();
          // A lost answer: it is sent again.
          const last = luck === 1 ? send() : answer;
          this.answers.push(() => this.ledger.answer(mark, last && countOf({ count: last.unread, version: last.version })));
        });
      }
    }
  }

  loadMore() {
    const { before } = this.ledger;
    if (before === undefined || this.page) return;
    const page = (this.page = this.ledger.beginPage());
    let list;
    this.answers.push(() => {
      list = listOf(structuredClone(this.hub.list({ ...this.asked, limit: 5, before })));
      this.answers.push(() => {
        // It may be lost on the way.
        if (this.below(5)) this.ledger.endPage(page, list);
        else this.ledger.dropPage(page);
        if (this.page === page) this.page = undefined;
      });
    });
  }

  /** Something happens on another device, or at the hub. */
  elsewhere() {
    const item = this.pick(this.hub.items);
    const id = item?.id;
    const happens = [
      () => this.notify(),
      () => this.notify(),
      () => this.hub.pass(),
      () => id && this.hub.mark(this.pick(ACTIONS), { ids: [id] }),
      () => id && this.hub.mark(this.pick(ACTIONS), { through: id }),
      () => this.hub.mark(this.pick(ACTIONS), { all: true }),
      () => id && this.hub.remove(id, { expired: true }),
      () => this.below(10) || this.hub.erase(),
      () => this.below(4) || this.hub.forget(),
    ];
    this.pick(happens)();
  }

  step() {
    const steps = [() => this.elsewhere(), () => this.elsewhere(), () => this.mark(), () => this.arrive(), () => this.arrive(), () => this.hear(), () => this.hear(), () => this.loadMore()];
    if (this.below(30) === 0) return this.connect(this.place);
    if (this.below(60) === 0) return this.load();
    this.pick(steps)();
  }

  settle() {
    while (this.answers.length) this.arrive();
    for (let at = 0; at < 1_000; at += 1) this.hear();
    while (this.ledger.before !== undefined) {
      this.loadMore();
      while (this.answers.length) this.arrive();
    }
  }
}

for (const filter of [{}, { archived: false }, { unread: true }, { archived: false, kind: "a" }]) {
  test(`whatever happens, the list of ${JSON.stringify(filter)} ends as the hub has it`, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const world = new World(seed, filter);
      for (let at = 0; at < 120; at += 1) world.step();
      world.settle();

      const { items, unread } = world.ledger.view();
      assert.equal(unread, world.hub.unread, `unread of seed ${seed}`);
      assert.deepEqual(items.map((item) => ({ ...item })), world.hub.items.filter((item) => isWanted(item, world.asked)), `items of seed ${seed}`);
    }
  });
}

function ledgerOf(hub, filter = {}) {
  const ledger = new Ledger(filter);
  ledger.reset(listOf(hub.list({ limit: 200 })));
  return ledger;
}

test("a mark is shown before the hub has done it, and taken back where it refuses", () => {
  const hub = new InboxModel();
  const [first, second] = [hub.notify({ title: "1" }), hub.notify({ title: "2" })];
  const ledger = ledgerOf(hub);
  const [mark] = marksOf("read", first.id, ledger.known);

  ledger.add(mark);

  assert.equal(ledger.view().unread, 1);
  assert.deepEqual(ledger.view().items.map(({ id, read }) => [id, read]), [[second.id, false], [first.id, true]]);
  ledger.drop(mark);
  assert.equal(ledger.view().unread, 2);
  assert.equal(ledger.view().items[1].read, false);
});

test("the answer of a mark may come before its blocks: nothing flickers meanwhile", () => {
  const hub = new InboxModel();
  const item = hub.notify({ title: "1" });
  const ledger = ledgerOf(hub);
  const [mark] = marksOf("read", item.id, ledger.known);
  ledger.add(mark);

  const { unread, version } = hub.mark("read", mark.body);
  ledger.answer(mark, countOf({ count: unread, version }));

  assert.equal(ledger.view().unread, 0);
  assert.equal(ledger.view().items[0].read, true);
  const record = hub.records.at(-1);
  ledger.hear(record.blocks.slice(0, -1).flatMap(changesOf), record.count);
  assert.equal(ledger.view().unread, 0);
  assert.equal(ledger.answered().size, 0);
});

test("all that this page has not loaded is read, too, and what comes meanwhile is not", () => {
  const hub = new InboxModel();
  for (let at = 0; at < 8; at += 1) hub.notify({ title: String(at) });
  const ledger = new Ledger({});
  ledger.reset(listOf(hub.list({ limit: 3 })));
  const [mark] = marksOf("read", { all: true }, ledger.known);

  ledger.add(mark);
  assert.equal(ledger.view().unread, 0);
  hub.notify({ title: "new" });
  const record = hub.records.at(-1);
  ledger.hear(record.blocks.slice(0, -1).flatMap(changesOf), record.count);

  assert.equal(ledger.view().unread, 1);
  assert.deepEqual(ledger.view().items.map(({ read }) => read), [false, true, true, true]);
});

test("the newest are kept, and the rest can be asked for as long as the hub has more", () => {
  const hub = new InboxModel();
  const ledger = ledgerOf(hub);
  for (let at = 0; at < ITEMS_MAX + 5; at += 1) {
    hub.notify({ title: String(at) });
    const record = hub.records.at(-1);
    ledger.hear(record.blocks.slice(0, -1).flatMap(changesOf), record.count);
  }

  assert.equal(ledger.view().items.length, ITEMS_MAX);
  assert.equal(ledger.view().unread, ITEMS_MAX + 5);
  assert.equal(ledger.before, hub.items[ITEMS_MAX - 1].id);
  const next = () => ledger.endPage(ledger.beginPage(), listOf(hub.list({ limit: 3, before: ledger.before })));
  next();
  assert.equal(ledger.view().items.length, ITEMS_MAX + 3);
  assert.equal(ledger.before, hub.items[ITEMS_MAX + 2].id);
  next();
  assert.equal(ledger.before, undefined);
  assert.deepEqual(ledger.view().items.map(({ id }) => id), hub.items.map(({ id }) => id));

  // What comes by itself takes the place of the oldest, and makes no more room.
  hub.notify({ title: "new" });
  ledger.hear(hub.records.at(-1).blocks.slice(0, -1).flatMap(changesOf), hub.records.at(-1).count);
  assert.equal(ledger.view().items.length, ITEMS_MAX + 5);
  assert.equal(ledger.before, hub.items[ITEMS_MAX + 4].id);
});

test("what comes while a page of older ones is on its way leaves no hole between them", () => {
  const hub = new InboxModel();
  for (let at = 0; at < 12; at += 1) hub.notify({ title: String(at) });
  const ledger = new Ledger({}, 5);
  ledger.reset(listOf(hub.list({ limit: 5 })));

  const page = ledger.beginPage();
  const list = listOf(structuredClone(hub.list({ limit: 3, before: ledger.before })));
  hub.notify({ title: "new" });
  ledger.hear(hub.records.at(-1).blocks.slice(0, -1).flatMap(changesOf), hub.records.at(-1).count);
  ledger.endPage(page, list);

  assert.deepEqual(ledger.view().items.map(({ id }) => id), hub.items.slice(0, 9).map(({ id }) => id));
});

test("an item does not change, and keeps its identity while nothing about it changes", () => {
  const hub = new InboxModel();
  const [first] = [hub.notify({ title: "1", data: { a: 1 } }), hub.notify({ title: "2" })];
  const ledger = ledgerOf(hub);
  const before = ledger.view().items;

  hub.mark("read", { ids: [first.id] });
  ledger.hear(hub.records.at(-1).blocks.slice(0, -1).flatMap(changesOf), hub.records.at(-1).count);

  const after = ledger.view().items;
  assert.equal(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
  assert.ok(Object.isFrozen(after[1]));
  assert.deepEqual(after[1].data, { a: 1 });
});

test("a block that is no block of this version asks for the list", () => {
  const ledger = ledgerOf(new InboxModel());

  for (const [type, data] of [["notification", "{}"], ["notification", "no JSON"], ["changed", '{"pinned":["a"]}'], ["changed", "[]"], ["changed", "null"]]) {
    assert.equal(ledger.hear(changesOf({ type, data })).isStale, true, data);
  }
});

test("an id is marked in pieces that the hub takes, and each once", () => {
  const ids = Array.from({ length: 2_500 }, (_, at) => `e-${at}`);

  const marks = marksOf("read", [...ids, ...ids], []);

  assert.deepEqual(marks.map(({ body }) => body.ids.length), [1_000, 1_000, 500]);
  assert.deepEqual(marks.flatMap(({ body }) => body.ids), ids);
});
