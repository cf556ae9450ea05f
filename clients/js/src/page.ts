// What the browser says of the page: seen or hidden, put aside, asleep, with a network or without one. In Node there is no page.

export interface PageListener {
  /** The page is seen again, or back, or the machine has a network again. */
  wake(): void;
  /** The browser puts the page aside, or ends it. */
  sleep(): void;
}

const page = globalThis.document;

/** Returns what ends the watching. */
export function watchPage({ wake, sleep }: PageListener): () => void {
  if (!page) return () => {};
  const seen = () => page.hidden || wake();
  const watched: [EventTarget, string, () => unknown][] = [
    [globalThis, "online", wake],
    [globalThis, "pageshow", wake],
    [globalThis, "pagehide", sleep],
    [page, "resume", wake],
    [page, "visibilitychange", seen],
  ];
  for (const [target, type, listener] of watched) target.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of watched) target.removeEventListener(type, listener);
  };
}

export function isHidden(): boolean {
  return page?.hidden === true;
}

/** Whether the browser is sure that there is no network. It may be wrong where it is not. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** The storage of this tab or of this browser, where the page may use it. */
export function stored(area: "localStorage" | "sessionStorage", key: string): string | null {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

/** Stores a text, or removes it. Nothing happens where the page may not store. */
export function store(area: "localStorage" | "sessionStorage", key: string, text: string | undefined): void {
  try {
    if (text === undefined) globalThis[area].removeItem(key);
    else globalThis[area].setItem(key, text);
  } catch {
    // Full, or forbidden: the client only forgets.
  }
}
