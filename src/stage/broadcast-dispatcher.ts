import { Export, inspect, type Pid, type Term, tuple } from "../term/index.ts";
import {
  BAD_OPTS,
  type Dispatcher,
  type DispatcherConsumer,
  type DispatcherFactory,
  type Outlet,
  Refusal,
} from "./dispatcher.ts";
import { ALREADY_SUBSCRIBED } from "./messages.ts";

/** Whether a consumer wants an event. */
export type Selector<Out> = (event: Out) => boolean;

/** Options of {@link broadcastDispatcher}. */
export interface BroadcastDispatcherOptions<Out> {
  /**
   * The selectors that consumers may subscribe with, by name. An Elixir consumer names one as `selector: &Shop.large?/1`,
   * which is `"Shop.large?/1"` here; others as `selector: "large"`, an atom or a string. The functions run in this process.
   */
  readonly selectors?: Readonly<Record<string, Selector<Out>>>;
}

/**
 * A dispatcher that sends every event to every consumer, as fast as the slowest one asks. One that has not asked yet holds up
 * all others. Same as `GenStage.BroadcastDispatcher` of 1.3.2.
 */
export function broadcastDispatcher<Out>(options: BroadcastDispatcherOptions<Out> = {}): DispatcherFactory<Out> {
  return (outlet) => new BroadcastDispatcher(outlet, options.selectors ?? {});
}

interface Entry<Out> {
  consumer: DispatcherConsumer;
  /** Asked for beyond what all others have asked for. */
  extra: number;
  readonly selector: Selector<Out> | undefined;
}

/** Source: gen_stage.md §6.3. */
export class BroadcastDispatcher<Out> implements Dispatcher<Out> {
  readonly module = "Elixir.GenStage.BroadcastDispatcher";
  readonly sharesEvents = true;
  readonly #outlet: Outlet<Out>;
  readonly #selectors: ReadonlyMap<string, Selector<Out>>;
  /** The one that asked last comes first. */
  #entries: Entry<Out>[] = [];
  /** Asked for by all, and not delivered. */
  #waiting = 0;
  /** Demanded of the producer, and neither delivered nor buffered. */
  #requested = 0;

  constructor(outlet: Outlet<Out>, selectors: Readonly<Record<string, Selector<Out>>>) {
    this.#outlet = outlet;
    this.#selectors = new Map(Object.entries(selectors));
  }

  get ready(): number {
    return this.#waiting;
  }

  subscribe(consumer: DispatcherConsumer, options: Readonly<Record<string, Term>>): number | Refusal {
    if (this.#entries.some((entry) => isSamePid(entry.consumer.pid, consumer.pid))) {
      this.#outlet.error(`${consumer.pid} is already registered with the BroadcastDispatcher`);
      return new Refusal(ALREADY_SUBSCRIBED);
    }
    const selector = this.#selectorOf(options.selector);
    if (selector instanceof Refusal) return selector;
    for (const entry of this.#entries) entry.extra += this.#waiting;
    this.#waiting = 0;
    this.#entries.unshift({ consumer, extra: 0, selector });
    return 0;
  }

  ask(count: number, consumer: DispatcherConsumer): number {
    const entry = this.#remove(consumer);
    if (entry === undefined) return 0;
    entry.consumer = consumer;
    entry.extra += count;
    this.#entries.unshift(entry);
    return this.#balance();
  }

  cancel(consumer: DispatcherConsumer): number {
    if (this.#remove(consumer) === undefined) return 0;
    if (this.#entries.length > 0) return this.#balance();
    this.#waiting = 0;
    return 0;
  }

  dispatch(events: readonly Out[]): readonly Out[] {
    const count = Math.min(events.length, this.#waiting);
    if (count === 0) return events;
    this.#waiting -= count;
    this.#requested = Math.max(0, this.#requested - count);
    const now = count === events.length ? events : events.slice(0, count);
    for (const entry of this.#entries) this.#deliver(entry, now);
    return count === events.length ? [] : events.slice(count);
  }

  buffered(count: number): void {
    this.#requested = Math.max(0, this.#requested - count);
  }

  info(message: unknown): void {
    this.#outlet.info(message);
  }

  /** What all have asked for is ready to be delivered; what is more than the producer was asked for is new demand. */
  #balance(): number {
    const common = Math.max(0, Math.min(...this.#entries.map(({ extra }) => extra)));
    for (const entry of this.#entries) entry.extra -= common;
    this.#waiting += common;
    const demand = Math.max(0, this.#waiting - this.#requested);
    this.#requested += demand;
    return demand;
  }

  #deliver({ consumer, selector }: Entry<Out>, events: readonly Out[]): void {
    const wanted = selector === undefined ? events : events.filter(selector);
    // A consumer accounts only for what it gets, so that what it does not want is asked for again in its name.
    if (wanted.length < events.length) this.#outlet.askAgain(consumer, events.length - wanted.length);
    this.#outlet.deliver(consumer, wanted);
  }

  #remove(consumer: DispatcherConsumer): Entry<Out> | undefined {
    const at = this.#entries.findIndex((entry) => entry.consumer.key === consumer.key);
    return at === -1 ? undefined : this.#entries.splice(at, 1)[0];
  }

  #selectorOf(given: Term | undefined): Selector<Out> | Refusal | undefined {
    if (given === undefined || given === null) return undefined;
    const selector = this.#selectors.get(selectorName(given));
    if (selector !== undefined) return selector;
    return new Refusal(tuple(BAD_OPTS, `:selector must be one of those that the producer has, got: ${inspect(given)}`));
  }
}

/** `Shop.large?/1` for an external function, else the text of an atom or string. */
function selectorName(given: Term): string {
  if (given instanceof Export) return inspect(given).replace(/^&/, "");
  return typeof given === "string" ? given : inspect(given).replace(/^:/, "");
}

const isSamePid = (a: Pid, b: Pid) => a.key === b.key;
