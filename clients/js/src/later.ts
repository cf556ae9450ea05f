import type { Feed } from "./subscription.js";

/** A feed that has to be loaded. */
export function later(load: () => Promise<Feed>): Feed {
  let feed: Feed | undefined;
  let isClosed = false;
  return {
    async start() {
      feed = await load();
      if (!isClosed) feed.start();
    },
    close() {
      isClosed = true;
      feed?.close();
    },
  };
}
