import type { Clock } from "../base/index.ts";

/** Something that has messages to handle. */
export interface Runnable {
  /** Handles up to `budget` messages; returns how many it took. It is scheduled anew when it could take more. */
  run(budget: number): number;
}

/** Messages one process handles before the next one has its turn. */
const PROCESS_BUDGET = 100;

/** Messages handled in one go before sockets and timers have theirs: about a millisecond of small ones. */
const TURN_BUDGET = 2_000;

/**
 * Gives processes with messages their turns: first as soon as the running callback is over, so that an answer leaves in the
 * turn in which its request was read; after a full batch only behind sockets and timers.
 */
export class Scheduler {
  readonly #clock: Clock;
  #queue: Runnable[] = [];
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Queues a runnable. The caller sees to it that one is not queued twice. */
  add(runnable: Runnable): void {
    this.#queue.push(runnable);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#turn());
  }

  #turn(): void {
    let left = TURN_BUDGET;
    while (left > 0 && this.#queue.length > 0) {
      const round = this.#queue;
      this.#queue = [];
      for (let i = 0; i < round.length; i++) {
        left -= round[i]!.run(Math.min(PROCESS_BUDGET, Math.max(left, 1)));
        if (left <= 0) {
          this.#queue = [...round.slice(i + 1), ...this.#queue];
          break;
        }
      }
    }
    this.#scheduled = this.#queue.length > 0;
    if (this.#scheduled) this.#clock.defer(() => this.#turn());
  }
}
