import type { Clock } from "../base/index.ts";
import { Queue } from "./queue.ts";

/** Something that has messages to handle. */
export interface Runnable {
  /** Handles up to `budget` messages; returns how many it took. It is scheduled anew when it could take more. */
  run(budget: number): number;
}

/** Messages one process handles before the next one has its turn. */
const PROCESS_BUDGET = 100;

/** Messages handled in one round of the event loop: about a millisecond of small ones. */
const LOOP_BUDGET = 2_000;

/**
 * Gives processes with messages their turns: as soon as the running callback is over, so that an answer leaves in the turn in
 * which its request was read. Once a round of the event loop has had its share, the next one has to come first, with its
 * sockets and timers: also when many short turns follow each other, as when code awaits one local call after the other.
 */
export class Scheduler {
  readonly #clock: Clock;
  readonly #queue = new Queue<Runnable>();
  #scheduled = false;
  #running = false;
  #renewing = false;
  /** Messages that this round of the event loop may still handle. */
  #left = LOOP_BUDGET;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Gives turns now, not once the running callback is over. False when messages are left for the next round of the event loop,
   * since this one has had its share.
   */
  settle(): boolean {
    this.#runAll();
    return this.#queue.size === 0;
  }

  /** Queues a runnable. The caller sees to it that one is not queued twice. */
  add(runnable: Runnable): void {
    this.#queue.put(runnable);
    if (!this.#scheduled) this.#schedule();
  }

  #schedule(): void {
    this.#scheduled = true;
    if (this.#left > 0) queueMicrotask(this.#turn);
    else this.#clock.defer(this.#turn);
  }

  readonly #turn = (): void => {
    this.#runAll();
    this.#scheduled = false;
    if (this.#queue.size > 0) this.#schedule();
  };

  #runAll(): void {
    if (this.#running || this.#queue.size === 0) return;
    this.#running = true;
    try {
      while (this.#left > 0 && this.#queue.size > 0) {
        // A process that has been told to wait takes nothing; its turn counts all the same, so that rounds come to an end.
        this.#left -= Math.max(this.#queue.take().run(Math.min(PROCESS_BUDGET, this.#left)), 1);
      }
    } finally {
      this.#running = false;
    }
    if (this.#left <= LOOP_BUDGET / 2 && !this.#renewing) this.#renew();
  }

  /** Rounds with little to do share one budget, since to be told of the next round costs as much as handling a message. */
  #renew(): void {
    this.#renewing = true;
    this.#clock.defer(() => {
      this.#renewing = false;
      this.#left = LOOP_BUDGET;
    });
  }
}
