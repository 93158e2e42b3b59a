import type { Node } from "../../src/api/index.ts";
import type { Destination } from "../../src/runtime/index.ts";
import {
  broadcastDispatcher,
  type CancelMode,
  type ConsumerOptions,
  demandDispatcher,
  GenStage,
  type ProducerOptions,
  partitionDispatcher,
  type Subscribe,
} from "../../src/stage/index.ts";
import { atom, type Pid } from "../../src/term/index.ts";
import { SimulatedCluster } from "../../src/testing/index.ts";
import {
  Crew,
  Doubler,
  generatorOf,
  type Nature,
  NumberProducer,
  Sink,
  StageLife,
  sourceOf,
  type Weather,
} from "./stage-actors.ts";
import { Wire } from "./stage-wire.ts";

export type DispatcherKind = "demand" | "broadcast" | "partition";
type Kind = "numbers" | "source" | "doubler" | "generator" | "sink" | "crew" | "stream";

/** A place in the topology, which one stage after the other takes: they live and die, the place and its habits stay. */
export interface Place {
  readonly name: string;
  readonly nodeName: string;
  readonly kind: Kind;
  readonly dispatcher: DispatcherKind;
  readonly options: ProducerOptions<string>;
  /** Its consumers confirm. */
  readonly acks: boolean;
  readonly nature: Nature;
  /** Where its events come from. */
  readonly feeds: readonly Feed[];
  readonly lives: StageLife[];
}

interface Feed {
  readonly from: Place;
  readonly options: Omit<Subscribe, "to">;
  readonly byName: boolean;
}

export const PARTITIONS = 3;
const TICK_MS = 1_000;
const SETUP_MS = 400;
const STEPS = 45;
const MAX_NODES = 4;
const QUIET_MS = 8_000;
const ROUNDS = 3;

const CALM: Nature = { slow: 0, crashes: 0, limit: 0, fickle: 0, isManual: false };

/** The partition of an event. */
export const partitionOf = (event: string): number => Number(event.split(":")[1]) % PARTITIONS;

/** What a selector that some consumers of broadcasts subscribe with lets through. */
export const isOdd = (event: string): boolean => Number(event.split(":")[1]) % 2 === 1;

/** One run of stages on some nodes: everything that happens in it follows from the seed. */
export class StageChaos implements Disposable {
  readonly cluster: SimulatedCluster;
  readonly wire = new Wire();
  readonly places: Place[] = [];
  /** What was done, for the reader of a failure. */
  readonly log: string[] = [];
  readonly weather: Weather;
  readonly #names: string[];
  readonly #random;
  #lives = 0;

  constructor(seed: number) {
    this.cluster = new SimulatedCluster({
      seed,
      speed: { delayMs: seed % 4 === 0 ? 0 : [0, 1 + (seed % 15)] },
      ...(seed % 7 === 0 && { maxChunkBytes: 1 + (seed % 50) }),
      nodes: { netTickTimeMs: TICK_MS, setupTimeoutMs: SETUP_MS },
    });
    this.#random = this.cluster.random;
    this.weather = { clock: this.cluster.clock, random: this.#random, isCalm: false };
    this.#names = ["a@sim", "b@sim", "c@sim", "d@sim"].slice(0, 1 + this.#random.below(MAX_NODES));
  }

  [Symbol.dispose](): void {
    this.wire[Symbol.dispose]();
  }

  get lives(): StageLife[] {
    return this.places.flatMap(({ lives }) => lives);
  }

  /** Starts the nodes and stages, lets everything go wrong, and then come to rest with a consumer for everything. */
  async run(): Promise<void> {
    for (const name of this.#names) await this.cluster.start(name);
    this.#plan();
    this.#populate(100);
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      await this.cluster.advance(this.#random.pick([0, 0, 1, 3, 10, 30]));
    }
    await this.#comeToRest();
  }

  async #comeToRest(): Promise<void> {
    this.weather.isCalm = true;
    this.cluster.heal();
    await this.cluster.advance(2 * TICK_MS + SETUP_MS);
    // Those that end in order take others along, whose places at their producers are free again then.
    for (let round = 0; round < ROUNDS; round++) {
      for (const place of this.places) {
        const life = current(place);
        if (life?.pid !== undefined && emits(place)) this.#addSinks(place, life, life.pid);
      }
      await this.cluster.advance(QUIET_MS);
    }
  }

  /** Consumers for all that a stage has: for each partition that is free, where it has such. */
  #addSinks({ dispatcher, acks }: Place, { node }: StageLife, to: Pid): void {
    void GenStage.demand(node, to, "forward");
    for (const partition of dispatcher === "partition" ? [0, 1, 2] : [undefined]) {
      const life = this.#life(node, CALM);
      this.#sinks.lives.push(life);
      const options: Subscribe = {
        to,
        cancel: "temporary",
        maxDemand: 20,
        ack: acks,
        ...(partition !== undefined && { partition }),
      };
      node.start(Sink, { args: { life, options: { subscribeTo: [options] } } }).catch(() => {});
    }
  }

  readonly #sinks: Place = {
    name: "sinks",
    nodeName: "",
    kind: "sink",
    dispatcher: "demand",
    options: {},
    acks: false,
    nature: CALM,
    feeds: [],
    lives: [],
  };

  /** Draws the topology: each place is fed by those before it. */
  #plan(): void {
    const random = this.#random;
    this.places.push(this.#sinks);
    const sources = 1 + random.below(2);
    const middles = random.below(3);
    const ends = 2 + random.below(4);
    for (let i = 0; i < sources; i++) this.#place(random.pick(["numbers", "numbers", "source"]));
    for (let i = 0; i < middles; i++) this.#place(random.pick(["doubler", "doubler", "generator"]));
    for (let i = 0; i < ends; i++) this.#place(random.pick(["sink", "sink", "crew", "stream"]));
  }

  #place(kind: Kind): void {
    const random = this.#random;
    const dispatcher = random.pick(["demand", "demand", "broadcast", "partition"] as const);
    const feeders = this.places.filter((place) => emits(place) && (!place.acks || CONFIRMING.includes(kind)));
    const isMiddle = kind === "doubler" || kind === "generator";
    const isEnd = !isMiddle && kind !== "numbers" && kind !== "source";
    if ((isMiddle || isEnd) && feeders.length === 0) return;
    const count = isMiddle || isEnd ? 1 + (kind === "stream" ? 0 : random.below(2)) : 0;
    const isManual = kind === "sink" && random.below(4) === 0;
    const from = new Set(Array.from({ length: count }, () => random.pick(feeders)));
    const bufferSize = random.below(6) === 0 ? 1 + random.below(10) : undefined;
    this.places.push({
      name: `${kind}${this.places.length}`,
      nodeName: random.pick(this.#names),
      kind,
      dispatcher,
      options: {
        dispatcher: dispatcherOf(dispatcher),
        ...(bufferSize !== undefined && { bufferSize, bufferKeep: random.pick(["first", "last"] as const) }),
        ...(random.below(6) === 0 && !isMiddle && { demand: "accumulate" as const }),
      },
      acks: dispatcher !== "broadcast" && random.below(2) === 0,
      nature: {
        slow: random.pick([0, 30, 100]),
        crashes: kind === "source" ? 0 : random.pick([0, 0, 3, 10]),
        limit: 30 + random.below(150),
        fickle: random.pick([0, 40]),
        isManual,
      },
      feeds: [...from].map((place) => ({
        from: place,
        options: this.#subscription(place),
        byName: random.below(2) === 0,
      })),
      lives: [],
    });
  }

  #subscription({ acks, dispatcher }: Place): Omit<Subscribe, "to"> {
    const random = this.#random;
    const maxDemand = 1 + random.below(random.pick([3, 12, 60]));
    return {
      maxDemand,
      ...(random.below(2) === 0 && { minDemand: random.below(maxDemand) }),
      cancel: random.pick<CancelMode>(["permanent", "transient", "temporary", "temporary"]),
      ...(acks && { ack: true }),
      ...(dispatcher === "partition" && { partition: random.below(PARTITIONS) }),
      ...(dispatcher === "broadcast" && random.below(3) === 0 && { selector: "odd" as never }),
      ...(random.below(3) === 0 && { resubscribe: { minDelayMs: 20, maxDelayMs: 200 } }),
      ...(random.below(8) === 0 && { rate: { events: 5 + random.below(20), perMs: 20 } }),
    };
  }

  /** Where nobody is, somebody comes, with `percent` chance. */
  #populate(percent: number): void {
    for (const place of this.places) {
      if (place === this.#sinks || current(place) !== undefined || this.#random.below(100) >= percent) continue;
      const node = this.cluster.node(place.nodeName);
      if (node !== undefined) this.#start(place, node);
    }
  }

  #start(place: Place, node: Node): void {
    const life = this.#life(node, place.nature);
    const subscribeTo = place.feeds.flatMap(({ from, options, byName }) => {
      const to = byName ? { name: from.name, node: from.nodeName } : current(from)?.pid;
      return to === undefined ? [] : [{ ...options, to }];
    });
    this.#note(`start ${place.name} ${life.id}`);
    if (place.kind === "stream") {
      if (subscribeTo[0] === undefined) return;
      place.lives.push(life);
      return void this.#loop(life, subscribeTo[0]);
    }
    place.lives.push(life);
    const { name } = place;
    const started = this.#launch(place, life, { subscribeTo }, name);
    started.then(
      ({ pid }) => {
        life.pid = pid;
      },
      () => {
        life.isAlive = false;
      },
    );
  }

  #launch(place: Place, life: StageLife, consumes: ConsumerOptions, name: string): Promise<{ pid: Pid }> {
    const { node } = life;
    switch (place.kind) {
      case "numbers":
        return node.start(NumberProducer, { name, args: { life, options: place.options } });
      case "source":
        return node.start(sourceOf(life, place.options), { name, args: undefined });
      case "doubler":
        return node.start(Doubler, { name, args: { life, options: { ...place.options, ...consumes } } });
      case "generator":
        return node.start(generatorOf(life, { ...place.options, ...consumes }), { name, args: undefined });
      case "crew":
        return node.start(Crew, { name, args: { life, options: consumes } });
      default:
        return node.start(Sink, { name, args: { life, options: consumes } });
    }
  }

  /** Loops over events for a while. */
  async #loop(life: StageLife, { to, resubscribe: _, rate: __, ack: ___, ...options }: Subscribe): Promise<void> {
    const breakAt = this.#random.below(3) === 0 ? this.#random.below(40) : Number.POSITIVE_INFINITY;
    try {
      for await (const event of life.node.stream<string>(to as Destination, options)) {
        await life.work();
        life.handle([event]);
        if (!this.weather.isCalm && life.handled.length > breakAt) break;
      }
    } catch {
      // Its producer is lost, or its own work has failed.
    }
    life.isAlive = false;
  }

  #life(node: Node, nature: Nature): StageLife {
    return new StageLife(++this.#lives, this.weather, node, nature);
  }

  async #step(): Promise<void> {
    const chance = this.#random.below(100);
    if (chance < 10) return this.#fault();
    if (chance < 40) return this.#act();
    this.#populate(30);
  }

  #act(): void {
    const random = this.#random;
    const place = random.pick(this.places);
    const life = current(place);
    if (life?.pid === undefined) return;
    const act = random.pick([
      "kill",
      "topple",
      "shutdown",
      "cancel",
      "cancel",
      "again",
      "accumulate",
      "forward",
      "forward",
    ]);
    this.#note(`${act} ${place.name} ${life.id}`);
    const [subscription] = life.upstream.values();
    const [feed] = place.feeds;
    switch (act) {
      case "kill":
        return void (random.below(2) === 0 && life.node.exit(life.pid, atom("kill")));
      case "topple":
        return random.below(2) === 0 ? this.#topple(place) : undefined;
      case "shutdown":
        return void (random.below(2) === 0 && life.node.exit(life.pid, atom("shutdown")));
      case "cancel":
        return subscription && life.cancel?.(subscription);
      case "again": {
        const to = feed && current(feed.from)?.pid;
        if (subscription === undefined || to === undefined) return;
        return life.resubscribe?.(subscription, { ...feed!.options, to });
      }
      case "accumulate":
      case "forward":
        if (place.kind === "numbers") void GenStage.demand(life.node, life.pid, act);
    }
  }

  /** Kills a stage in the middle with all that it feeds, as a supervisor that restarts the rest does. */
  #topple(place: Place): void {
    if (place.feeds.length === 0) return;
    for (const each of [place, ...this.places.filter(({ feeds }) => feeds.some(({ from }) => from === place))]) {
      const life = current(each);
      if (life?.pid !== undefined) life.node.exit(life.pid, atom("kill"));
    }
  }

  async #fault(): Promise<void> {
    const { cluster } = this;
    const random = this.#random;
    const [one, other] = [random.pick(this.#names), random.pick(this.#names)];
    const down = this.#names.filter((name) => cluster.node(name) === undefined);
    const fault = random.pick([
      "cut",
      "cut",
      "disconnect",
      "block",
      "slow",
      "heal",
      "heal",
      "crash",
      "restart",
      "restart",
    ]);
    this.#note(`${fault} ${one} ${other}`);
    switch (fault) {
      case "cut":
        return cluster.cut(one, other);
      case "disconnect":
        return void cluster.node(one)?.disconnect(other);
      case "block":
        return one === other ? undefined : cluster.block(one, other);
      case "slow":
        return cluster.setSpeed(one, other, { delayMs: [0, random.below(60)], bytesPerSecond: 50_000 });
      case "heal":
        return cluster.heal();
      case "crash":
        return cluster.node(one) === undefined || this.#names.length === 1 ? undefined : cluster.crash(one);
      case "restart":
        for (const name of down) await cluster.restart(name);
    }
  }

  #note(what: string): void {
    this.log.push(`${this.cluster.clock.now()} ${what}`);
  }
}

/** Stages that can confirm. */
const CONFIRMING: readonly Kind[] = ["sink", "doubler", "generator"];

/** The stage that is in a place now. */
export function current(place: Place): StageLife | undefined {
  const life = place.lives.at(-1);
  return life?.isAlive ? life : undefined;
}

export function emits({ kind }: Place): boolean {
  return kind === "numbers" || kind === "source" || kind === "doubler" || kind === "generator";
}

function dispatcherOf(kind: DispatcherKind) {
  switch (kind) {
    case "demand":
      return demandDispatcher<string>();
    case "broadcast":
      return broadcastDispatcher<string>({ selectors: { odd: isOdd } });
    case "partition":
      return partitionDispatcher<string>({ partitions: PARTITIONS, hash: (event) => [event, partitionOf(event)] });
  }
}
