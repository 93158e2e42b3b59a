import { Stop } from "../otp/index.ts";
import { type Address, Exit, type MonitorTarget, type SubscriptionStats } from "../runtime/index.ts";
import { atom, atomTerm, type Pid, type Ref, type Term, termKey, tuple } from "../term/index.ts";
import { Asks } from "./asks.ts";
import type { CancelReason } from "./callbacks.ts";
import { Demand } from "./demand.ts";
import { Handling } from "./handling.ts";
import { type StageHost, Work } from "./host.ts";
import type { Intake } from "./intake.ts";
import { askMessage, type ConsumerOperation, cancelMessage, subscribeMessage } from "./messages.ts";
import { describe, peerTerm, resolveProducer } from "./producer-address.ts";
import { type Position, Resubscriber } from "./resubscriber.ts";
import { isFunctionElsewhere, problemOfSelector } from "./selector-check.ts";
import {
  type CancelMode,
  checkOptions,
  keywordObject,
  keywords,
  type ParsedOptions,
  parseOptions,
  Subscription,
} from "./subscription.ts";
import { Telling } from "./telling.ts";
import type { SubscribeRequest, UpstreamSubscription } from "./upstream-subscription.ts";

/** What the owner of an {@link Upstream} decides. */
export interface UpstreamOwner {
  /** A subscription has ended, and `handleCancel` has been told. */
  ended(subscription: UpstreamSubscription, reason: CancelReason): void | Promise<void>;
  /** A subscription is under way, `handleSubscribe` has been told; the first ask of an automatic one has left. */
  opened?(subscription: UpstreamSubscription): void;
  /** Of a stage in the middle: calls `settled` when all that it has emitted so far is. */
  whenSettled?(settled: () => void): void;
  /** There is no process of that name to subscribe to. */
  missing(to: string, cancel: CancelMode): void | Promise<void>;
  /** Something is wrong with the options of a subscription, which was logged; it is not made. */
  refused?(problem: string): void;
}

const OK = atom("ok");
const ERROR = atom("error");
const BAD_OPTS = atom("bad_opts");
const UNKNOWN_SUBSCRIPTION = atom("unknown_subscription");

/**
 * The half of a stage that faces its producers: subscriptions, the events that come in, and the asks that follow them.
 * Source: gen_stage.md §4 and §5.3. Nothing here opens a connection but the monitor that a subscription starts with.
 */
export class Upstream {
  readonly #host: StageHost;
  readonly #owner: UpstreamOwner;
  readonly #intake: Intake | undefined;
  readonly #resubscriber: Resubscriber;
  readonly #handling: Handling;
  readonly #telling: Telling<UpstreamSubscription>;
  /** By the canonical form of their tag. */
  readonly #subscriptions = new Map<unknown, UpstreamSubscription>();

  /** `intake`: where what comes waits for demand; without one it is handled at once. */
  constructor(host: StageHost, owner: UpstreamOwner, intake?: Intake) {
    this.#host = host;
    this.#owner = owner;
    this.#intake = intake;
    this.#telling = new Telling(host.core, (subscription) => ({ role: "consumer", stats: statsOf(subscription) }));
    this.#handling = new Handling(host, {
      isInTheMiddle: intake !== undefined,
      isLive: (subscription) => this.#subscriptions.get(termKey(subscription.tag)) === subscription,
      received: (subscription, count) => this.#telling.events(subscription, count),
      whenSettled: owner.whenSettled,
    });
    this.#resubscriber = new Resubscriber(host, (own, position) =>
      this.subscribe({ to: own.to, options: keywords(own) as unknown as Term, own, position }),
    );
  }

  /** Those that are live. */
  subscriptions(): Iterable<UpstreamSubscription> {
    return this.#subscriptions.values();
  }

  /** Events that `handleEvents` only took note of have been handled. */
  confirm(tag: Term, to: Address, count: number): void {
    const subscription = this.#subscriptions.get(termKey(tag));
    if (subscription !== undefined) this.#handling.confirm(subscription, to, count);
  }

  /** Asks for events of a subscription whose demand is the user's business. */
  ask(tag: Term, to: Address, count: number): void {
    const subscription = this.#subscriptions.get(termKey(tag));
    if (subscription === undefined) this.#send(to, askMessage(this.#host.core.pid, tag, count));
    else this.#handling.ask(subscription, to, count);
  }

  stats(): SubscriptionStats[] {
    return Array.from(this.#subscriptions.values(), statsOf);
  }

  /** Subscribes, in the order of GenStage: monitor, `subscribe`, `handleSubscribe`, first ask, reply. */
  subscribe(request: SubscribeRequest, reply?: (value: unknown) => void): void | Promise<void> {
    const { core } = this.#host;
    const parsed = parseOptions(request.options);
    if (typeof parsed === "string") return this.#refuse(parsed, reply);
    let producer: MonitorTarget | undefined;
    try {
      if (request.own !== undefined) checkOptions(request.own);
      producer = resolveProducer(core, request.to);
    } catch (error) {
      return this.#refuse((error as Error).message, reply);
    }
    if (producer === undefined) {
      const tag = core.runtime.identity.newRef();
      reply?.(tuple(OK, tag));
      if (request.own?.resubscribe === undefined) return this.#owner.missing(describe(request.to), parsed.cancel);
      const nobody = new Subscription(tuple(atomTerm(describe(request.to)) as object, null) as never, tag);
      return this.#resubscriber.schedule(request.own, nextPosition(request, nobody));
    }
    const selector = request.own?.selector;
    if (!isFunctionElsewhere(core, producer, selector)) return this.#open(producer, parsed, request, reply);
    const found = producer;
    return problemOfSelector(core, found, selector).then((problem) => {
      if (!core.alive) return;
      return problem === undefined ? this.#open(found, parsed, request, reply) : this.#refuse(problem, reply);
    });
  }

  /** Takes what a producer sent under a tag. */
  receive(pid: Pid, tag: Term, operation: NonNullable<ConsumerOperation>): void | Promise<void> {
    const subscription = this.#subscriptions.get(termKey(tag));
    if (operation.kind === "cancel") {
      return subscription && this.#end(subscription, { kind: "cancel", reason: operation.reason });
    }
    if (subscription === undefined) {
      return this.#send(pid, cancelMessage(this.#host.core.pid, tag, UNKNOWN_SUBSCRIPTION));
    }
    if (operation.kind === "acks") {
      subscription.confirms = true;
      return;
    }
    const work = () => this.#handling.take(subscription, pid, operation.events);
    return this.#intake === undefined ? work() : this.#intake.put(work);
  }

  get isSubscribed(): boolean {
    return this.#subscriptions.size > 0;
  }

  /** Asks all producers to end the subscriptions. They have ended when these say so. */
  cancelEach(reason: unknown): void {
    for (const { tag, producer } of this.#subscriptions.values()) {
      this.#send(producer, cancelMessage(this.#host.core.pid, tag, reason));
    }
  }

  /** Tells all producers that it is over, and forgets them. */
  cancelAll(reason: unknown): void {
    this.cancelEach(reason);
    for (const subscription of this.#subscriptions.values()) {
      this.#telling.cancelled(subscription, { kind: "cancel", reason: reason as Term });
    }
    this.#subscriptions.clear();
  }

  /** The stage has ended. */
  ended(reason: unknown): void {
    this.#telling.ended(reason);
  }

  #refuse(problem: string, reply: ((value: unknown) => void) | undefined): void {
    this.#host.core.runtime.logger.error(`${this.#host.title} subscribe received invalid option: ${problem}`);
    reply?.(tuple(ERROR, tuple(BAD_OPTS, problem)));
    this.#owner.refused?.(problem);
  }

  #open(
    producer: MonitorTarget,
    parsed: ParsedOptions,
    request: SubscribeRequest,
    reply: ((value: unknown) => void) | undefined,
  ): void | Promise<void> {
    const { core, callbacks } = this.#host;
    const { options, current } = request;
    // The end of the producer waits its turn behind the events it has sent.
    const tag: Ref = core.monitor(producer, (reason) => core.deliver(new Work(() => this.#down(tag, reason as Term))));
    this.#send(producer, subscribeMessage(core.pid, tag, current, options));
    const from = new Subscription(peerTerm(producer), tag);
    return this.#host.guarded(
      () => callbacks.handleSubscribe?.("producer", keywordObject(options) ?? {}, from),
      (answer) => {
        if (answer instanceof Stop) return this.#host.end(answer.reason);
        const isManual = answer === "manual";
        if (!isManual && answer !== undefined && answer !== "automatic") {
          throw new Exit(tuple(atom("bad_return_value"), answer as object));
        }
        const rate = request.own?.rate;
        const max = Math.min(parsed.maxDemand, rate?.events ?? Number.POSITIVE_INFINITY);
        const demand = isManual ? undefined : new Demand(max, Math.floor((parsed.minDemand * max) / parsed.maxDemand));
        const asks = new Asks(core, tag, rate);
        const { cancel } = parsed;
        const subscription: UpstreamSubscription = {
          tag,
          producer,
          cancel,
          demand,
          from,
          asks,
          request,
          options: parsed,
          received: 0,
          handled: 0,
          confirms: false,
          source: undefined,
        };
        this.#subscriptions.set(termKey(tag), subscription);
        this.#telling.subscribed(subscription);
        if (demand !== undefined) this.#handling.ask(subscription, producer, demand.max);
        this.#owner.opened?.(subscription);
        reply?.(tuple(OK, tag));
      },
    );
  }

  #down(tag: Ref, reason: Term): void | Promise<void> {
    const subscription = this.#subscriptions.get(termKey(tag));
    return subscription && this.#end(subscription, { kind: "down", reason });
  }

  #end(subscription: UpstreamSubscription, reason: CancelReason): void | Promise<void> {
    const { core, callbacks } = this.#host;
    this.#subscriptions.delete(termKey(subscription.tag));
    core.demonitor(subscription.tag);
    const work = () => {
      this.#telling.cancelled(subscription, reason);
      return this.#host.run(
        () => callbacks.handleCancel?.(reason, subscription.from),
        () => this.#ended(subscription, reason),
      );
    };
    return this.#intake === undefined || this.#intake.isEmpty ? work() : this.#intake.put(work);
  }

  #ended(subscription: UpstreamSubscription, reason: CancelReason): void | Promise<void> {
    const { request, from, handled } = subscription;
    const { own } = request;
    if (own === undefined || !Resubscriber.applies(own, reason)) return this.#owner.ended(subscription, reason);
    this.#resubscriber.schedule(own, nextPosition(request, from, handled));
  }

  #send(to: Address, message: unknown): void {
    // These are few and small: a link without room at the moment takes them all the same.
    void this.#host.core.send(to, message, false);
  }
}

function statsOf({ from, asks, received, handled }: UpstreamSubscription): SubscriptionStats {
  return { producer: from.peer, asked: asks.count, received, handled };
}

/** Where a subscription that was lost had come to. Tries count from the last one that brought anything. */
function nextPosition({ position }: SubscribeRequest, from: Subscription, handled = 0): Position {
  return {
    handled: (position?.handled ?? 0) + handled,
    attempt: handled > 0 ? 1 : (position?.attempt ?? 0) + 1,
    from,
  };
}
