import type { Dispatcher, DispatcherConsumer, DispatcherFactory, Outlet } from "./dispatcher.ts";

/** Options of {@link demandDispatcher}. */
export interface DemandDispatcherOptions {
  /** The largest ask expected of a consumer; larger ones are warned about. Default: the first ask there is. */
  readonly maxDemand?: number;
  /**
   * Puts the consumers in an order by chance once, before the first events are sent: for many producers that all have the
   * same consumers, which subscribed in the same order. Default false.
   */
  readonly shuffleDemandsOnFirstDispatch?: boolean;
}

/**
 * The dispatcher of a producer that says nothing else: each event goes to one consumer, the one with the most demand first.
 * Same as `GenStage.DemandDispatcher` of 1.3.
 */
export function demandDispatcher<Out>(options: DemandDispatcherOptions = {}): DispatcherFactory<Out> {
  return (outlet) => new DemandDispatcher(outlet, options);
}

interface Entry {
  consumer: DispatcherConsumer;
  outstanding: number;
}

/** Source: gen_stage.md §6.2. */
export class DemandDispatcher<Out> implements Dispatcher<Out> {
  readonly module = "Elixir.GenStage.DemandDispatcher";
  readonly #outlet: Outlet<Out>;
  /** In descending order of what is outstanding; of equals, the one that has been there longest first. */
  readonly #entries: Entry[] = [];
  /** Demand of consumers that are gone, which the producer has been told of and will serve nonetheless. */
  #pending = 0;
  #expectedMax: number | undefined;
  #shuffles: boolean;

  constructor(outlet: Outlet<Out>, options: DemandDispatcherOptions = {}) {
    this.#outlet = outlet;
    this.#expectedMax = options.maxDemand;
    this.#shuffles = options.shuffleDemandsOnFirstDispatch ?? false;
  }

  get ready(): number {
    return this.#entries.reduce((sum, { outstanding }) => sum + outstanding, 0);
  }

  subscribe(consumer: DispatcherConsumer): number {
    this.#entries.push({ consumer, outstanding: 0 });
    return 0;
  }

  ask(count: number, consumer: DispatcherConsumer): number {
    this.#expectedMax ??= count;
    if (count > this.#expectedMax) {
      this.#outlet.warn(
        `DemandDispatcher expects a maximum demand of ${this.#expectedMax}. Using different maximum demands will ` +
          `overload greedy consumers. Got demand for ${count} events from ${consumer.pid}`,
      );
    }
    const entry = this.#remove(consumer);
    if (entry === undefined) return 0;
    entry.consumer = consumer;
    entry.outstanding += count;
    this.#insert(entry);
    const served = Math.min(this.#pending, count);
    this.#pending -= served;
    return count - served;
  }

  cancel(consumer: DispatcherConsumer): number {
    this.#pending += this.#remove(consumer)?.outstanding ?? 0;
    return 0;
  }

  dispatch(events: readonly Out[]): readonly Out[] {
    if (this.#shuffles) this.#shuffle();
    let at = 0;
    while (at < events.length) {
      const first = this.#entries[0];
      if (first === undefined || first.outstanding <= 0) break;
      const count = Math.min(first.outstanding, events.length - at);
      this.#outlet.deliver(first.consumer, count === events.length ? events : events.slice(at, at + count));
      at += count;
      first.outstanding -= count;
      this.#entries.shift();
      this.#insert(first);
    }
    const left = at === 0 ? events : events.slice(at);
    this.#pending = Math.max(0, this.#pending - left.length);
    return left;
  }

  info(message: unknown): void {
    this.#outlet.info(message);
  }

  /** Those without demand stay behind the others: events are served from the front until there is none. */
  #shuffle(): void {
    this.#shuffles = false;
    const entries = this.#entries;
    for (let i = entries.length - 1; i > 0; i--) {
      const j = this.#outlet.random.u32() % (i + 1);
      [entries[i], entries[j]] = [entries[j]!, entries[i]!];
    }
    entries.sort((a, b) => Number(b.outstanding > 0) - Number(a.outstanding > 0));
  }

  #remove(consumer: DispatcherConsumer): Entry | undefined {
    const at = this.#entries.findIndex((entry) => entry.consumer.key === consumer.key);
    return at === -1 ? undefined : this.#entries.splice(at, 1)[0];
  }

  #insert(entry: Entry): void {
    const at = this.#entries.findIndex((other) => other.outstanding < entry.outstanding);
    this.#entries.splice(at === -1 ? this.#entries.length : at, 0, entry);
  }
}
