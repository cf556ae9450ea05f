// What the browser offers beside `fetch`: a WebSocket, its own EventSource, and a frame. Each begins an answer, and returns what
// ends it.

import { type Answer, OWN_TYPES } from "./answer.js";
import type { Transport } from "./carry.js";

export type Rare = Extract<Transport, "websocket" | "native" | "iframe">;

/** Begins an answer. `isCredentialed`: whether cookies go to another origin, where the browser lets a page choose. */
export type Begin = (url: URL, answer: Answer, isCredentialed: boolean) => () => void;

/** From here on a close code says not to come back. */
const FOR_GOOD = 4_100;
/** Codes of the hub's own begin here; after these one comes back. */
const COME_BACK = 4_000;
/** Closed as it should be; the other side goes away. */
const ENDED = [1_000, 1_001];

const websocket: Begin = (url, answer) => {
  const address = new URL(url);
  address.protocol = url.protocol.replace("http", "ws");
  address.hash = "";
  const socket = new WebSocket(address.href, "tidings.v1");
  socket.onopen = () => answer.open();
  socket.onmessage = ({ data }) => answer.say(data);
  socket.onclose = ({ code }) => {
    const isWell = ENDED.includes(code) || code >= COME_BACK;
    if (code >= FOR_GOOD && !answer.hasBegun) {
      answer.refusal ??= { type: "about:blank", title: `the hub has closed the WebSocket with ${code}`, status: 400 };
    }
    answer.end(isWell ? undefined : new Error(`the WebSocket was closed with ${code}`));
  };
  return () => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  };
};

/** The browser's EventSource does not show when to come back. Pages that lost a hub together come back in this time to twice that. */
const RETRY_MS = 3_000;
/** Nor does it show heartbeats, which are comments. But the hub tells a new place instead of one when the last is this old. */
const PLACE_AGE_MS = 300_000;

const native: Begin = (url, answer, isCredentialed) => {
  const source = new EventSource(url.href, { withCredentials: isCredentialed });
  source.onopen = () => {
    answer.hear.retry(RETRY_MS * (1 + Math.random()));
    answer.open();
  };
  const heard = () => answer.hear.heartbeat(PLACE_AGE_MS);
  source.onmessage = ({ data }) => {
    heard();
    answer.say(data);
  };
  for (const type of OWN_TYPES) {
    source.addEventListener(type, ({ data, lastEventId }) => {
      heard();
      answer.own(type, data, lastEventId);
    });
  }
  // It would come back with the same URL, whose ticket is used, and without a word about it.
  source.onerror = () => {
    source.close();
    answer.end();
  };
  return () => source.close();
};

/** A frame keeps the tab loading. So it waits for the page, though not for an image that does not come. */
const LOAD_MS = 2_000;
/** What a frame has said at its end may be heard after the end. */
const LATE_MS = 500;

const iframe: Begin = (url, answer) => {
  // A new frame each time: a new `src` of an old one would be an entry in the history of the tab.
  const frame = document.createElement("iframe");
  const hear = ({ source, origin, data }: MessageEvent) => {
    if (source !== frame.contentWindow || origin !== url.origin) return;
    answer.say(data);
    if (answer.retryMs !== undefined) answer.end();
  };
  const begin = () => {
    clearTimeout(timer);
    removeEventListener("load", begin);
    if (frame.parentNode === null) document.body.append(frame);
  };
  frame.hidden = true;
  frame.style.display = "none";
  frame.src = url.href;
  // At its end, and where nothing could be loaded. A stream that ends in order has said so before.
  const loaded = () => answer.end(answer.hasBegun ? new Error("the frame was cut off") : undefined);
  frame.onload = () => (timer = setTimeout(loaded, LATE_MS));
  addEventListener("message", hear);
  addEventListener("load", begin);
  let timer = setTimeout(begin, document.readyState === "complete" ? 0 : LOAD_MS);
  return () => {
    clearTimeout(timer);
    removeEventListener("load", begin);
    removeEventListener("message", hear);
    frame.remove();
  };
};

export const begins: Record<Rare, Begin> = { websocket, native, iframe };
