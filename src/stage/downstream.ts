import { Stop } from "../otp/index.ts";
import { Exit } from "../runtime/index.ts";
import { atom, inspect, type Pid, type Ref, type Term, termKey, tuple } from "../term/index.ts";
import { EventBuffer } from "./buffer.ts";
import type { CancelReason, ProducerOptions } from "./callbacks.ts";
import { demandDispatcher } from "./demand-dispatcher.ts";
import { BAD_OPTS, type Dispatcher, type DispatcherConsumer, Refusal } from "./dispatcher.ts";
import { after, type StageHost, Work } from "./host.ts";
import { Ledger } from "./ledger.ts";
import {
  ACK_OPTION,
  acksMessage,
  type Current,
  cancelledMessage,
  eventsMessage,
  type ProducerOperation,
} from "./messages.ts";
import { Point, Settling } from "./settling.ts";
import { keywordObject, maxDemandOf, Subscription } from "./subscription.ts";

export type DemandMode = "forward" | "accumulate";

/** A subscription of a consumer to us. */
interface DownstreamSubscription extends DispatcherConsumer {
  readonly confirms: boolean;
  readonly monitor: Ref;
  readonly from: Subscription;
  readonly ledger: Ledger;
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

/** What was held back while accumulating: demand, and events for which there was some, from the buffer or as they came. */
type Held =
  | { readonly kind: "demand"; readonly count: number }
  | { readonly kind: "buffered"; readonly count: number }
  | { readonly kind: "events"; readonly events: readonly unknown[] }
  | { readonly kind: "info"; readonly message: unknown };

const DEFAULT_BUFFER_SIZE = { producer: 10_000, producer_consumer: Number.POSITIVE_INFINITY } as const;
const DUPLICATED_SUBSCRIPTION = atom("duplicated_subscription");
const MANUAL = atom("manual");
const UNKNOWN_SUBSCRIPTION = atom("unknown_subscription");

/**
 * The half of a stage that faces its consumers: their subscriptions and demand, the dispatcher, the buffer, and the mode in
 * which demand is forwarded. Source: gen_stage.md §4, §5.1, §5.2, §5.5, §5.6. Nothing here opens a connection.
 */
export class Downstream {
  readonly #host: StageHost;
  readonly #isInTheMiddle: boolean;
  readonly #onDemand: (count: number) => void | Promise<void>;
  readonly #dispatcher: Dispatcher<unknown>;
  readonly #buffer: EventBuffer<unknown>;
  /** By the canonical form of their tag, which may be any term. */
  readonly #subscriptions = new Map<unknown, DownstreamSubscription>();
  #mode: DemandMode;
  #held: Held[] = [];
  /** Events in the buffer that are held back, since they have been asked for. */
  #heldInBuffer = 0;
  #openDemand = 0;
  #discarded = 0;
  #unconfirmed = 0;
  readonly #settling = new Settling();
  /** Pending while a link that events were sent over has no room. */
  #full: Promise<unknown> | undefined;

  /** @param onDemand - takes demand that the buffer could not serve. */
  constructor(
    host: StageHost,
    options: ProducerOptions,
    role: "producer" | "producer_consumer",
    onDemand: (count: number) => void | Promise<void>,
  ) {
    this.#host = host;
    this.#isInTheMiddle = role === "producer_consumer";
    this.#onDemand = onDemand;
    this.#mode = options.demand ?? "forward";
    this.#buffer = new EventBuffer(options.bufferSize ?? DEFAULT_BUFFER_SIZE[role], options.bufferKeep ?? "last");
    this.#dispatcher = (options.dispatcher ?? demandDispatcher())({
      deliver: (consumer, events) => this.#deliver(consumer, events),
      info: (message) => this.#left(message),
      askAgain: (consumer, count) => host.core.deliver(new Work(() => this.#askAgain(consumer, count))),
      discarded: (count) => {
        this.#discarded += count;
      },
      random: host.core.runtime.identity.random,
      error: (text) => host.core.runtime.logger.error(`${host.title} ${text}`),
      warn: (text) => host.core.runtime.logger.warn(`${host.title} ${text}`),
    });
  }

  /** The module of the dispatcher, as tools show it. */
  get dispatcherModule(): string {
    return this.#dispatcher.module ?? this.#dispatcher.constructor.name;
  }

  /** What consumers have asked for, as far as the dispatcher passes it on, and not got. */
  get openDemand(): number {
    return this.#openDemand;
  }

  /** Events that did not fit into the buffer, or that the dispatcher gave up. */
  get discarded(): number {
    return this.#discarded;
  }

  /** Events that consumers were sent which then were lost, and which nobody else gets. */
  get unconfirmed(): number {
    return this.#unconfirmed;
  }

  stats(): ConsumerStats[] {
    return Array.from(this.#subscriptions.values(), ({ pid, ledger: { asked, sent, unconfirmed } }) => ({
      consumer: pid,
      asked,
      sent,
      unconfirmed,
    }));
  }

  get mode(): DemandMode {
    return this.#mode;
  }

  /** Events in the buffer; those held back while accumulating are not counted. */
  get bufferedCount(): number {
    return this.#buffer.size - this.#heldInBuffer;
  }

  /** Takes what a consumer sent under a tag. */
  receive(pid: Pid, tag: Term, operation: NonNullable<ProducerOperation>): void | Promise<void> {
    const subscription = this.#subscriptions.get(termKey(tag));
    switch (operation.kind) {
      case "subscribe":
        return subscription === undefined
          ? this.#subscribe(pid, tag, operation.current, operation.options)
          : this.#refuseDuplicate(pid, tag);
      case "ask":
        if (subscription === undefined) return this.#sendCancelled(pid, tag, UNKNOWN_SUBSCRIPTION);
        // Those that ask for nothing get it.
        if (operation.count < 1) return;
        return this.#granted(subscription, pid, subscription.ledger.ask(operation.count));
      case "cancel":
        return subscription && this.#end(subscription, { kind: "cancel", reason: operation.reason });
      case "ack":
        return subscription && this.#confirmed(subscription, pid, operation.count);
    }
  }

  /** A consumer may get so many more events; they go to the pid that it asked or confirmed with. */
  #granted({ key, tag }: DownstreamSubscription, pid: Pid, count: number): void | Promise<void> {
    if (count > 0) return this.#demanded(this.#dispatcher.ask(count, { key, pid, tag }));
  }

  #confirmed(subscription: DownstreamSubscription, pid: Pid, count: number): void | Promise<void> {
    const granted = subscription.ledger.confirm(count);
    this.#settling.advance();
    return this.#granted(subscription, pid, granted);
  }

  /** In the name of a consumer, which did not get what it had asked for. Its own figures know nothing of that. */
  #askAgain({ key, pid, tag }: DispatcherConsumer, count: number): void | Promise<void> {
    if (this.#subscriptions.has(key)) return this.#demanded(this.#dispatcher.ask(count, { key, pid, tag }));
  }

  /**
   * Calls `settled` once all events emitted so far have been sent to consumers, and those that confirm have confirmed them, or
   * they have been discarded.
   */
  whenSettled(settled: () => void): void {
    this.info(this.#settling.add(settled));
  }

  /** The events before an info have left. */
  #left(message: unknown): void {
    if (!(message instanceof Point)) return this.#host.core.deliver(message);
    this.#settling.passed(message, this.#ledgers());
  }

  *#ledgers(): Iterable<Ledger> {
    for (const { ledger } of this.#subscriptions.values()) yield ledger;
  }

  /** Emits events: to consumers as far as they have asked, else to the buffer. The promise says that a link is full. */
  emit(events: readonly unknown[]): void | Promise<void> {
    this.#dispatch(events);
    return this.#room();
  }

  /** Delivers a message to the stage itself once the events emitted before it have left. */
  info(message: unknown): void {
    if (this.#isHolding) this.#held.push({ kind: "info", message });
    else if (!this.#buffer.putInfo(message)) this.#dispatcher.info(message);
  }

  /** Something is held back, behind which what comes has to stay. */
  get #isHolding(): boolean {
    return this.#mode === "accumulate" && this.#held.length > 0;
  }

  /** GenStage lets infos overtake what is held back; here they keep their place, and a stop behind events stays behind. */
  #infoDue(message: unknown): void {
    if (this.#isHolding) this.#held.push({ kind: "info", message });
    else this.#dispatcher.info(message);
  }

  /** Switches between holding back and forwarding; what was held follows in its order, one by one. */
  setMode(mode: DemandMode): void | Promise<void> {
    if (mode === this.#mode) return;
    this.#mode = mode;
    if (mode === "accumulate") return;
    this.#heldInBuffer = 0;
    return after(this.#replay(), () => {
      if (this.#host.core.alive && this.#mode === "forward") this.#serve(0);
    });
  }

  #replay(): void | Promise<void> {
    while (this.#held.length > 0 && this.#host.core.alive) {
      const pending = this.#replayOne(this.#held.shift()!);
      if (pending instanceof Promise) return pending.then(() => this.#replay());
    }
  }

  #replayOne(entry: Held): void | Promise<void> {
    switch (entry.kind) {
      case "demand":
        return this.#passOn(entry.count);
      case "buffered":
        return void this.#serve(entry.count);
      case "events":
        this.#release(entry.events);
        return this.#room();
      case "info":
        return this.info(entry.message);
    }
  }

  #subscribe(pid: Pid, tag: Term, current: Current | undefined, options: Term): void | Promise<void> {
    const replaced = current && this.#subscriptions.get(termKey(current.tag));
    const pending = replaced && this.#end(replaced, { kind: "cancel", reason: (current as Current).reason });
    return after(pending, () => (this.#host.core.alive ? this.#open(pid, tag, options) : undefined));
  }

  #open(pid: Pid, tag: Term, options: Term): void | Promise<void> {
    const { core, callbacks } = this.#host;
    const given = keywordObject(options);
    if (given === undefined) {
      const problem = `expected the options to be a keyword list, got: ${inspect(options)}`;
      return this.#sendCancelled(pid, tag, tuple(BAD_OPTS, problem));
    }
    const key = termKey(tag);
    const from = new Subscription(pid, tag);
    const monitor: Ref = core.monitor(pid, (reason) => core.deliver(new Work(() => this.#down(monitor, key, reason))));
    const confirms = given[ACK_OPTION] === true && this.#dispatcher.sharesEvents !== true;
    const ledger = new Ledger(confirms ? maxDemandOf(given) : undefined);
    const subscription = { key, pid, tag, monitor, from, confirms, ledger };
    this.#subscriptions.set(key, subscription);
    if (confirms) void core.send(pid, acksMessage(core.pid, tag), false);
    return this.#host.guarded(
      () => callbacks.handleSubscribe?.("consumer", given, from),
      (answer) => {
        if (answer instanceof Stop) return this.#host.end(answer.reason);
        if (answer !== undefined && answer !== "automatic") {
          throw new Exit(tuple(atom("bad_return_value"), answer === "manual" ? MANUAL : (answer as object)));
        }
        const demand = this.#dispatcher.subscribe(subscription, given);
        if (demand instanceof Refusal) {
          return this.#end(subscription, { kind: "cancel", reason: demand.reason as Term });
        }
        return this.#demanded(demand);
      },
    );
  }

  #refuseDuplicate(pid: Pid, tag: Term): void {
    const from = inspect(tuple(pid, tag as object));
    this.#host.core.runtime.logger.error(`${this.#host.title} received duplicated subscription from: ${from}`);
    this.#sendCancelled(pid, tag, DUPLICATED_SUBSCRIPTION);
  }

  #down(monitor: Ref, key: unknown, reason: unknown): void | Promise<void> {
    const subscription = this.#subscriptions.get(key);
    // The tag may have been taken by another subscription in the meantime.
    if (subscription?.monitor !== monitor) return;
    return this.#end(subscription, { kind: "down", reason: reason as Term });
  }

  /** In the order of GenStage: forget, demonitor, confirm, `handleCancel`, dispatcher. */
  #end(subscription: DownstreamSubscription, reason: CancelReason): void | Promise<void> {
    const { core, callbacks } = this.#host;
    this.#subscriptions.delete(subscription.key);
    core.demonitor(subscription.monitor);
    this.#sendCancelled(subscription.pid, subscription.tag, reason.reason);
    return this.#host.run(
      () => callbacks.handleCancel?.(reason, subscription.from),
      () => {
        const { ledger, confirms } = subscription;
        this.#unconfirmed += confirms ? 0 : ledger.unconfirmed;
        const { events, points } = ledger.takeBack();
        this.#dispatcher.takeBack?.(subscription, events);
        const demand = this.#dispatcher.cancel(subscription);
        if (this.#dispatcher.takeBack === undefined) this.#dispatchAgain(events);
        for (const point of points) this.info(point);
        return this.#demanded(demand);
      },
    );
  }

  /** What a consumer that is gone has not confirmed goes to others, before anything that was emitted later. */
  #dispatchAgain(events: readonly unknown[]): void {
    if (events.length === 0) return;
    const left = this.#mode === "forward" ? this.#dispatcher.dispatch(events) : events;
    this.#openDemand = Math.max(0, this.#openDemand - (events.length - left.length));
    this.#buffer.putBack(left);
  }

  /** There is new demand. */
  #demanded(count: number): void | Promise<void> {
    this.#openDemand += count;
    // In the middle it is all the demand there is that counts: a dispatcher may have held back what it can let go by now.
    return this.#passOn(this.#isInTheMiddle ? this.#openDemand : count);
  }

  /** Serves demand from the buffer, and passes on what is left of it. */
  #passOn(count: number): void | Promise<void> {
    if (this.#mode === "accumulate") return this.#hold(count);
    const rest = count - this.#serve(count);
    return after(this.#room(), () => {
      if (rest <= 0) return;
      if (this.#mode === "forward") return this.#onDemand(rest);
      this.#held.push({ kind: "demand", count: rest });
    });
  }

  /** Demand that comes while accumulating. */
  #hold(count: number): void {
    const buffered = Math.min(count, this.bufferedCount);
    this.#heldInBuffer += buffered;
    if (buffered > 0) this.#held.push({ kind: "buffered", count: buffered });
    if (count > buffered) this.#held.push({ kind: "demand", count: count - buffered });
  }

  /**
   * Sends events of the buffer: as many as the dispatcher is ready for, which may be more than it passed on as demand, where
   * others had asked for them who are gone; or up to `count`. Gives how many that were.
   */
  #serve(count: number): number {
    let served = 0;
    const limit = this.#dispatcher.ready ?? count;
    while (served < limit) {
      const { events, infos } = this.#buffer.take(limit - served);
      if (events.length === 0) break;
      const left = this.#offer(events);
      served += events.length - left.length;
      if (left.length > 0) {
        this.#buffer.putBack(left, infos);
        break;
      }
      for (const info of infos) this.#infoDue(info);
    }
    return served;
  }

  /** Events have been emitted. They stay behind those that are held back, also while these are on their way out. */
  #dispatch(events: readonly unknown[]): void {
    if (this.#mode === "accumulate" || this.#held.some(({ kind }) => kind === "events")) {
      this.#held.push({ kind: "events", events });
    } else this.#release(events);
  }

  /** What is in the buffer goes before them. */
  #release(events: readonly unknown[]): void {
    if (this.#buffer.size > 0) this.#serve(0);
    const left = this.#offer(events);
    if (left.length > 0) this.#store(left);
  }

  /** Lets events go; gives those that nobody wants yet. */
  #offer(events: readonly unknown[]): readonly unknown[] {
    const left = this.#dispatcher.dispatch(events);
    this.#openDemand = Math.max(0, this.#openDemand - (events.length - left.length));
    return left;
  }

  #store(events: readonly unknown[]): void {
    this.#dispatcher.buffered?.(events.length);
    const { discarded, infos } = this.#buffer.put(events);
    for (const info of infos) this.#infoDue(info);
    this.#discarded += discarded;
    if (discarded === 0 || this.#host.callbacks.formatDiscarded?.(discarded) === false) return;
    this.#host.core.runtime.logger.warn(`${this.#host.title} has discarded ${discarded} events from buffer`);
  }

  #deliver(consumer: DispatcherConsumer, events: readonly unknown[]): void {
    const { core } = this.#host;
    this.#subscriptions.get(consumer.key)?.ledger.send(events);
    const full = core.send(consumer.pid, eventsMessage(core.pid, consumer.tag, events), false);
    if (full !== undefined) this.#full = this.#full === undefined ? full : Promise.all([this.#full, full]);
  }

  /** What to wait for before anything else is emitted. */
  #room(): void | Promise<void> {
    const full = this.#full;
    this.#full = undefined;
    return full?.then(() => {});
  }

  #sendCancelled(pid: Pid, tag: Term, reason: unknown): void {
    void this.#host.core.send(pid, cancelledMessage(this.#host.core.pid, tag, reason), false);
  }
}
