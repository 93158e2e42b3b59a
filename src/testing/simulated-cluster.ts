import { type Node, type NodeOptions, startNode } from "../api/index.ts";
import { ArgumentError, silentLogger } from "../base/index.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { type LinkSpeed, SimulatedNetwork } from "./simulated-network.ts";

/** Options of {@link SimulatedCluster}. */
export interface SimulatedClusterOptions {
  /** Everything that is left to chance follows from it: delays, challenges, creations. Default 1. */
  readonly seed?: number;
  /** How fast the links between nodes are, default without delay. */
  readonly speed?: LinkSpeed;
  /** Longest piece of a stream given to a node at once, default 64 KiB. */
  readonly maxChunkBytes?: number;
  /** Options of all nodes. Their clock, network and randomness are the cluster's. */
  readonly nodes?: Partial<NodeOptions>;
}

/**
 * Nodes of one process under a simulated clock and network, for tests of what a cluster does when links and machines
 * fail. Nothing happens unless the test moves the clock, nothing takes real time, and the same seed gives the same run.
 *
 * Each node is a machine of its own. There is no epmd; nodes find each other by their names.
 *
 * ```ts
 * await using cluster = new SimulatedCluster({ seed: 7, speed: { delayMs: [1, 20] } });
 * const a = await cluster.start("a@sim");
 * const b = await cluster.start("b@sim");
 * await cluster.until(b.start(Cart, { name: "cart" }));
 * cluster.block("a@sim", "b@sim"); // half-open: b does not hear a any more
 * await cluster.until(a.call({ name: "cart", node: "b@sim" }, atom("total"))); // rejects with EXIT_TIMEOUT
 * ```
 */
export class SimulatedCluster implements AsyncDisposable {
  readonly clock = new SimulatedClock();
  /** Randomness from the seed, for the test's own choices. */
  readonly random: SeededRandom;
  readonly #network: SimulatedNetwork;
  readonly #nodeOptions: Partial<NodeOptions>;
  readonly #machines = new Map<string, Machine>();

  constructor(options: SimulatedClusterOptions = {}) {
    this.random = new SeededRandom(options.seed ?? 1);
    this.#nodeOptions = options.nodes ?? {};
    this.#network = new SimulatedNetwork({
      clock: this.clock,
      random: new SeededRandom(this.random.u32()),
      speed: options.speed,
      maxChunkBytes: options.maxChunkBytes,
    });
  }

  /** The nodes that run. */
  get nodes(): Node[] {
    return [...this.#machines.values()].flatMap(({ node }) => node ?? []);
  }

  /** Streams of which an end is still open; none once all nodes have stopped and what was under way has arrived. */
  get openStreams(): number {
    return this.#network.openStreams;
  }

  /** Ports that nodes listen at. */
  get listeners(): number {
    return this.#network.listeners;
  }

  /** The node of that name, undefined while it does not run. */
  node(name: string): Node | undefined {
    return this.#machines.get(name)?.node;
  }

  /** Starts a node on a machine of its own. @throws ArgumentError when a node of that name runs already. */
  start(name: string, options: Partial<NodeOptions> = {}): Promise<Node> {
    if (this.node(name) !== undefined) throw new ArgumentError("name", `${name} runs already`);
    const machine: Machine = { options, node: undefined };
    this.#machines.set(name, machine);
    return this.#boot(name, machine);
  }

  /**
   * A node is gone from one moment to the next, as with its machine's power: its processes and connections are no more,
   * and nobody is told. The others find out after their net tick time, or when it is there again.
   */
  async crash(name: string): Promise<void> {
    const node = this.#take(name);
    this.#network.crash(name);
    await this.clock.until(node.stop());
  }

  /** Starts a node that has crashed or stopped, with the same options: another life of the same name. */
  restart(name: string): Promise<Node> {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new ArgumentError("name", `${name} was never started`);
    if (machine.node !== undefined) throw new ArgumentError("name", `${name} runs already`);
    this.#network.restart(name);
    return this.#boot(name, machine);
  }

  /** Stops a node in order: the others are told. */
  async stop(name: string): Promise<void> {
    await this.clock.until(this.#take(name).stop());
  }

  /** Breaks the connections between two nodes. Both notice at once, and can connect again. */
  cut(one: string, other: string): void {
    this.#network.cut(one, other);
  }

  /** A half-open link: from now on nothing gets from one node to another, and nobody is told. The way back is unchanged. */
  block(from: string, to: string): void {
    this.#network.block(from, to);
  }

  /** Separates two nodes from each other, without telling them. */
  split(one: string, other: string): void {
    this.#network.block(one, other);
    this.#network.block(other, one);
  }

  /** Frees all links that were blocked or split. What waited arrives, as TCP would send it again. */
  heal(): void {
    this.#network.heal();
  }

  /** Changes how fast the way from one node to another is. */
  setSpeed(from: string, to: string, speed: LinkSpeed): void {
    this.#network.setSpeed(from, to, speed);
  }

  /** Moves the clock by `ms`: everything due on the way happens, in its order. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Moves the clock until a promise is settled, and gives what came of it. See {@link SimulatedClock.until}. */
  until<T>(promise: PromiseLike<T>, limitMs?: number): Promise<T> {
    return this.clock.until(promise, limitMs);
  }

  /** Heals the network and stops all nodes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const { name } of this.nodes) await this.stop(name);
  }

  async #boot(name: string, machine: Machine): Promise<Node> {
    const node = await this.clock.until(
      startNode({
        cookie: "simulated",
        logger: silentLogger,
        ...this.#nodeOptions,
        ...machine.options,
        name,
        epmd: "none",
        listen: machine.options.listen === false ? false : { host: name },
        resolve: (peer) => ({ host: peer, port: this.node(peer)?.port ?? NOBODYS_PORT }),
        clock: this.clock,
        random: new SeededRandom(this.random.u32()),
        transport: this.#network.from(name),
      }),
    );
    machine.node = node;
    void node.closed.then(() => {
      if (machine.node === node) machine.node = undefined;
    });
    return node;
  }

  /** The running node of that name, which counts as one that does not run from now on. */
  #take(name: string): Node {
    const machine = this.#machines.get(name);
    const node = machine?.node;
    if (machine === undefined || node === undefined) throw new ArgumentError("name", `${name} does not run`);
    machine.node = undefined;
    return node;
  }
}

interface Machine {
  readonly options: Partial<NodeOptions>;
  node: Node | undefined;
}

/** A port at which nothing listens. */
const NOBODYS_PORT = 1;
