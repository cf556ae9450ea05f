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

/** Types that begin so are the hub's own. No publisher can use them. */
const OWN = "tidings.";

/** Events that were asked for are gone. */
export const GAP = `${OWN}gap`;

/** The hub says who is there in a topic, or who has come and gone. */
const PRESENCE = `${OWN}presence`;

/** Whether the event is news for the page. The others only say where the stream stands. */
export function isNews({ type }: StreamEvent): boolean {
  return !type.startsWith(OWN) || type.startsWith(PRESENCE);
}
