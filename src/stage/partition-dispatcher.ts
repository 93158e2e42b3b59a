import { ArgumentError } from "../base/index.ts";
import { Exit } from "../runtime/index.ts";
import { inspect, phash2, type Term, termKey, tuple } from "../term/index.ts";
import {
  BAD_OPTS,
  type Dispatcher,
  type DispatcherConsumer,
  type DispatcherFactory,
  type Outlet,
  Refusal,
} from "./dispatcher.ts";

/** Where an event goes: the event, which may be another one by now, and its partition. `none` drops it. */
export type Partitioned<Out> = readonly [event: Out, partition: unknown] | "none";

/** Options of {@link partitionDispatcher}. */
export interface PartitionDispatcherOptions<Out> {
  /** How many there are, named from 0 on, or their names: any terms. */
  readonly partitions: number | readonly unknown[];
  /**
   * Says where an event goes. Default: `phash2(event, partitions)`, the same as in Elixir, so that a stage that moves here
   * keeps its partitions; needed when the names are no integers.
   */
  readonly hash?: (event: Out) => Partitioned<Out>;
}

/**
 * A dispatcher that divides events among partitions, each with one consumer, which names it in its subscription:
 * `{ to: producer, partition: 0 }`. Events of a partition whose consumer is slow, or not there yet, wait for it in here.
 * Same as `GenStage.PartitionDispatcher`.
 *
 * @throws ArgumentError `BADARG` for names that are no integers without a `hash`.
 */
export function partitionDispatcher<Out>(options: PartitionDispatcherOptions<Out>): DispatcherFactory<Out> {
  const { partitions } = options;
  const names = typeof partitions === "number" ? Array.from({ length: partitions }, (_, i) => i) : [...partitions];
  if (names.length === 0) throw new ArgumentError("partitions", "there must be at least one");
  const { hash } = options;
  if (hash === undefined && names.some((name) => !Number.isInteger(name))) {
    throw new ArgumentError("hash", "must be given when partitions have names that are no integers");
  }
  const byHash = (event: Out): Partitioned<Out> => [event, phash2(event, names.length)];
  return (outlet) => new PartitionDispatcher(outlet, names, hash ?? byHash);
}

/** Delivered to the stage when all that waited before it has left every partition. */
interface Info {
  readonly message: unknown;
  partitions: number;
}

/** A queue may hold infos between its events. */
class Mark {
  readonly info: Info;

  constructor(info: Info) {
    this.info = info;
  }
}

interface Partition<Out> {
  readonly name: unknown;
  consumer: DispatcherConsumer | undefined;
  /** Asked for and not delivered. While there is any, nothing waits. */
  demand: number;
  queue: (Out | Mark)[];
}

/** Source: gen_stage.md §6.4. */
export class PartitionDispatcher<Out> implements Dispatcher<Out> {
  readonly module = "Elixir.GenStage.PartitionDispatcher";
  readonly #outlet: Outlet<Out>;
  readonly #hash: (event: Out) => Partitioned<Out>;
  /** By the canonical form of their names. */
  readonly #partitions: ReadonlyMap<unknown, Partition<Out>>;
  readonly #byConsumer = new Map<unknown, Partition<Out>>();
  /** Events that may still be accepted. */
  #waiting = 0;
  /** Demand of consumers that are gone, which the producer has been told of and will serve nonetheless. */
  #pending = 0;

  constructor(outlet: Outlet<Out>, names: readonly unknown[], hash: (event: Out) => Partitioned<Out>) {
    this.#outlet = outlet;
    this.#hash = hash;
    this.#partitions = new Map(
      names.map((name) => [termKey(name as Term), { name, consumer: undefined, demand: 0, queue: [] }]),
    );
  }

  get ready(): number {
    return this.#waiting;
  }

  subscribe(consumer: DispatcherConsumer, options: Readonly<Record<string, Term>>): number | Refusal {
    const { partition: name } = options;
    const refused = (text: string) => new Refusal(tuple(BAD_OPTS, text));
    if (name === undefined) {
      return refused("the :partition option is required when subscribing to a producer with partition dispatcher");
    }
    const partition = this.#partitions.get(termKey(name));
    if (partition === undefined) {
      const names = [...this.#partitions.values()].map((known) => known.name);
      return refused(`:partition must be one of ${inspect(names)}, got: ${inspect(name)}`);
    }
    if (partition.consumer !== undefined) {
      return refused(`the partition ${inspect(name)} is already taken by ${inspect(partition.consumer.pid)}`);
    }
    partition.consumer = consumer;
    this.#byConsumer.set(consumer.key, partition);
    return 0;
  }

  ask(count: number, consumer: DispatcherConsumer): number {
    const partition = this.#byConsumer.get(consumer.key);
    if (partition === undefined) return 0;
    partition.consumer = consumer;
    partition.demand += count;
    this.#serve(partition);
    const served = Math.min(this.#pending, count);
    this.#pending -= served;
    this.#waiting += count - served;
    return count - served;
  }

  cancel(consumer: DispatcherConsumer): number {
    const partition = this.#byConsumer.get(consumer.key);
    if (partition === undefined) return 0;
    this.#byConsumer.delete(consumer.key);
    const { queue, demand } = partition;
    this.#pending += demand;
    Object.assign(partition, { consumer: undefined, demand: 0 });
    // Where events are confirmed none is lost: they wait for the next consumer, as those of a partition that had none yet.
    if (consumer.confirms) return 0;
    partition.queue = [];
    const lost = this.#release(queue);
    this.#waiting += lost;
    return lost;
  }

  takeBack(consumer: DispatcherConsumer, events: readonly Out[]): void {
    const partition = this.#byConsumer.get(consumer.key);
    if (partition === undefined) return;
    partition.queue = [...events, ...partition.queue];
    // Asked for by the one that is gone, they meet as much demand of the next one.
    this.#pending += events.length;
  }

  dispatch(events: readonly Out[]): readonly Out[] {
    const touched = new Set<Partition<Out>>();
    let at = 0;
    while (at < events.length && this.#waiting > 0) {
      const placed = this.#hash(events[at++]!);
      if (placed === "none") continue;
      const partition = this.#find(placed);
      partition.queue.push(placed[0]);
      touched.add(partition);
      this.#waiting--;
    }
    for (const partition of touched) this.#serve(partition);
    return at === 0 ? events : events.slice(at);
  }

  info(message: unknown): void {
    const waiting = [...this.#partitions.values()].filter(({ queue }) => queue.length > 0);
    if (waiting.length === 0) return this.#outlet.info(message);
    const info: Info = { message, partitions: waiting.length };
    for (const { queue } of waiting) queue.push(new Mark(info));
  }

  #find(placed: unknown): Partition<Out> {
    if (!Array.isArray(placed) || placed.length !== 2) {
      throw new Exit(
        tuple(BAD_OPTS, `the hash must give an event and its partition, or "none", got: ${inspect(placed)}`),
      );
    }
    const partition = this.#partitions.get(termKey(placed[1]));
    if (partition === undefined) throw new Error(`unknown partition ${inspect(placed[1])} computed by the hash`);
    return partition;
  }

  /** Sends what waits, as far as it is asked for: one message for each run between infos. */
  #serve(partition: Partition<Out>): void {
    const { consumer, queue } = partition;
    let run: Out[] = [];
    const send = () => {
      if (run.length > 0) this.#outlet.deliver(consumer!, run);
      run = [];
    };
    let taken = 0;
    for (; taken < queue.length; taken++) {
      const entry = queue[taken]!;
      if (entry instanceof Mark) {
        send();
        this.#passed(entry.info);
      } else if (partition.demand > 0) {
        run.push(entry);
        partition.demand--;
      } else break;
    }
    send();
    if (taken > 0) partition.queue = queue.slice(taken);
  }

  /** Gives up a queue: how many events were lost with it. */
  #release(queue: readonly (Out | Mark)[]): number {
    let lost = 0;
    for (const entry of queue) {
      if (entry instanceof Mark) this.#passed(entry.info);
      else lost++;
    }
    if (lost === 0) return 0;
    this.#outlet.discarded(lost);
    this.#outlet.warn(`has lost ${lost} events that waited for a consumer which is gone`);
    return lost;
  }

  #passed(info: Info): void {
    info.partitions--;
    if (info.partitions === 0) this.#outlet.info(info.message);
  }
}
