// One connection for all tabs of a browser that want to hear the same hub as the same user. Loaded when a page shares.

import type { Feed } from "../subscription.js";
import { groupOf } from "./group.js";
import { browser, type Kit } from "./kit.js";
import { Member } from "./member.js";

/** What brings the events to this page: a connection of its own, where what it asks for cannot be shared. */
export function share(kit: Omit<Kit, "world">): Feed {
  const whole = { ...kit, world: browser };
  const group = "BroadcastChannel" in globalThis && groupOf(whole);
  return group ? new Member(whole, group) : kit.alone(kit.id);
}
