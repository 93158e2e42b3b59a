import type { MonitorTarget } from "../runtime/index.ts";
import type { Ref, Term } from "../term/index.ts";
import type { Asks } from "./asks.ts";
import type { Demand } from "./demand.ts";
import type { Current } from "./messages.ts";
import type { Position } from "./resubscriber.ts";
import type { CancelMode, ParsedOptions, Subscribe, Subscription } from "./subscription.ts";

/** A subscription of ours to a producer. */
export interface UpstreamSubscription {
  /** The reference of our monitor on the producer: what both sides call the subscription. */
  readonly tag: Ref;
  readonly producer: MonitorTarget;
  readonly cancel: CancelMode;
  /** Undefined when the demand is the user's business. */
  readonly demand: Demand | undefined;
  /** As `handleSubscribe` and `handleCancel` see it: with what was subscribed to, a pid or a name. */
  readonly from: Subscription;
  readonly asks: Asks;
  /** What it was made by, as to make it again. */
  readonly request: SubscribeRequest;
  readonly options: ParsedOptions;
  /** Events that came, and events that `handleEvents` is done with. */
  received: number;
  handled: number;
  /** The producer wants to know what has been handled. */
  confirms: boolean;
  /** As a consumer's `handleEvents` sees it: with the pid that the latest events came from, to which asks go. */
  source: Subscription | undefined;
}

/** What asks for a subscription. */
export interface SubscribeRequest {
  readonly to: unknown;
  /** A keyword list, as it came. */
  readonly options: Term;
  readonly current?: Current | undefined;
  /** What was asked for here rather than by a message, with what only this side goes by. */
  readonly own?: Subscribe | undefined;
  /** What this subscription takes up after a loss. */
  readonly position?: Position | undefined;
}
