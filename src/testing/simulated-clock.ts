import type { Clock, Timer } from "../base/index.ts";

/**
 * Time that stands still until a test moves it.
 *
 * Timers fire in the order of their due time, those due at the same time in the order they were set. Work given to
 * `defer` runs, in order, before time moves on. Two ways to move: the methods that return a promise let all pending
 * promise reactions run between any two callbacks; `flush` and `elapse` do the same at once, for code without promises.
 */
export class SimulatedClock implements Clock {
  #now = 0;
  #sequence = 0;
  #deferred: (() => void)[] = [];
  readonly #timers: SimulatedTimer[] = [];
  readonly #startedAt: number;

  /** `startMs` is the wall time, in milliseconds since 1970, at which the simulation starts. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startedAt = startMs;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#startedAt + this.#now;
  }

  setTimer(ms: number, callback: () => void): Timer {
    const timer: SimulatedTimer = {
      due: this.#now + Math.max(ms, 0),
      sequence: this.#sequence++,
      callback,
      cancel: () => this.#remove(timer),
    };
    const at = this.#timers.findIndex((other) => other.due > timer.due);
    this.#timers.splice(at < 0 ? this.#timers.length : at, 0, timer);
    return timer;
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Timers that were set and have neither fired nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Callbacks given to `defer` that have not run yet. */
  get pendingDeferred(): number {
    return this.#deferred.length;
  }

  /** Runs deferred work until there is none, without moving time and without letting promises react in between. */
  flush(): void {
    while (this.#deferred.length > 0) this.#runDeferred();
  }

  /** Moves time by `ms` at once, as {@link advance} does for code without promises. */
  elapse(ms: number): void {
    const until = this.#now + ms;
    this.flush();
    while (this.#fireNext(until)) this.flush();
    this.#now = until;
  }

  /** Lets promises react and runs deferred work until neither is left. Time does not move. */
  async settle(): Promise<void> {
    await promiseReactions();
    while (this.#deferred.length > 0) {
      this.#runDeferred();
      await promiseReactions();
    }
  }

  /** Moves time by `ms`: everything due on the way happens in its order, settled after each timer. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    while (this.#fireNext(until)) await this.settle();
    this.#now = until;
  }

  /** Moves time until no timer is left. Rejects when there still is one `limitMs` later: something repeats for ever. */
  async run(limitMs = 24 * 60 * 60 * 1000): Promise<void> {
    const until = this.#now + limitMs;
    await this.settle();
    while (this.#fireNext(until)) await this.settle();
    if (this.#timers.length > 0) {
      throw new Error(`${this.#timers.length} timers are still pending after ${limitMs} ms of simulated time`);
    }
  }

  /**
   * Moves time, from timer to timer, until a promise is settled, and gives what came of it.
   * Rejects when nothing is left to happen, or `limitMs` of simulated time were not enough.
   */
  async until<T>(promise: PromiseLike<T>, limitMs = 60 * 60 * 1000): Promise<T> {
    const until = this.#now + limitMs;
    let pending = true;
    const settled = promise.then(
      (value) => {
        pending = false;
        return () => value;
      },
      (error: unknown) => {
        pending = false;
        return (): T => {
          throw error;
        };
      },
    );
    await this.settle();
    while (pending) {
      if (!this.#fireNext(until)) throw new Error(`a promise is still pending after ${limitMs} ms of simulated time`);
      await this.settle();
    }
    return (await settled)();
  }

  /** One turn: only what was deferred before it, so that work which defers itself again waits for the next. */
  #runDeferred(): void {
    const turn = this.#deferred;
    this.#deferred = [];
    for (const callback of turn) callback();
  }

  #fireNext(until: number): boolean {
    const next = this.#timers[0];
    if (next === undefined || next.due > until) return false;
    this.#timers.shift();
    this.#now = next.due;
    next.callback();
    return true;
  }

  #remove(timer: SimulatedTimer): void {
    const at = this.#timers.indexOf(timer);
    if (at >= 0) this.#timers.splice(at, 1);
  }
}

interface SimulatedTimer extends Timer {
  readonly due: number;
  readonly sequence: number;
  readonly callback: () => void;
}

/** Resolves once every promise reaction that was possible has run: the host runs all of them before an immediate. */
function promiseReactions(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
