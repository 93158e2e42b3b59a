import type { Pid, Term, TupleValue } from "../term/index.ts";
import type { ProcessFacts } from "./telemetry.ts";

/** Figures about one subscription to a producer. */
export interface SubscriptionStats {
  /** The producer: a pid, or `{Name, Node}`. */
  readonly producer: Pid | TupleValue;
  /** Events asked for, received, and handled, since it was made. */
  readonly asked: number;
  readonly received: number;
  readonly handled: number;
}

/** Figures about one subscription of a consumer. */
export interface ConsumerStats {
  readonly consumer: Pid;
  /** Events that it asked for, and that it was sent, since it subscribed. */
  readonly asked: number;
  readonly sent: number;
  /** Events sent that it may not be done with: not confirmed, or without `ack` not asked anew for. */
  readonly unconfirmed: number;
}

/** What a stage is in a subscription, with the figures that it keeps of it: those of `node.stats()` at that time. */
export type SubscriptionFigures =
  | { readonly role: "consumer"; readonly stats: SubscriptionStats }
  | { readonly role: "producer"; readonly stats: ConsumerStats };

/** A subscription as the stage at one of its ends has it. The facts are those of that stage when it was made. */
export type StageSubscription = ProcessFacts &
  SubscriptionFigures & {
    /** The stage at the other end: a pid, or `{Name, Node}` if that is what was subscribed to. */
    readonly peer: Pid | TupleValue;
    /** The same at both ends. */
    readonly subscriptionTag: Term;
  };

/** A subscription is over; its figures are final. */
export type StageCancel = StageSubscription & {
  /** `cancel`: one side gave it up. `down`: the other side is gone. `exit`: the stage itself has ended. */
  readonly kind: "cancel" | "down" | "exit";
  readonly reason: unknown;
};

/** A message of events, sent by a producer or taken up by a consumer. The figures include it. */
export type StageEvents = StageSubscription & {
  /** How many events. */
  readonly count: number;
};

/** A stage gives events up. */
export interface StageDiscard extends ProcessFacts {
  /** `buffer`: they did not fit into it. `dispatcher`: they waited for a consumer that is gone. */
  readonly by: "buffer" | "dispatcher";
  readonly count: number;
  /** All since the start of the stage, as in `node.stats()`. */
  readonly discarded: number;
}
