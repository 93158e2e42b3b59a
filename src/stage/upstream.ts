import { Stop } from "../otp/index.ts";
import {
  type Address,
  type Destination,
  Exit,
  type MonitorTarget,
  type ProcessCore,
  resolve,
} from "../runtime/index.ts";
import { atom, atomTerm, inspect, isTuple, Pid, Ref, type Term, termKey, tuple } from "../term/index.ts";
import type { CancelReason } from "./callbacks.ts";
import { type Chunk, Demand } from "./demand.ts";
import { type StageHost, Work } from "./host.ts";
import type { Intake } from "./intake.ts";
import { askMessage, type ConsumerOperation, type Current, cancelMessage, subscribeMessage } from "./messages.ts";
import { type CancelMode, keywordObject, type ParsedOptions, parseOptions, Subscription } from "./subscription.ts";

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
  /** As `handleEvents` sees it: with the pid that the latest events came from, to which asks go. */
  source: Subscription | undefined;
}

/** What the owner of an {@link Upstream} decides. */
export interface UpstreamOwner {
  /** A subscription has ended, and `handleCancel` has been told. */
  ended(subscription: UpstreamSubscription, reason: CancelReason): void | Promise<void>;
  /** There is no process of that name to subscribe to. */
  missing(to: string, cancel: CancelMode): void | Promise<void>;
}

/** What asks for a subscription. */
export interface SubscribeRequest {
  readonly to: unknown;
  /** A keyword list, as it came. */
  readonly options: Term;
  readonly current?: Current | undefined;
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
  /** By the canonical form of their tag. */
  readonly #subscriptions = new Map<unknown, UpstreamSubscription>();

  /** `intake`: where what comes waits for demand; without one it is handled at once. */
  constructor(host: StageHost, owner: UpstreamOwner, intake?: Intake) {
    this.#host = host;
    this.#owner = owner;
    this.#intake = intake;
  }

  /** Those that are live. */
  subscriptions(): Iterable<UpstreamSubscription> {
    return this.#subscriptions.values();
  }

  /** Subscribes, in the order of GenStage: monitor, `subscribe`, `handleSubscribe`, first ask, reply. */
  subscribe(request: SubscribeRequest, reply?: (value: unknown) => void): void | Promise<void> {
    const { core } = this.#host;
    const parsed = parseOptions(request.options);
    if (typeof parsed === "string") return this.#refuse(parsed, reply);
    let producer: MonitorTarget | undefined;
    try {
      producer = resolveProducer(core, request.to);
    } catch (error) {
      return this.#refuse(`expected :to to be a process, got: ${(error as Error).message}`, reply);
    }
    if (producer === undefined) {
      reply?.(tuple(OK, core.runtime.identity.newRef()));
      return this.#owner.missing(describe(request.to), parsed.cancel);
    }
    return this.#open(producer, parsed, request, reply);
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
    const work = () => this.#events(subscription, pid, operation.events);
    return this.#intake === undefined ? work() : this.#intake.put(work);
  }

  /** Tells all producers that it is over, and forgets them. */
  cancelAll(reason: unknown): void {
    for (const { tag, producer } of this.#subscriptions.values()) {
      this.#send(producer, cancelMessage(this.#host.core.pid, tag, reason));
    }
    this.#subscriptions.clear();
  }

  #refuse(problem: string, reply: ((value: unknown) => void) | undefined): void {
    this.#host.core.runtime.logger.error(`${this.#host.title} subscribe received invalid option: ${problem}`);
    reply?.(tuple(ERROR, tuple(BAD_OPTS, problem)));
  }

  #open(
    producer: MonitorTarget,
    parsed: ParsedOptions,
    { options, current }: SubscribeRequest,
    reply: ((value: unknown) => void) | undefined,
  ): void | Promise<void> {
    const { core, callbacks } = this.#host;
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
        const demand = isManual ? undefined : new Demand(parsed.maxDemand, parsed.minDemand);
        if (demand !== undefined) this.#send(producer, askMessage(core.pid, tag, demand.max));
        this.#subscriptions.set(termKey(tag), {
          tag,
          producer,
          cancel: parsed.cancel,
          demand,
          from,
          source: undefined,
        });
        reply?.(tuple(OK, tag));
      },
    );
  }

  #events(subscription: UpstreamSubscription, pid: Pid, events: Term[]): void | Promise<void> {
    const { demand } = subscription;
    const source = sourceOf(subscription, pid);
    // What waited until its subscription was over comes in one piece, and nobody is there to be asked.
    const isOver = this.#subscriptions.get(termKey(subscription.tag)) !== subscription;
    if (demand === undefined || isOver) {
      return this.#host.run(() => this.#host.callbacks.handleEvents?.(events, source));
    }
    const chunks = demand.take(events.length);
    for (const { excess } of chunks) if (excess > 0) this.#logExcess(excess, source);
    return this.#handle(source, events, chunks);
  }

  /** Hands over chunk by chunk; each is asked for anew when it has been handled. */
  #handle(source: Subscription, events: Term[], chunks: readonly Chunk[], index = 0, at = 0): void | Promise<void> {
    const { core, callbacks } = this.#host;
    while (index < chunks.length && core.alive) {
      const { size, ask } = chunks[index++]!;
      const chunk = size === events.length ? events : events.slice(at, at + size);
      at += size;
      const pending = this.#host.run(
        () => callbacks.handleEvents?.(chunk, source),
        () => {
          if (ask > 0) this.#send(source.peer as Pid, askMessage(core.pid, source.subscriptionTag, ask));
        },
      );
      if (pending instanceof Promise) return pending.then(() => this.#handle(source, events, chunks, index, at));
    }
  }

  #down(tag: Ref, reason: Term): void | Promise<void> {
    const subscription = this.#subscriptions.get(termKey(tag));
    return subscription && this.#end(subscription, { kind: "down", reason });
  }

  #end(subscription: UpstreamSubscription, reason: CancelReason): void | Promise<void> {
    const { core, callbacks } = this.#host;
    this.#subscriptions.delete(termKey(subscription.tag));
    core.demonitor(subscription.tag);
    const work = () =>
      this.#host.run(
        () => callbacks.handleCancel?.(reason, subscription.from),
        () => this.#owner.ended(subscription, reason),
      );
    return this.#intake === undefined || this.#intake.isEmpty ? work() : this.#intake.put(work);
  }

  #logExcess(count: number, from: Subscription): void {
    this.#host.core.runtime.logger.error(
      `${this.#host.title} has received ${count} events in excess from: ${inspect(from)}`,
    );
  }

  #send(to: Address, message: unknown): void {
    // Asks and cancels are few and small: a link without room at the moment takes them all the same.
    void this.#host.core.send(to, message, false);
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

/** Where a producer is: by pid, or by name when it is on another node; undefined when there is nobody of that name here. */
function resolveProducer(core: ProcessCore, to: unknown): MonitorTarget | undefined {
  if (isTuple(to) && (to.tag === "global" || (to.tag === "via" && to.length === 3))) return undefined;
  const { runtime } = core;
  const address = resolve(to as Destination, runtime.identity.node);
  if (address instanceof Ref) throw new Error("an alias");
  if (address === undefined || address instanceof Pid || address.node !== runtime.identity.node) return address;
  return runtime.names.find(address.name)?.pid;
}

function peerTerm(producer: MonitorTarget): Subscription["peer"] {
  return producer instanceof Pid
    ? producer
    : (tuple(atomTerm(producer.name) as object, atomTerm(producer.node) as object) as unknown as Subscription["peer"]);
}

function describe(to: unknown): string {
  if (typeof to === "string") return to;
  try {
    return inspect(to);
  } catch {
    return inspect((to as { name: unknown }).name);
  }
}
