import { type CallOptions, type Destination, nameText, type Process } from "../runtime/index.ts";
import { Atom, atom, atomTerm, isTuple, Pid, type Term, tuple } from "../term/index.ts";
import { from } from "./from.ts";
import { type Current, demandRequest, drainRequest, infoRequest, subscribeRequest } from "./messages.ts";
import type { DemandMode } from "./outflow.ts";
import { checkTravelling, keywords, type SubscribeTo } from "./subscription.ts";
import { through } from "./through.ts";

/** Which subscription a new one takes the place of, and the reason with which that one ends. */
export interface Resubscription {
  readonly tag: unknown;
  readonly reason: unknown;
}

/**
 * What can be done with stages from outside of them, on any node. `process` is in whose name: a {@link Process}, as
 * `this.process` in callbacks and the node itself are.
 */
export const GenStage = {
  from,
  through,

  /**
   * Lets a consumer subscribe to a producer, and waits until it has done so; gives the subscription tag. That proves only
   * that the consumer has sent its subscription: if there is no producer, it learns of that by a DOWN.
   *
   * @param options.to - looked up on the consumer's node.
   * @returns `{:ok, tag}`, or `{:error, reason}` when the stage refuses. Errors as {@link Process.call}.
   */
  syncSubscribe(process: Process, stage: Destination, options: SubscribeTo & CallOptions): Promise<Term> {
    const [subscription, call] = splitOptions(options);
    return process.call(stage, subscribing(subscription), call);
  },

  /** Tells a consumer to subscribe to a producer, without waiting. */
  asyncSubscribe(process: Process, stage: Destination, options: SubscribeTo): Promise<void> | undefined {
    return process.cast(stage, subscribing(options));
  },

  /**
   * As `syncSubscribe`, in place of the subscription `current.tag`, which its producer ends with `current.reason` once the new
   * one is there. What that end means for the consumer is up to the old subscription's `cancel`: a `permanent` one stops it.
   */
  syncResubscribe(
    process: Process,
    stage: Destination,
    current: Resubscription,
    options: SubscribeTo & CallOptions,
  ): Promise<Term> {
    const [subscription, call] = splitOptions(options);
    return process.call(stage, subscribing(subscription, current), call);
  },

  /** As `syncResubscribe`, without waiting. */
  asyncResubscribe(
    process: Process,
    stage: Destination,
    current: Resubscription,
    options: SubscribeTo,
  ): Promise<void> | undefined {
    return process.cast(stage, subscribing(options, current));
  },

  /** Delivers a message to a stage's `handleInfo` behind the events it has buffered; waits until it is queued there. */
  syncInfo(process: Process, stage: Destination, message: unknown, options?: CallOptions): Promise<Term> {
    return process.call(stage, infoRequest(message), options);
  },

  /** As `syncInfo`, without waiting. */
  asyncInfo(process: Process, stage: Destination, message: unknown): Promise<void> | undefined {
    return process.cast(stage, infoRequest(message));
  },

  /** Switches a producer between holding demand and events back, and forwarding them. */
  demand(process: Process, stage: Destination, mode: DemandMode): Promise<void> | undefined {
    return process.cast(stage, demandRequest(mode));
  },

  /**
   * Lets a stage of this library end in order: it takes nothing more in, handles and sends what it has, and ends with `normal`.
   * A consumer cancels its subscriptions, a producer demands nothing more of its code. Resolves when it is about to end.
   * Errors as {@link Process.call}: with `EXIT_TIMEOUT` it goes on draining.
   */
  async drain(process: Process, stage: Destination, options?: CallOptions): Promise<void> {
    await process.call(stage, drainRequest(), options);
  },

  /** How many events a producer has buffered. */
  async estimateBufferedCount(process: Process, stage: Destination, options?: CallOptions): Promise<number> {
    return process.call<number>(stage, atom("$estimate_buffered_count"), options);
  },
} as const;

function subscribing(options: SubscribeTo, current?: Resubscription): unknown {
  checkTravelling(options);
  return subscribeRequest(current as Current | undefined, producerTerm(options.to), keywords(options));
}

function splitOptions({ timeoutMs, signal, ...subscription }: SubscribeTo & CallOptions): [SubscribeTo, CallOptions] {
  const call = { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(signal === undefined ? {} : { signal }) };
  return [subscription, call];
}

/** A producer as its consumer is told of it: a name without a node is one on the consumer's own node. */
function producerTerm(to: Destination): unknown {
  if (to instanceof Pid || to instanceof Atom || isTuple(to)) return to;
  if (typeof to === "string") return atom(to);
  if (typeof to === "object" && "name" in to && !("via" in to)) {
    const name = atomTerm(nameText(to.name)) as object;
    return to.node === undefined ? name : tuple(name, atomTerm(nameText(to.node)) as object);
  }
  return to;
}
