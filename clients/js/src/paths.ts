// The URLs of a hub.

/** The path, below the root of the hub, under which events are published and read. */
const EVENTS = "events";

/** The URL of another resource of the hub that has `url`, with the parameters of neither. */
export function besides(url: URL, path: string): URL {
  const at = `${url.pathname}/`.lastIndexOf(`/${EVENTS}/`);
  // An alias of a topic stands below the root, too: `/stream` for `/events/greetings`.
  const root = at < 0 ? url.pathname.slice(0, url.pathname.lastIndexOf("/") + 1) : url.pathname.slice(0, at + 1);
  return new URL(root + path, url);
}

/** The selectors that a URL names, in its path or its parameters. */
export function selectorsOf(url: URL): string[] {
  const [, path] = url.pathname.split(`/${EVENTS}/`);
  return path ? [decodeURIComponent(path)] : url.searchParams.getAll("topic");
}
