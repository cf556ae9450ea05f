// Transports that are seldom needed: loaded when one of them is.

import type { Carry } from "./carry.js";

const notYet: Carry = () => Promise.reject(new Error("this transport is not built yet"));

export const carriers: Record<"websocket" | "native" | "iframe", Carry> = { websocket: notYet, native: notYet, iframe: notYet };
