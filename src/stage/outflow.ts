import { factsOf, type StageDiscard } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import { EventBuffer } from "./buffer.ts";
import type { ProducerOptions } from "./callbacks.ts";
import { demandDispatcher } from "./demand-dispatcher.ts";
import { type Dispatcher, type DispatcherConsumer, Refusal } from "./dispatcher.ts";
import { after, type StageHost, Work } from "./host.ts";

export type DemandMode = "forward" | "accumulate";

/** What was held back while accumulating: demand, and events for which there was some, from the buffer or as they came. */
type Held =
  | { readonly kind: "demand"; readonly count: number }
  | { readonly kind: "buffered"; readonly count: number }
  | { readonly kind: "events"; readonly events: readonly unknown[] }
  | { readonly kind: "info"; readonly message: unknown };

const DEFAULT_BUFFER_SIZE = { producer: 10_000, producer_consumer: Number.POSITIVE_INFINITY } as const;

/** Where an {@link Outflow} leads, and where its demand goes. */
export interface OutflowEnds {
  /** Sends events to a consumer; the promise says that the link is full. */
  deliver(consumer: DispatcherConsumer, events: readonly unknown[]): Promise<unknown> | undefined;
  /** The events before an info have left. */
  left(message: unknown): void;
  /** Whether a consumer is still there. */
  isSubscribed(consumer: DispatcherConsumer): boolean;
  /** Takes demand that the buffer could not serve. */
  demanded(count: number): void | Promise<void>;
}

/**
 * The way of events out of a stage, and of demand into it: the buffer, the dispatcher, and the mode in which demand is
 * forwarded. Source: gen_stage.md §5.1, §5.2, §5.5, §5.6. It knows nothing of subscriptions but what dispatchers are told.
 */
export class Outflow {
  readonly #host: StageHost;
  readonly #ends: OutflowEnds;
  readonly #isInTheMiddle: boolean;
  readonly #dispatcher: Dispatcher<unknown>;
  readonly #buffer: EventBuffer<unknown>;
  #mode: DemandMode;
  #held: Held[] = [];
  /** Events in the buffer that are held back, since they have been asked for. */
  #heldInBuffer = 0;
  #openDemand = 0;
  #discarded = 0;
  /** Pending while a link that events were sent over has no room. */
  #full: Promise<unknown> | undefined;

  constructor(host: StageHost, options: ProducerOptions, role: "producer" | "producer_consumer", ends: OutflowEnds) {
    this.#host = host;
    this.#ends = ends;
    this.#isInTheMiddle = role === "producer_consumer";
    this.#mode = options.demand ?? "forward";
    this.#buffer = new EventBuffer(options.bufferSize ?? DEFAULT_BUFFER_SIZE[role], options.bufferKeep ?? "last");
    this.#dispatcher = (options.dispatcher ?? demandDispatcher())({
      deliver: (consumer, events) => this.#deliver(consumer, events),
      info: (message) => ends.left(message),
      askAgain: (consumer, count) => host.core.deliver(new Work(() => this.#askAgain(consumer, count))),
      discarded: (count) => this.#discard(count, "dispatcher"),
      random: host.core.runtime.identity.random,
      error: (text) => host.core.runtime.logger.error(`${host.title} ${text}`),
      warn: (text) => host.core.runtime.logger.warn(`${host.title} ${text}`),
    });
  }

  /** The module of the dispatcher, as tools show it. */
  get dispatcherModule(): string {
    return this.#dispatcher.module ?? this.#dispatcher.constructor.name;
  }

  /** An event may go to several consumers. */
  get sharesEvents(): boolean {
    return this.#dispatcher.sharesEvents === true;
  }

  /** What consumers have asked for, as far as the dispatcher passes it on, and not got. */
  get openDemand(): number {
    return this.#openDemand;
  }

  /** Events that did not fit into the buffer, or that the dispatcher gave up. */
  get discarded(): number {
    return this.#discarded;
  }

  get mode(): DemandMode {
    return this.#mode;
  }

  /** Events in the buffer; those held back while accumulating are not counted. */
  get bufferedCount(): number {
    return this.#buffer.size - this.#heldInBuffer;
  }

  /** A consumer has subscribed, with these options; the dispatcher may refuse it. */
  subscribe(
    consumer: DispatcherConsumer,
    options: Readonly<Record<string, Term>>,
    refused: (reason: Term) => void | Promise<void>,
  ): void | Promise<void> {
    const demand = this.#dispatcher.subscribe(consumer, options);
    return demand instanceof Refusal ? refused(demand.reason as Term) : this.#demanded(demand);
  }

  /** A consumer asks for `count` more events, 1 or more. */
  ask(consumer: DispatcherConsumer, count: number): void | Promise<void> {
    return this.#demanded(this.#dispatcher.ask(count, consumer));
  }

  /** A consumer is gone, and what it did not confirm is to go to others, with what `behind` does behind that. */
  cancel(consumer: DispatcherConsumer, unconfirmed: readonly unknown[], behind: () => void): void | Promise<void> {
    this.#dispatcher.takeBack?.(consumer, unconfirmed);
    const demand = this.#dispatcher.cancel(consumer);
    if (this.#dispatcher.takeBack === undefined) this.#dispatchAgain(unconfirmed);
    behind();
    return this.#demanded(demand);
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
      case "buffered": {
        // What those who asked are no longer there to take stays in the buffer: the producer does not owe it.
        const kept = entry.count - this.#serve(entry.count);
        if (kept > 0) this.#dispatcher.buffered?.(kept);
        return;
      }
      case "events":
        this.#release(entry.events);
        return this.#room();
      case "info":
        return this.info(entry.message);
    }
  }

  /** In the name of a consumer, which did not get what it had asked for. Its own figures know nothing of that. */
  #askAgain(consumer: DispatcherConsumer, count: number): void | Promise<void> {
    if (this.#ends.isSubscribed(consumer)) return this.ask(consumer, count);
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
      if (this.#mode === "forward") return this.#ends.demanded(rest);
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
    if (discarded === 0) return;
    this.#discard(discarded, "buffer");
    if (this.#host.callbacks.formatDiscarded?.(discarded) === false) return;
    this.#host.core.runtime.logger.warn(`${this.#host.title} has discarded ${discarded} events from buffer`);
  }

  #discard(count: number, by: StageDiscard["by"]): void {
    this.#discarded += count;
    const { core } = this.#host;
    const { stageDiscard } = core.runtime.telemetry;
    if (!stageDiscard.hasSubscribers) return;
    stageDiscard.publish({ ...factsOf(core), by, count, discarded: this.#discarded });
  }

  #deliver(consumer: DispatcherConsumer, events: readonly unknown[]): void {
    const full = this.#ends.deliver(consumer, events);
    if (full !== undefined) this.#full = this.#full === undefined ? full : Promise.all([this.#full, full]);
  }

  /** What to wait for before anything else is emitted. */
  #room(): void | Promise<void> {
    const full = this.#full;
    this.#full = undefined;
    return full?.then(() => {});
  }
}
