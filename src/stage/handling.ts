import type { Address } from "../runtime/index.ts";
import { inspect, Pid, type Term } from "../term/index.ts";
import type { Chunk } from "./demand.ts";
import type { StageHost } from "./host.ts";
import { ackMessage } from "./messages.ts";
import { Subscription } from "./subscription.ts";
import type { UpstreamSubscription } from "./upstream-subscription.ts";

/** What a {@link Handling} goes by. */
export interface HandlingRules {
  readonly isInTheMiddle: boolean;
  isLive(subscription: UpstreamSubscription): boolean;
  /** So many events have come to be handled. */
  received(subscription: UpstreamSubscription, count: number): void;
  /** Of a stage in the middle: calls `settled` when all that it has emitted so far is. */
  readonly whenSettled: ((settled: () => void) => void) | undefined;
}

/**
 * What is done with the events that come under a subscription: `handleEvents`, chunk by chunk, and then they are confirmed and
 * asked for anew. Source: gen_stage.md §5.3.
 */
export class Handling {
  readonly #host: StageHost;
  readonly #rules: HandlingRules;

  constructor(host: StageHost, rules: HandlingRules) {
    this.#host = host;
    this.#rules = rules;
  }

  /** Takes a message of events. */
  take(subscription: UpstreamSubscription, pid: Pid, events: Term[]): void | Promise<void> {
    const { demand } = subscription;
    // A stage in the middle keeps to what it subscribed to, as GenStage's does: to the name, whoever answers to it.
    const isInTheMiddle = this.#rules.isInTheMiddle;
    const source = isInTheMiddle ? subscription.from : sourceOf(subscription, pid);
    const producer = isInTheMiddle ? subscription.producer : pid;
    subscription.received += events.length;
    this.#rules.received(subscription, events.length);
    // What waited until its subscription was over comes in one piece, and nobody is there to be asked.
    const isOver = !this.#rules.isLive(subscription);
    if (demand === undefined || isOver) {
      return this.#host.run(
        () => this.#host.callbacks.handleEvents?.(events, source),
        () => this.#handled(subscription, producer, events.length),
      );
    }
    const chunks = demand.take(events.length);
    for (const { excess } of chunks) if (excess > 0) this.#logExcess(excess, source);
    return this.#handle(subscription, source, producer, events, chunks);
  }

  /** Hands over chunk by chunk; each is asked for anew when it has been handled. */
  #handle(
    subscription: UpstreamSubscription,
    source: Subscription,
    producer: Address,
    events: Term[],
    chunks: readonly Chunk[],
    index = 0,
    at = 0,
  ): void | Promise<void> {
    const { core, callbacks } = this.#host;
    while (index < chunks.length && core.alive) {
      const { size, ask } = chunks[index++]!;
      const chunk = size === events.length ? events : events.slice(at, at + size);
      at += size;
      const pending = this.#host.run(
        () => callbacks.handleEvents?.(chunk, source),
        () => {
          this.#handled(subscription, producer, size);
          if (ask > 0) this.ask(subscription, producer, ask);
        },
      );
      if (pending instanceof Promise)
        return pending.then(() => this.#handle(subscription, source, producer, events, chunks, index, at));
    }
  }

  #handled(subscription: UpstreamSubscription, producer: Address, count: number): void {
    if (this.#host.callbacks.confirmsItself !== true) this.confirm(subscription, producer, count);
  }

  /** So many more events of a subscription have been handled. */
  confirm(subscription: UpstreamSubscription, producer: Address, count: number): void {
    subscription.handled += count;
    if (!subscription.confirms) return;
    const { core } = this.#host;
    // Confirmations are few and small: a link without room at the moment takes them all the same.
    const confirm = () => void core.send(producer, ackMessage(core.pid, subscription.tag, count), false);
    if (this.#rules.whenSettled === undefined) confirm();
    else this.#rules.whenSettled(confirm);
  }

  /** Asks for more events, unless the subscription is over when it is time for that. */
  ask(subscription: UpstreamSubscription, to: Address, count: number): void {
    subscription.asks.ask(to, count, () => this.#rules.isLive(subscription));
  }

  #logExcess(count: number, from: Subscription): void {
    this.#host.core.runtime.logger.error(
      `${this.#host.title} has received ${count} events in excess from: ${inspect(from)}`,
    );
  }
}

/** The subscription as seen from events that come from `pid`, which changes as good as never. */
function sourceOf(subscription: UpstreamSubscription, pid: Pid): Subscription {
  const known = subscription.source ?? subscription.from;
  if (!(known.peer instanceof Pid && known.peer.key === pid.key)) {
    subscription.source = new Subscription(pid, subscription.tag);
    return subscription.source;
  }
  return known;
}
