// What the browser says of the page: seen or hidden, put aside, asleep, with a network or without one. In Node there is no page.

export interface PageListener {
  /** The page is seen again, or back, or the machine has a network again. */
  wake(): void;
  /** The browser puts the page aside, or ends it. */
  sleep(): void;
}

/** Until the signal is aborted. */
export function watchPage({ wake, sleep }: PageListener, signal: AbortSignal): void {
  const { document, window } = globalThis;
  if (!document) return;
  const listen = (target: EventTarget, type: string, heard: () => unknown) => target.addEventListener(type, heard, { signal });
  listen(window, "online", wake);
  listen(window, "pageshow", wake);
  listen(window, "pagehide", sleep);
  listen(document, "resume", wake);
  listen(document, "visibilitychange", () => document.hidden || wake());
}

/** A text that is kept under a key, across a reload or for other tabs. */
export interface Memory {
  get(): string | null | undefined;
  /** Without a text it is forgotten. */
  set(text?: string): void;
}

/** Nothing is kept where the page may not store. */
export function memoryOf(area: "localStorage" | "sessionStorage", key: string): Memory {
  const tried = <T>(use: (storage: Storage) => T) => {
    try {
      return use(globalThis[area]);
    } catch {
      return undefined;
    }
  };
  return {
    get: () => tried((storage) => storage.getItem(key)),
    set: (text) => tried((storage) => (text ? storage.setItem(key, text) : storage.removeItem(key))),
  };
}
