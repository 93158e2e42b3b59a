import type { Node } from "../../src/api/index.ts";
import { child, GenServer, noReply } from "../../src/otp/index.ts";
import {
  type CancelReason,
  Consumer,
  type ConsumerOptions,
  ConsumerSupervisor,
  GenStage,
  Producer,
  ProducerConsumer,
  type ProducerOptions,
  type Subscribe,
  type Subscription,
  superviseEvents,
  type WireOptions,
  withOptions,
} from "../../src/stage/index.ts";
import { atom, type Pid, termKey, tuple } from "../../src/term/index.ts";
import type { SeededRandom, SimulatedClock } from "../../src/testing/index.ts";

/** What all stages of a run share. */
export interface Weather {
  readonly clock: SimulatedClock;
  readonly random: SeededRandom;
  /** Nobody crashes and gives up any more. */
  isCalm: boolean;
}

/** What one stage did and saw, from its start to its end. */
export class StageLife {
  readonly id: number;
  readonly weather: Weather;
  readonly node: Node;
  readonly nature: Nature;
  pid: Pid | undefined;
  isAlive = true;
  /** Events that it gave away, in this order: each is the number of this life and its own. */
  readonly emitted: string[] = [];
  /** Events that it was done with, and those of them whose subscription is known. */
  readonly handled: string[] = [];
  readonly handledOf = new Map<unknown, string[]>();
  /** What became of events in the middle, by each of them. */
  readonly became = new Map<string, readonly string[]>();
  /** Live subscriptions to producers, for those that know theirs. */
  readonly upstream = new Map<unknown, Subscription>();
  /** Processes that it runs for events, now. */
  running = 0;
  readonly wrong: string[] = [];
  /** What only the stage itself can do, where it can. */
  resubscribe: ((from: Subscription, options: Subscribe) => void) | undefined;
  cancel: ((from: Subscription) => void) | undefined;

  constructor(id: number, weather: Weather, node: Node, nature: Nature) {
    this.id = id;
    this.weather = weather;
    this.node = node;
    this.nature = nature;
  }

  /** The next events, `count` of them. */
  make(count: number): string[] {
    return Array.from({ length: count }, () => this.makeOne());
  }

  makeOne(): string {
    const event = `${this.id}:${this.emitted.length + 1}`;
    this.emitted.push(event);
    return event;
  }

  handle(events: readonly string[], from?: Subscription): void {
    this.handled.push(...events);
    if (from === undefined) return;
    const key = termKey(from.subscriptionTag);
    this.handledOf.set(key, [...(this.handledOf.get(key) ?? []), ...events]);
  }

  /** The pid of a stage that has no code of its own comes later. */
  began(signal: AbortSignal, pid?: Pid): void {
    this.pid = pid;
    signal.addEventListener("abort", () => {
      this.isAlive = false;
    });
  }

  chance(percent: number): boolean {
    return this.weather.random.below(100) < percent;
  }

  /** What handling takes: nothing, a turn, or some time. May crash. */
  work(): void | Promise<void> {
    if (!this.weather.isCalm && this.chance(this.nature.crashes)) throw new Error("crashes, as it is told to");
    if (!this.chance(this.nature.slow)) return;
    const ms = this.weather.random.below(12);
    return new Promise((resolve) => void this.weather.clock.setTimer(ms, resolve));
  }
}

/** How a stage behaves. */
export interface Nature {
  /** Of 100 batches, those that take time, and those that it does not survive. */
  readonly slow: number;
  readonly crashes: number;
  /** Events that a producer gives in all, and the percentage of demands that it meets later or exceeds. */
  readonly limit: number;
  readonly fickle: number;
  readonly isManual: boolean;
}

interface Args<O> {
  readonly life: StageLife;
  readonly options: O;
}

/** Gives as many numbered events as it is asked for, at times later, at times more. */
export class NumberProducer extends Producer<string> {
  #life!: StageLife;
  #owed = 0;

  override init({ life, options }: Args<ProducerOptions<string>>) {
    this.#life = life;
    life.began(this.process.signal, this.process.pid);
    return withOptions<ProducerOptions>(options as ProducerOptions);
  }

  handleDemand(demand: number) {
    this.#owed += demand;
    if (this.#life.chance(this.#life.nature.fickle)) {
      this.process.sendAfter(this.#life.weather.random.below(20), this.process.pid, atom("go_on"));
      return;
    }
    return noReply({ events: this.#meet(this.#owed) });
  }

  override handleInfo() {
    const more = !this.#life.weather.isCalm && this.#life.chance(20) ? this.#life.weather.random.below(5) : 0;
    return noReply({ events: this.#meet(this.#owed + more) });
  }

  #meet(count: number): string[] {
    const events = this.#life.make(Math.max(0, Math.min(count, this.#life.nature.limit - this.#life.emitted.length)));
    this.#owed = Math.max(0, this.#owed - events.length);
    return events;
  }
}

/** A source that ends, read at once or taking its time. */
export function sourceOf(life: StageLife, options: ProducerOptions<string>) {
  return GenStage.from<string>((signal) => {
    life.began(signal);
    return life.nature.slow > 0 ? slowly(life) : atOnce(life);
  }, options);
}

function* atOnce(life: StageLife): Generator<string> {
  while (life.emitted.length < life.nature.limit) yield life.makeOne();
}

async function* slowly(life: StageLife): AsyncGenerator<string> {
  while (life.emitted.length < life.nature.limit) {
    await life.work();
    yield life.makeOne();
  }
}

/** Each event becomes up to two. */
export class Doubler extends ProducerConsumer<string, string> {
  #life!: StageLife;

  override init({ life, options }: Args<ConsumerOptions & ProducerOptions<string>>) {
    this.#life = life;
    life.began(this.process.signal, this.process.pid);
    return withOptions<ConsumerOptions & ProducerOptions>(options as ConsumerOptions & ProducerOptions);
  }

  override handleSubscribe(side: "producer" | "consumer", _options: unknown, from: Subscription) {
    if (side === "producer") this.#life.upstream.set(termKey(from.subscriptionTag), from);
  }

  handleEvents(events: string[], from: Subscription) {
    const life = this.#life;
    const done = () => {
      life.handle(events, from);
      const made = life.make(life.weather.random.below(2 * events.length + 1));
      for (const event of events) life.became.set(event, made);
      return noReply({ events: made });
    };
    const working = life.work();
    return working === undefined ? done() : working.then(done);
  }

  override handleCancel(_reason: CancelReason, from: Subscription): void {
    this.#life.upstream.delete(termKey(from.subscriptionTag));
  }
}

/** A generator in the middle. */
export function generatorOf(life: StageLife, options: ConsumerOptions & ProducerOptions<string>) {
  return GenStage.through<string, string>((events, signal) => {
    life.began(signal);
    return doubled(life, events);
  }, options);
}

async function* doubled(life: StageLife, events: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const event of events) {
    await life.work();
    const made = life.make(life.weather.random.below(3));
    yield* made;
    life.handle([event]);
    life.became.set(event, made);
  }
}

/** The end of a pipeline. One whose demand is its own business asks anew in parts of what it has handled. */
export class Sink extends Consumer<string> {
  #life!: StageLife;
  /** What a manual one has handled and not yet asked anew for, by subscription. */
  readonly #unasked = new Map<unknown, number>();

  override init({ life, options }: Args<ConsumerOptions>) {
    this.#life = life;
    life.began(this.process.signal, this.process.pid);
    life.resubscribe = (from, options) => this.process.asyncResubscribe(from, atom("again"), options);
    life.cancel = (from) => this.process.cancel(from, tuple(atom("shutdown"), 1));
    return withOptions(options);
  }

  override handleSubscribe(_side: "producer", { max_demand: max = 1_000 }: WireOptions, from: Subscription) {
    this.#life.upstream.set(termKey(from.subscriptionTag), from);
    if (!this.#life.nature.isManual) return;
    this.process.ask(from, max as number);
    return "manual";
  }

  async handleEvents(events: string[], from: Subscription) {
    await this.#life.work();
    this.#life.handle(events, from);
    if (!this.#life.nature.isManual) return;
    const key = termKey(from.subscriptionTag);
    const count = (this.#unasked.get(key) ?? 0) + events.length;
    const kept = this.#life.weather.isCalm ? 0 : this.#life.weather.random.below(Math.min(count, 3));
    this.#unasked.set(key, kept);
    this.process.ask(from, count - kept);
  }

  override handleCancel(_reason: CancelReason, from: Subscription): void {
    this.#life.upstream.delete(termKey(from.subscriptionTag));
    this.#unasked.delete(termKey(from.subscriptionTag));
  }
}

/** One process for each event. */
export class Crew extends ConsumerSupervisor<string> {
  override init({ life, options }: Args<ConsumerOptions>) {
    life.began(this.process.signal, this.process.pid);
    return superviseEvents((event: string) => child(Worker, { args: { life, event } }), options);
  }
}

class Worker extends GenServer {
  override init({ life, event }: { life: StageLife; event: string }) {
    life.running++;
    this.process.signal.addEventListener("abort", () => void life.running--);
    life.weather.clock.setTimer(life.weather.random.below(10), () => {
      if (!this.process.signal.aborted) life.handle([event]);
      this.process.exit(this.process.pid, atom("shutdown"));
    });
  }
}
