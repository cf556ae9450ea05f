// Functions whose code is loaded when they are called.

import type { Fresh } from "./access.js";
import { core } from "./core.js";
import type { History, HistoryOptions } from "./history.js";
import type { Draft, PublishAllOptions, Published, PublishedAll, PublishOptions } from "./publish.js";

const load = () => import("./calls.js");

/**
 * Publishes an event to a topic of a hub: a text as it is, and anything else as JSON. What the network loses is sent again, with the same
 * idempotency key, so it is published once. Rejects with a `Failure` where the hub refuses, or where it has not answered for 30 s.
 */
export const publish = async (url: Fresh<string | URL>, data: unknown, options?: PublishOptions): Promise<Published> =>
  (await load()).publish(core, url, data, options);

/** Publishes events of any topics, all of them or none. `url` is `/events` of a hub. */
export const publishAll = async (url: Fresh<string | URL>, events: Iterable<Draft>, options?: PublishAllOptions): Promise<PublishedAll> =>
  (await load()).publishAll(core, url, events, options);

/** Reads what a hub holds, page by page: from the earliest event, or from where the options say. */
export const history = (url: Fresh<string | URL>, options?: HistoryOptions): History => ({
  lastEventId: options?.after || "",
  async *[Symbol.asyncIterator]() {
    yield* (await load()).pagesOf(core, url, options, this);
  },
  async *events() {
    yield* (await load()).eventsOf(core, url, options, this);
  },
});
