/** A page that was busy or stood still has not read yet what came meanwhile. When it goes on, it has so long to do that. */
const READ_MS = 200;

/** Notices a connection that says nothing though it looks open. */
export interface Silence {
  /** Something was heard. From now on it may be silent for `limitMs`. */
  heard(limitMs: number): void;
  /** Looks now, because timers sleep while a page does. Until something is heard, `limitMs` holds. */
  check(limitMs: number): void;
  stop(): void;
}

/** `silent` is called once, when nothing was heard for `limitMs`. There is one timer for its whole life, however much is heard. */
export function listenFor(silent: () => void, limitMs: number): Silence {
  let heardAt = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const check = (ms = limitMs, hasRead = false) => {
    limitMs = ms;
    stop();
    const leftMs = heardAt + ms - Date.now();
    const waitMs = leftMs - READ_MS;
    if (leftMs <= 0 && hasRead) silent();
    else if (leftMs < Infinity) timer = setTimeout(check, Math.max(waitMs, READ_MS), ms, waitMs <= 0);
  };
  check();
  return {
    heard(ms) {
      heardAt = Date.now();
      if (!timer || ms !== limitMs) check(ms);
    },
    check,
    stop,
  };
}
