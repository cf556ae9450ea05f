// The URLs of a hub.

/** The path, below the root of the hub, under which events are published and read. */
const EVENTS = "events";

/** The URL of another resource of the hub that has `url`, with the parameters of neither. */
export function besides(url: URL, path: string): URL {
  const { pathname } = url;
  const at = eventsIn(url);
  // An alias of a topic stands below the root, too: `/stream` for `/events/greetings`.
  return new URL(pathname.slice(0, (at < 0 ? pathname.lastIndexOf("/") : at) + 1) + path, url);
}

/** The selectors that a URL names, in its path or its parameters. */
export function selectorsOf(url: URL): string[] {
  const at = eventsIn(url);
  const path = at < 0 ? "" : url.pathname.slice(at + EVENTS.length + 2);
  return path ? [decodeURIComponent(path)] : url.searchParams.getAll("topic");
}

/** Where the path of events begins. A topic may have a segment of this name as well, so the first one counts. */
function eventsIn({ pathname }: URL): number {
  return `${pathname}/`.indexOf(`/${EVENTS}/`);
}
