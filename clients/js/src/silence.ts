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
  const check = (ms = limitMs) => {
    limitMs = ms;
    stop();
    const leftMs = heardAt + limitMs - Date.now();
    if (leftMs <= 0) silent();
    else if (leftMs < Infinity) timer = setTimeout(check, leftMs);
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
