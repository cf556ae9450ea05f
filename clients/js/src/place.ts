// Where a subscription is, across a reload of its page: kept in the storage of the tab.

import type { Asked } from "./requests.js";
import { BEGINNINGS } from "./requests.js";
import { store, stored } from "./page.js";

/** A place is stored so often at most: to store is slow, and events may be many. */
const STORE_MS = 1_000;

export interface Place {
  get(): string;
  set(id: string): void;
  /** The subscription is closed: the page may begin another one. */
  end(): void;
}

/** Begins at `id`, or where the page was before it was loaded again; `BEGINNINGS` in the URL say that it begins elsewhere. */
export function rememberPlace({ url, topics }: Asked, id?: string): Place {
  const text = typeof url === "function" ? "" : String(url);
  if (text === "" || BEGINNINGS.some((name) => text.includes(`${name}=`))) {
    let place = id ?? "";
    return { get: () => place, set: (next) => (place = next), end() {} };
  }
  const key = `tidings.place ${text} ${topics.join(" ")}`;
  let place = id ?? stored("sessionStorage", key) ?? "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = () => {
    timer = undefined;
    store("sessionStorage", key, place);
  };
  globalThis.addEventListener?.("pagehide", keep);
  return {
    get: () => place,
    set: (next) => {
      place = next;
      timer ??= setTimeout(keep, STORE_MS);
    },
    end() {
      clearTimeout(timer);
      globalThis.removeEventListener?.("pagehide", keep);
      keep();
    },
  };
}
