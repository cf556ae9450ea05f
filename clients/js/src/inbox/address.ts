// The URLs of an inbox.

import { absolute } from "../absolute.js";

/** What a page may give: the URL of an inbox, or the name of a user. */
export function inboxUrl(given: string | URL, hub: string | URL = "/"): URL {
  if (given instanceof URL || /^(https?:|\.{0,2}\/)/i.test(given)) return withoutSlash(absolute(given));
  // A browser takes these for steps in the path, however they are encoded.
  if (!given || given === "." || given === "..") throw new TypeError(`no name of a user: ${JSON.stringify(given)}`);
  const root = absolute(hub);
  if (!root.pathname.endsWith("/")) root.pathname += "/";
  root.pathname += `inbox/${encodeURIComponent(given)}`;
  return root;
}

/** A resource below the inbox. Its parameters are those of the inbox, such as one that lets it in. */
export function below(inbox: URL, ...segments: string[]): URL {
  const url = new URL(inbox);
  url.pathname = [url.pathname, ...segments.map(encodeURIComponent)].join("/");
  return url;
}

/** The segments of a selector in a path. Programs on the way fold two slashes into one, so an empty segment is no part of the path. */
export function segmentsOf(selector: string): string[] {
  const segments = selector.split("/");
  return segments.includes("") ? [selector] : segments;
}

function withoutSlash(url: URL): URL {
  url.pathname = url.pathname.replace(/\/$/, "");
  return url;
}
