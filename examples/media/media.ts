// Media pipelines in TypeScript: what media.ex is in Elixir. How to run them stands in README.md.
//
// A plan says which processes a pipeline consists of, step by step, and on which nodes they are:
// [["Starter", [a]], ["Encryption", [a, b, b]], ...]. Each node starts those that are its own.
import { createCipheriv } from "node:crypto";
import {
  type Atom,
  asBytes,
  atom,
  type Calls,
  type Casts,
  Consumer,
  child,
  GenServer,
  mod,
  noReply,
  Producer,
  ProducerConsumer,
  reply,
  type Subscribe,
  Supervisor,
  type Term,
  tuple,
  withOptions,
} from "tiebeam";

export type Direction = "Upload" | "Download";
export type Step = "Starter" | "Encryption" | "RemoteStorage" | "Notifier";
export type Plan = readonly (readonly [step: Step, nodes: readonly string[]])[];

export interface Place {
  readonly name: Atom;
  readonly node: string;
}

/** Where queue, store and cache are, and to whom the notifier reports. */
export interface Services {
  readonly queue: Place;
  readonly store: Place;
  readonly cache: Place;
  readonly reportTo: Place;
}

/** What travels through the pipelines. Bytes that happen to be UTF-8 arrive as strings: `asBytes` reads both. */
export interface Task {
  readonly type: Atom<"upload"> | Atom<"download">;
  readonly content: Uint8Array | string | null;
  readonly media: {
    readonly id: string;
    readonly storage_key: string;
    readonly encryption_key: Uint8Array | string;
    readonly uploaded_at?: number;
  };
  readonly status?: Atom<"original">;
}

interface StageArgs {
  readonly producers: readonly Place[];
  readonly services: Services;
  readonly ack: boolean;
}

/** As Elixir has it: for `Media.start(direction, plan, services)` over there. */
export function inElixir(direction: Direction, plan: Plan, services: Services): unknown[] {
  const steps = plan.map(([step, nodes]) =>
    tuple(
      mod(`Media.${step}`),
      nodes.map((node) => atom(node)),
    ),
  );
  const place = ({ name, node }: Place) => tuple(name, atom(node));
  const { queue, store, cache, reportTo } = services;
  const places = { queue: place(queue), store: place(store), cache: place(cache), report_to: place(reportTo) };
  return [atom(direction), steps, places];
}

/**
 * The stages of one direction that run on this node, in the order of the data. With `ack` they confirm what they have handled, so
 * that nothing is lost with a stage and those after it, though it may be handled twice. Stages in Elixir do not confirm: what is
 * sent to one of them is taken for handled.
 */
export function pipeline(
  direction: Direction,
  plan: Plan,
  services: Services,
  here: string,
  ack = false,
): new () => Supervisor {
  const steps = plan.map(([step, nodes]) =>
    nodes.map((node, i) => placeOf(step, direction, node, nodes.length, i + 1)),
  );
  const children = plan.flatMap(([step], n) => {
    const args = { producers: steps[n - 1] ?? [], services, ack };
    const ours = steps[n]!.filter(({ node }) => node === here);
    return ours.map(({ name }) => child<Stage>(STAGES[step], { id: name, name, args }));
  });
  // A stage that crashes takes along those after it, which may be on other nodes, where it is one crash for each of them.
  return Supervisor.of(children, { strategy: "rest_for_one", maxRestarts: 20 });
}

function placeOf(step: Step, direction: Direction, node: string, count: number, n: number): Place {
  return { name: mod(`Media.${step}.${direction}${count === 1 ? "" : `.${n}`}`), node };
}

/** All producers of the step before. Those that crash take this stage along; those that are away are waited for. */
function subscribeTo({ producers, ack }: StageArgs): Subscribe[] {
  const resubscribe = { minDelayMs: 50, maxDelayMs: 50, jitter: 0 };
  return producers.map((to) => ({ to, cancel: "transient", minDemand: 1, maxDemand: 10, resubscribe, ack }));
}

const POLL_MS = 100;

/** Takes from the queue what is asked for, and looks again when that was not enough. */
class Starter extends Producer<Task> {
  pending = 0;
  #queue!: Place;
  #polling = false;

  override init({ services }: StageArgs) {
    this.#queue = services.queue;
  }

  handleDemand(demand: number) {
    this.pending += demand;
    return this.#take();
  }

  override handleInfo() {
    this.#polling = false;
    return this.#take();
  }

  async #take() {
    const events = await this.process.call<Task[]>(this.#queue, tuple(atom("dequeue"), this.pending));
    this.pending -= events.length;
    if (this.pending > 0 && !this.#polling) {
      this.#polling = true;
      this.process.sendAfter(POLL_MS, this.process.pid, atom("poll"));
    }
    return noReply({ events });
  }
}

/** Uploads leave it encrypted; downloads that come from the store are decrypted. What is clear is put in the cache. */
class Encryption extends ProducerConsumer<Task, Task> {
  handled = 0;
  #cache!: Place;

  override init(args: StageArgs) {
    this.#cache = args.services.cache;
    return withOptions({ subscribeTo: subscribeTo(args) });
  }

  async handleEvents(tasks: Task[]) {
    const events: Task[] = [];
    for (const task of tasks) events.push(await this.#transform(task));
    this.handled += tasks.length;
    return noReply({ events });
  }

  async #transform(task: Task): Promise<Task> {
    if (task.status?.tag === "original") return task;
    const content = crypt(task);
    const clear = task.type.tag === "upload" ? task.content : content;
    await this.process.call(this.#cache, tuple(atom("put"), task.media.id, clear));
    return { ...task, content };
  }
}

/** In counter mode encrypting and decrypting are the same. */
function crypt({ content, media }: Task): Uint8Array {
  const secret = asBytes(media.encryption_key);
  return createCipheriv("aes-256-ctr", secret.subarray(0, 32), secret.subarray(32)).update(asBytes(content));
}

/** Uploads are stored; downloads come from the cache, or else encrypted from the store. */
class RemoteStorage extends ProducerConsumer<Task, Task> {
  handled = 0;
  #services!: Services;

  override init(args: StageArgs) {
    this.#services = args.services;
    return withOptions({ subscribeTo: subscribeTo(args) });
  }

  async handleEvents(tasks: Task[]) {
    const events: Task[] = [];
    for (const task of tasks) events.push(await this.#transfer(task));
    this.handled += tasks.length;
    return noReply({ events });
  }

  async #transfer(task: Task): Promise<Task> {
    const { id, storage_key } = task.media;
    const { store, cache } = this.#services;
    if (task.type.tag === "upload") {
      await this.process.call(store, tuple(atom("put"), storage_key, task.content));
      return { ...task, media: { ...task.media, uploaded_at: Math.trunc(Date.now() / 1000) } };
    }
    const clear = await this.process.call<Task["content"]>(cache, tuple(atom("get"), id));
    if (clear !== null) return { ...task, status: atom("original"), content: clear };
    return { ...task, content: await this.process.call<Task["content"]>(store, tuple(atom("get"), storage_key)) };
  }
}

/** Reports what is done, and waits until the report has been taken. */
class Notifier extends Consumer<Task> {
  handled = 0;
  #reportTo!: Place;

  override init(args: StageArgs) {
    this.#reportTo = args.services.reportTo;
    return withOptions({ subscribeTo: subscribeTo(args) });
  }

  async handleEvents(tasks: Task[]) {
    for (const { media, content } of tasks) {
      const report = tuple(atom("done"), media.id, media.storage_key, asBytes(content).length);
      await this.process.call(this.#reportTo, report, { timeoutMs: Number.POSITIVE_INFINITY });
    }
    this.handled += tasks.length;
  }
}

type Stage = Starter | Encryption | RemoteStorage | Notifier;

const STAGES: Readonly<Record<Step, new () => Stage>> = { Starter, Encryption, RemoteStorage, Notifier };

interface QueueApi {
  dequeue(count: number): Term[];
  size(): number;
  enqueue(task: Term): void;
}

/** Tasks that wait for a pipeline, first in, first out. */
export class Queue extends GenServer<QueueApi> {
  #tasks: Term[] = [];

  static readonly calls: Calls<Queue, QueueApi> = {
    dequeue(count) {
      return reply(this.#tasks.splice(0, count));
    },
    size() {
      return reply(this.#tasks.length);
    },
  };
  static readonly casts: Casts<Queue, QueueApi> = {
    enqueue(task) {
      this.#tasks.push(task);
    },
  };
}

interface ShelfApi {
  put(key: string, content: Term): Atom<"ok">;
  get(key: string): Term;
  hits(key: string): number;
  clear(): Atom<"ok">;
}

/** Contents by their key, and how often each has been fetched. The remote store is one, and so is the cache. */
export class Shelf extends GenServer<ShelfApi> {
  #contents = new Map<string, Term>();
  #hits = new Map<string, number>();

  static readonly calls: Calls<Shelf, ShelfApi> = {
    put(key, content) {
      this.#contents.set(key, content);
      return reply(atom("ok"));
    },
    get(key) {
      const content = this.#contents.get(key);
      if (content === undefined) return reply(null);
      this.#hits.set(key, (this.#hits.get(key) ?? 0) + 1);
      return reply(content);
    },
    hits(key) {
      return reply(this.#hits.get(key) ?? 0);
    },
    clear() {
      this.#contents.clear();
      this.#hits.clear();
      return reply(atom("ok"));
    },
  };
}
