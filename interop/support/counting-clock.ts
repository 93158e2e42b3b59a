import { type Clock, systemClock, type Timer } from "../../src/base/index.ts";

/** The host's clock, which knows how many of its timers are pending. */
export class CountingClock implements Clock {
  readonly #pending = new Set<Timer>();

  get pendingTimers(): number {
    return this.#pending.size;
  }

  now(): number {
    return systemClock.now();
  }

  wallTime(): number {
    return systemClock.wallTime();
  }

  defer(callback: () => void): void {
    systemClock.defer(callback);
  }

  setTimer(ms: number, callback: () => void, options?: { unref?: boolean }): Timer {
    const started = systemClock.setTimer(
      ms,
      () => {
        this.#pending.delete(timer);
        callback();
      },
      options,
    );
    const timer: Timer = {
      cancel: () => {
        this.#pending.delete(timer);
        started.cancel();
      },
    };
    this.#pending.add(timer);
    return timer;
  }
}
