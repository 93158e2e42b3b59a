import { noReply, stop } from "../otp/index.ts";
import { Reason } from "../runtime/index.ts";
import { type CancelReason, type WireOptions, withOptions } from "./callbacks.ts";
import { Demand } from "./demand.ts";
import { EventQueue } from "./event-queue.ts";
import { ProducerConsumer, type ProducerConsumerOptions } from "./producer-consumer.ts";
import type { StageOwnProcess } from "./stage-own-process.ts";
import { parsedOptions, type Subscription } from "./subscription.ts";

/** What {@link through} makes a stage of. Its `signal` is aborted when the stage ends. */
export type Transform<In, Out> = (events: AsyncIterable<In>, signal: AbortSignal) => AsyncIterable<Out>;

/**
 * A producer_consumer made of an async generator, to be started:
 * `node.start(GenStage.through(async function* (orders) { for await (const order of orders) yield price(order); }, { subscribeTo }))`.
 *
 * It goes on only while consumers have asked for more than they got, and a producer is asked for more only when the generator
 * has come back for the next event: a slow generator slows its producers down, and so do slow consumers.
 *
 * Its input ends when the last subscription to a producer has ended: subscribe with `cancel: "transient"`, as Flow does, for
 * else the stage ends with that subscription. When the generator returns, the stage ends with `normal` after its last event;
 * when it throws, with that error.
 */
export function through<In, Out>(
  transform: Transform<In, Out>,
  options: ProducerConsumerOptions<Out> = {},
): new () => ProducerConsumer<In, Out> {
  return class ThroughGenerator extends TransformStage<In, Out> {
    constructor() {
      super(transform, options);
    }
  };
}

class TransformStage<In, Out> extends ProducerConsumer<In, Out> {
  declare protected readonly process: ProducerConsumer<In, Out>["process"] & Pick<StageOwnProcess, "confirm">;
  /** When the generator is through with them. */
  readonly confirmsItself = true;
  readonly #transform: Transform<In, Out>;
  readonly #options: ProducerConsumerOptions<Out>;
  readonly #input = new EventQueue<In>();
  /** What is outstanding of each producer, by the tag of the subscription. */
  readonly #demands = new Map<unknown, Demand>();
  #output!: AsyncIterator<Out>;
  #isRunning = false;
  /** Yielded, and about to be emitted. */
  #batch: Out[] = [];

  constructor(transform: Transform<In, Out>, options: ProducerConsumerOptions<Out>) {
    super();
    this.#transform = transform;
    this.#options = options;
  }

  override init() {
    const { signal } = this.process;
    this.#output = this.#transform(this.#input, signal)[Symbol.asyncIterator]();
    signal.addEventListener("abort", () => this.#close(), { once: true });
    return withOptions(this.#options as ProducerConsumerOptions);
  }

  /** Asks are its own business, since events are handled when the generator has been through them. */
  override handleSubscribe(side: "producer" | "consumer", options: WireOptions, from: Subscription) {
    if (side === "consumer") return "automatic";
    const { maxDemand, minDemand } = parsedOptions(options);
    this.#demands.set(from.subscriptionTag, new Demand(maxDemand, minDemand));
    this.process.later(() => this.process.ask(from, maxDemand));
    return "manual";
  }

  handleEvents(events: In[], from: Subscription): void {
    let at = 0;
    for (const { size, ask } of this.#demands.get(from.subscriptionTag)?.take(events.length) ?? [
      { size: events.length, ask: 0 },
    ]) {
      this.#input.put(events.slice(at, at + size), () => {
        // Behind what it has yielded and not emitted yet: that is what came of these.
        this.process.later(() => {
          this.process.confirm(from, size);
          this.process.ask(from, ask);
        });
      });
      at += size;
    }
  }

  override handleCancel(_reason: CancelReason, { subscriptionTag }: Subscription): void {
    if (this.#demands.delete(subscriptionTag) && this.#demands.size === 0) this.#input.end();
  }

  handleOpenDemand(): void {
    if (!this.#isRunning) void this.#run();
  }

  /** Lets the generator go on for as long as there is demand; what it yields in one turn of the event loop is emitted together. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.process.openDemand > this.#batch.length && !this.process.signal.aborted) {
        const { done, value } = await this.#output.next();
        if (done) return this.process.later(() => stop(Reason.normal), { afterEvents: true });
        if (this.#batch.push(value) === 1) this.process.later(() => noReply({ events: this.#takeBatch() }));
      }
      this.#isRunning = false;
    } catch (error) {
      this.process.later(() => {
        throw error;
      });
    }
  }

  #takeBatch(): Out[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }

  #close(): void {
    this.#input.end();
    this.#output.return?.().catch(() => {});
  }
}
