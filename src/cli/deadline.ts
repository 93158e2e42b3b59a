import type { Clock } from "../base/index.ts";
import { TimeoutError } from "./errors.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** The time that a command has for its work with a peer, from its start on, connecting included. */
export class Deadline {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal;
  readonly #end: number;

  /** @param timeoutMs - `Infinity` for no limit. @param signal - ends every waiting, with its reason. */
  constructor(clock: Clock, timeoutMs: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#end = clock.now() + timeoutMs;
  }

  /** What is left, at least a millisecond. */
  get leftMs(): number {
    return Math.max(this.#end - this.#clock.now(), 1);
  }

  /**
   * Waits for some work as long as there is time. The work goes on when this gives up.
   *
   * @param doing - what it is, for the message: `connecting to a@b`.
   * @throws TimeoutError; the reason of the signal; what the work rejects with.
   */
  async wait<T>(work: Promise<T>, doing: string): Promise<T> {
    if (this.#timeoutMs === Number.POSITIVE_INFINITY) return unlessAborted(work, this.#signal);
    const late = new AbortController();
    const error = new TimeoutError(doing, this.#timeoutMs);
    const timer = this.#clock.setTimer(this.leftMs, () => late.abort(error));
    try {
      return await unlessAborted(work, AbortSignal.any([this.#signal, late.signal]));
    } finally {
      timer.cancel();
    }
  }
}
