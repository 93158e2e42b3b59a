/** A pending timer of a {@link Clock}. */
export interface Timer {
  /** Stops the timer. Does nothing once it has fired or was cancelled. */
  cancel(): void;
}

/**
 * Where all time comes from. Production passes {@link systemClock}, tests the simulated one of `tiebeam/testing`,
 * so that no part of the library ever reads the time or waits by itself.
 */
export interface Clock {
  /** Milliseconds that only ever grow, from an arbitrary start. */
  now(): number;
  /** Milliseconds since 1970, for people and for creations. */
  wallTime(): number;
  /** Runs `callback` once, `ms` milliseconds from now. The timer keeps the process alive unless `unref` is given. */
  setTimer(ms: number, callback: () => void, options?: { unref?: boolean }): Timer;
  /** Runs `callback` after sockets and timers that are due had their turn. */
  defer(callback: () => void): void;
}

type Immediate = (callback: () => void) => unknown;
const immediate = (globalThis as { setImmediate?: Immediate }).setImmediate ?? ((callback) => setTimeout(callback, 0));

/** Longest delay a host timer can hold (2^31-1 ms, about 24 days); longer ones are split. */
const MAX_DELAY_MS = 0x7fffffff;

/** The host's own clock. Uses only what every JavaScript host has, and `setImmediate` where there is one. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(ms, callback, options) {
    let handle: ReturnType<typeof setTimeout>;
    const wait = (left: number) => {
      const more = left > MAX_DELAY_MS;
      handle = setTimeout(more ? () => wait(left - MAX_DELAY_MS) : callback, more ? MAX_DELAY_MS : left);
      if (options?.unref) (handle as { unref?: () => void }).unref?.();
    };
    wait(ms);
    return { cancel: () => clearTimeout(handle) };
  },
  defer: (callback) => void immediate(callback),
};
