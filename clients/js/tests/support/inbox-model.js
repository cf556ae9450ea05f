// The inbox of one user as a hub has it, written as plainly as can be: a log of records, each with the blocks of the stream that it makes.

/** Where the ids begin: an epoch of the log. */
const cursorOf = (epoch, sequence) => `${epoch}-${sequence}`;

export class InboxModel {
  /** `{ sequence, blocks, count }`, the oldest first. */
  records = [];
  /** The newest first. */
  items = [];
  version = 0;
  muted = new Set();
  follows = new Set();
  /** Records up to this one are gone: a stream that asks for them gets a gap. */
  floor = 0;
  sequence = 0;
  epoch = 'e1';

  get unread() {
    return this.items.filter(({ read }) => !read).length;
  }

  get position() {
    return cursorOf(this.epoch, this.sequence);
  }

  notify(notification) {
    const sequence = this.sequence + 1;
    const item = { id: cursorOf(this.epoch, sequence), ...notification, time: new Date(1_700_000_000_000 + sequence * 1_000).toISOString() };
    Object.assign(item, { read: false, seen: false, archived: false });
    this.items.unshift(item);
    this.#record([['notification', { ...item }]]);
    return item;
  }

  /** Other events of the log move its head. */
  pass() {
    this.sequence += 1;
  }

  mark(action, { ids, through, all }) {
    const at = this.items.findIndex(({ id }) => id === through);
    const meant = all ? this.items : through ? (at < 0 ? [] : this.items.slice(at)) : this.items.filter(({ id }) => ids.includes(id));
    const flags = {
      read: { read: true, seen: true },
      unread: { read: false, archived: false },
      seen: { seen: true },
      archive: { archived: true, read: true, seen: true },
    }[action];
    // Those in which the same members change make one block.
    const groups = new Map();
    for (const item of meant) {
      const changed = Object.fromEntries(Object.entries(flags).filter(([name, value]) => item[name] !== value));
      const key = JSON.stringify(changed);
      if (key === '{}') continue;
      Object.assign(item, changed);
      groups.set(key, [...(groups.get(key) ?? []), item.id]);
    }
    if (groups.size) this.#record([...groups].map(([key, ids]) => ['changed', { ids, ...JSON.parse(key) }]));
    return { unread: this.unread, version: this.version, changed: [...groups.values()].flat().length };
  }

  /** Returns whether there was one. `why`: more members of the block. */
  remove(id, why = {}) {
    const length = this.items.length;
    this.items = this.items.filter((item) => item.id !== id);
    if (this.items.length === length) return false;
    this.#record([['changed', { ids: [id], deleted: true, ...why }]]);
    return true;
  }

  erase() {
    this.items = [];
    this.#record([['changed', { all: true, deleted: true }]]);
  }

  prefer(name, value, isOn) {
    isOn ? this[name].add(value) : this[name].delete(value);
    this.#record([['changed', { [name]: [...this[name]].sort() }]], false);
  }

  /** Records up to the newest leave the log. */
  forget() {
    this.floor = this.sequence;
  }

  /** Another copy of the log: what was heard of the old one means nothing here. */
  restore(epoch) {
    this.epoch = epoch;
    this.sequence = this.version = 1;
    this.records = [];
    this.floor = 0;
  }

  list({ archived, unread, kinds = [], limit = 50, before } = {}) {
    const at = before ? this.items.findIndex(({ id }) => sequenceOf(id) < sequenceOf(before)) : 0;
    const rest = at < 0 ? [] : this.items.slice(at).filter((item) => isWanted(item, { archived, unread, kinds }));
    const items = rest.slice(0, limit).map((item) => ({ ...item }));
    const { version, position } = this;
    return { items, unread: this.unread, version, cursor: items.at(-1)?.id ?? null, more: rest.length > limit, position };
  }

  /** Blocks of all records behind a place, each with the id if it is the last of its record; undefined if they are gone. */
  after(place) {
    const [epoch, sequence] = place.split('-');
    if (epoch !== this.epoch || Number(sequence) < this.floor) return undefined;
    return this.records.filter((record) => record.sequence > Number(sequence)).map((record) => ({ place: cursorOf(this.epoch, record.sequence), ...record }));
  }

  #record(blocks, isCounted = true) {
    this.sequence += 1;
    this.version = this.sequence;
    const count = { count: this.unread, version: this.version };
    const all = [...blocks, ...(isCounted ? [['unread', count]] : [])].map(([type, data]) => ({ type, data: JSON.stringify(data) }));
    this.records.push({ sequence: this.sequence, blocks: all, count: isCounted ? count : undefined });
  }
}

export function isWanted(item, { archived, unread, kinds = [] }) {
  if (archived !== undefined && item.archived !== archived) return false;
  if (unread !== undefined && item.read === unread) return false;
  return !kinds.length || kinds.includes(item.kind);
}

export function sequenceOf(id) {
  return Number(id.split('-')[1]);
}
