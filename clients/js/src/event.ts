/** An event as it came, whatever transport carried it. */
export interface StreamEvent {
  /** `message` unless the event has a type of its own. */
  type: string;
  data: string;
  /** The last event id when the event was complete. */
  id: string;
  /** Empty where the stream does not say. */
  topic: string;
  /** When it was published, as RFC 3339. Empty where the stream does not say. */
  time: string;
}

/** Events that were asked for are gone. */
export const GAP = "tidings.gap";

/** Types that no publisher can use: the hub says in these where the stream stands. Who is there in a topic is news all the same. */
const NO_NEWS = /^tidings\.(?!presence)/;

/** Whether the event is news for the page. */
export function isNews({ type }: StreamEvent): boolean {
  return !NO_NEWS.test(type);
}
