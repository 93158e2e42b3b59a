import { factsOf, type ProcessCore, type ProcessFacts, type SubscriptionFigures } from "../runtime/index.ts";
import type { CancelReason } from "./callbacks.ts";
import type { Subscription } from "./subscription.ts";

/** Tells on channels what becomes of the subscriptions of a stage to producers, or of those of consumers to it. */
export class Telling<S extends { readonly from: Subscription }> {
  readonly #core: ProcessCore;
  readonly #figuresOf: (subscription: S) => SubscriptionFigures;
  /** Those that are up, with the facts of the stage, which has lost its name when it has ended. */
  readonly #up = new Map<S, ProcessFacts>();

  constructor(core: ProcessCore, figuresOf: (subscription: S) => SubscriptionFigures) {
    this.#core = core;
    this.#figuresOf = figuresOf;
  }

  subscribed(subscription: S): void {
    const facts = factsOf(this.#core);
    this.#up.set(subscription, facts);
    const { stageSubscribe } = this.#core.runtime.telemetry;
    if (stageSubscribe.hasSubscribers) stageSubscribe.publish(this.#about(subscription, facts));
  }

  /** A message of events was sent or taken up, and is counted. */
  events(subscription: S, count: number): void {
    const { stageEvents } = this.#core.runtime.telemetry;
    if (!stageEvents.hasSubscribers) return;
    const facts = this.#up.get(subscription);
    if (facts !== undefined) stageEvents.publish({ ...this.#about(subscription, facts), count });
  }

  cancelled(subscription: S, reason: CancelReason): void {
    this.#over(subscription, reason.kind, reason.reason);
  }

  /** The stage has ended, and all its subscriptions with it. */
  ended(reason: unknown): void {
    for (const subscription of this.#up.keys()) this.#over(subscription, "exit", reason);
  }

  #over(subscription: S, kind: CancelReason["kind"] | "exit", reason: unknown): void {
    const facts = this.#up.get(subscription);
    this.#up.delete(subscription);
    const { stageCancel } = this.#core.runtime.telemetry;
    if (facts === undefined || !stageCancel.hasSubscribers) return;
    stageCancel.publish({ ...this.#about(subscription, facts), kind, reason });
  }

  #about(subscription: S, facts: ProcessFacts) {
    const { peer, subscriptionTag } = subscription.from;
    return { ...facts, ...this.#figuresOf(subscription), peer, subscriptionTag };
  }
}
