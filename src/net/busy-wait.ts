import type { Clock } from "../base/index.ts";

/** How long more is looked for. */
const WAIT_MS = 0.05;

/** Bytes that come within this time while nobody looks for them might have been found within that one. */
const WAKING_MS = 2 * WAIT_MS;

/** Bytes that come within this time were on their way already. */
const CROWD_MS = 0.01;

/** It is waited when so many chunks speak for it, and no more than twice as many are remembered. */
const PROMISING = 8;

/** So many of them one chunk outweighs that did not need to be waited for. */
const CROWD_WEIGHT = 4;

/**
 * Keeps the event loop looking for more bytes for a moment, where that has been all it took lately: for the next message of an
 * exchange, such as the next batch of a stage that has just been asked. To be put to sleep and woken takes longer, and the
 * schedulers of a BEAM wait for the same reason (`erl +sbwt`).
 *
 * Where bytes come later, which one attempt in vain shows, it is not done; nor where they come one upon the other, as those of many
 * callers do: sleeping then costs nothing, and collects more of them for one turn.
 */
export class BusyWait {
  readonly #clock: Clock;
  #endedAt = Number.NEGATIVE_INFINITY;
  #score = 0;
  #waiting = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes came. */
  begin(): void {
    const waitedMs = this.#clock.now() - this.#endedAt;
    if (waitedMs > WAKING_MS) this.#score = 0;
    else if (this.#waiting && waitedMs < CROWD_MS) this.#score -= CROWD_WEIGHT;
    else this.#score = Math.min(this.#score + 1, 2 * PROMISING);
  }

  /** They have been handled. */
  end(): void {
    this.#endedAt = this.#clock.now();
    if (this.#waiting || this.#score < PROMISING) return;
    this.#waiting = true;
    this.#clock.defer(this.#look);
  }

  readonly #look = (): void => {
    if (this.#clock.now() - this.#endedAt > WAIT_MS) this.#score = 0;
    this.#waiting = this.#score >= PROMISING;
    if (this.#waiting) this.#clock.defer(this.#look);
  };
}
