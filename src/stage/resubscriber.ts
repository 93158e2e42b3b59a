import { type BackoffOptions, backoffMs, backoffOf } from "../base/index.ts";
import { Reason } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import type { CancelReason } from "./callbacks.ts";
import type { StageHost } from "./host.ts";
import type { Subscribe, Subscription } from "./subscription.ts";

/** What is known of a subscription whose producer was lost. */
export interface Position {
  /** Events handled, over all subscriptions that took each other's place. */
  readonly handled: number;
  /** Tries since events came the last time, this one included. */
  readonly attempt: number;
  /** What the subscription was. */
  readonly from: Subscription;
}

/** A node that ends in order ends its producers with `shutdown` before its connections go. */
const LOST: readonly Term[] = [Reason.noconnection, Reason.noproc, Reason.shutdown];

/** Subscribes anew, after a wait that grows from try to try, to producers that were lost. */
export class Resubscriber {
  readonly #host: StageHost;
  readonly #subscribe: (options: Subscribe, position: Position) => void | Promise<void>;

  constructor(host: StageHost, subscribe: (options: Subscribe, position: Position) => void | Promise<void>) {
    this.#host = host;
    this.#subscribe = subscribe;
  }

  /** Whether a subscription that ended for this reason is one to be made anew. */
  static applies({ resubscribe }: Subscribe, { kind, reason }: CancelReason): boolean {
    return resubscribe !== undefined && kind === "down" && LOST.includes(reason);
  }

  /** Waits, asks `handleResubscribe`, and subscribes with what it says. */
  schedule(options: Subscribe, position: Position): void {
    const { core, callbacks } = this.#host;
    const backoff = backoffOf(options.resubscribe as BackoffOptions, "resubscribe");
    core.startTimer(backoffMs(backoff, position.attempt - 1, core.runtime.identity.random), () =>
      core.enqueue(() =>
        this.#host.guarded(
          () => callbacks.handleResubscribe?.(position, options),
          (changed) => this.#subscribe((changed as Subscribe | undefined) ?? options, position),
        ),
      ),
    );
  }
}
