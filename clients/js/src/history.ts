// What a hub holds of the past, page by page.

import type { Fresh } from "./access.js";
import { answered, type CallOptions } from "./answered.js";
import type { Core } from "./core.js";
import type { StreamEvent } from "./event.js";
import type { TidingsEvent } from "./events.js";

export interface HistoryOptions extends CallOptions {
  /** Topics and patterns beside those in the URL, which is `/events` of a hub then. */
  topics?: readonly string[] | undefined;
  /** Begins with the newest events, this many. */
  last?: number | undefined;
  /** Begins at `earliest`, an age such as `10m`, or a time as RFC 3339 or a `Date`. */
  since?: string | Date | undefined;
  /** Begins after this id. */
  after?: string | undefined;
  /** Events of a page, at most: 100 if it is left out. */
  limit?: number | undefined;
}

/** Events that were asked for are gone from the log of the hub. */
export interface HistoryGap {
  /** The id that was asked for. */
  requested: string;
  /** `expired`, `unknown`, `other-epoch` or `damaged`; there may be more one day. */
  reason: string;
  /** The place after which the page begins. */
  resumesAfter: string;
}

export interface HistoryPage {
  events: TidingsEvent[];
  /** The place behind the page: the next one, or a subscription, goes on after it. */
  cursor: string;
  /** Whether there is more at the moment. */
  more: boolean;
  gap: HistoryGap | undefined;
  /** Whether older events may be there than `last` has found: the search for them has ended early. */
  partial: boolean;
}

/** Pages, and each is asked for when it is wanted. Another iteration goes on where the last one has ended. */
export interface History extends AsyncIterable<HistoryPage> {
  /** The events alone. Each page is asked for when its first event is wanted. */
  events(): AsyncGenerator<TidingsEvent, void, undefined>;
  /** The place behind what was iterated: a subscription that begins there misses nothing. */
  readonly lastEventId: string;
  /** The newest gap that a page has told. */
  readonly gap?: HistoryGap | undefined;
}

/** Where an iteration is. */
export interface Past {
  lastEventId: string;
  gap?: HistoryGap | undefined;
}

type Url = Fresh<string | URL>;

/** Ends at the head of the log. */
export async function* pagesOf(core: Core, url: Url, options: HistoryOptions = {}, past: Past): AsyncGenerator<HistoryPage, void, undefined> {
  for (let more = true; more; ) {
    const page = await pageAfter(core, url, options, past.lastEventId);
    past.lastEventId = page.cursor;
    past.gap = page.gap ?? past.gap;
    more = page.more;
    yield page;
  }
}

export async function* eventsOf(core: Core, url: Url, options: HistoryOptions = {}, past: Past): AsyncGenerator<TidingsEvent, void, undefined> {
  for await (const { events, cursor } of pagesOf(core, url, options, past)) {
    for (const event of events) {
      past.lastEventId = event.lastEventId;
      yield event;
    }
    past.lastEventId = cursor;
  }
}

function pageAfter(core: Core, url: Url, options: HistoryOptions, place: string): Promise<HistoryPage> {
  const { topics = [], last, since, limit } = options;
  const time = since instanceof Date ? since.toISOString() : since;
  const address = ({ searchParams: query }: URL) => {
    for (const topic of topics) query.append("topic", topic);
    const asked = place ? { after: place, limit } : { last, since: time, limit };
    if (place) for (const name of ["last", "since", "last_event_id", "lastEventId"]) query.delete(name);
    for (const [name, value] of Object.entries(asked)) if (value !== undefined) query.set(name, String(value));
  };
  const request = { url, address, method: "GET", headers: { accept: "application/json" } };
  return answered(core, request, options, async (answer) => {
    const { events, cursor, more, gap, partial = false } = await answer.json();
    const { origin } = core.absolute(answer.url);
    return {
      events: events.map((event: StreamEvent) => new core.TidingsEvent(event, origin)),
      cursor,
      more,
      gap: gap && { requested: gap.requested, reason: gap.reason, resumesAfter: gap.resumes_after },
      partial,
    };
  });
}
