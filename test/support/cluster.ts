import { type Node, type NodeOptions, startNode } from "../../src/api/index.ts";
import { silentLogger } from "../../src/base/index.ts";
import { type MemoryTransport, memoryTransport, SeededRandom, SimulatedClock } from "../../src/testing/index.ts";

/** Nodes of one process under a simulated clock and network. Their ports stand for their names; there is no epmd. */
export class Cluster {
  readonly clock = new SimulatedClock();
  readonly network: MemoryTransport = memoryTransport({ clock: this.clock });
  readonly #ports = new Map<string, number>();
  #random = 1;

  async start(name: string, options: Partial<NodeOptions> = {}): Promise<Node> {
    const [node] = await Promise.all([
      startNode({
        name,
        cookie: "secret",
        epmd: "none",
        clock: this.clock,
        random: new SeededRandom(this.#random++),
        transport: this.network,
        logger: silentLogger,
        resolve: (peer) => ({ host: "127.0.0.1", port: this.#ports.get(peer) ?? 1 }),
        ...options,
      }),
      this.clock.settle(),
    ]);
    if (node.port !== undefined) this.#ports.set(name, node.port);
    return node;
  }

  /** Lets everything happen that is due now, and gives what came of a promise: its value, or the error. */
  async outcome(promise: Promise<unknown>): Promise<unknown> {
    const settled = promise.then(
      (value) => value,
      (error: unknown) => error,
    );
    await this.clock.settle();
    return settled;
  }
}
