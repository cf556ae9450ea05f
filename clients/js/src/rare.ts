// Transports that are seldom needed.

import type { Carry } from "./carry.js";
import type { Core } from "./core.js";

export function carriersOf(_core: Core): Record<"websocket" | "native" | "iframe", Carry> {
  const notYet: Carry = () => Promise.reject(new Error("this transport is not built yet"));
  return { websocket: notYet, native: notYet, iframe: notYet };
}
