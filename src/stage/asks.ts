import { ArgumentError } from "../base/index.ts";
import type { Address, ProcessCore } from "../runtime/index.ts";
import type { Ref } from "../term/index.ts";
import { askMessage } from "./messages.ts";

/** At most so many events in so much time. */
export interface Rate {
  readonly events: number;
  readonly perMs: number;
}

/** @throws ArgumentError `rate` for one that cannot be. */
export function checkRate(rate: Rate): Rate {
  if (rate.events >= 1 && rate.perMs > 0) return rate;
  throw new ArgumentError("rate", "needs at least 1 event and more than 0 milliseconds");
}

/**
 * The asks of one subscription. With a rate each waits until as many events may come: a consumer that asks for no more than
 * it may get is not sent more. It starts with what may come in one stretch of time.
 */
export class Asks {
  readonly #core: ProcessCore;
  readonly #tag: Ref;
  readonly #rate: Rate | undefined;
  /** Events that may be asked for, at the time `#at`; below 0 when asks are waiting. */
  #allowed: number;
  #at: number;
  #count = 0;

  constructor(core: ProcessCore, tag: Ref, rate: Rate | undefined) {
    this.#core = core;
    this.#tag = tag;
    this.#rate = rate;
    this.#allowed = rate?.events ?? 0;
    this.#at = core.runtime.clock.now();
  }

  /** Events asked for so far. */
  get count(): number {
    return this.#count;
  }

  /** Asks for `count` events, 1 or more. `isLive` is looked at when an ask had to wait. */
  ask(to: Address, count: number, isLive: () => boolean): void {
    const delayMs = this.#delayMs(count);
    if (delayMs === 0) return this.#send(to, count);
    this.#core.startTimer(delayMs, () => {
      if (isLive()) this.#send(to, count);
    });
  }

  #send(to: Address, count: number): void {
    this.#count += count;
    // Asks are small: a link without room at the moment takes them all the same.
    void this.#core.send(to, askMessage(this.#core.pid, this.#tag, count), false);
  }

  #delayMs(count: number): number {
    if (this.#rate === undefined) return 0;
    const { events, perMs } = this.#rate;
    const now = this.#core.runtime.clock.now();
    this.#allowed = Math.min(events, this.#allowed + ((now - this.#at) * events) / perMs) - count;
    this.#at = now;
    return this.#allowed >= 0 ? 0 : (-this.#allowed * perMs) / events;
  }
}
