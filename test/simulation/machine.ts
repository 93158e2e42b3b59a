import type { Node } from "../../src/api/index.ts";
import type { SeededRandom } from "../../src/testing/index.ts";
import { Actor, Life } from "./actor.ts";

export const ACTORS_PER_NODE = 3;

/** One life of a node, with its actors. */
export class Machine {
  readonly name: string;
  readonly node: Node;
  readonly lives: Life[] = [];
  /** By node: how many connections there have been, and whether there is one. */
  readonly #links = new Map<string, { epoch: number; isUp: boolean }>();

  /** `onLost` is told at once of each node whose connection is lost. */
  constructor(name: string, node: Node, onLost: (node: string) => void) {
    this.name = name;
    this.node = node;
    node.monitorNodes(({ type, node }) => {
      const before = this.#links.get(node)?.epoch ?? 0;
      this.#links.set(node, type === "nodeup" ? { epoch: before + 1, isUp: true } : { epoch: before, isUp: false });
      if (type === "nodedown") onLost(node);
    });
  }

  get alive(): Life[] {
    return this.lives.filter((life) => life.alive);
  }

  /** The connection that a message to a node goes over now, or the next one. */
  epoch(node: string): { epoch: number; isUp: boolean } {
    if (node === this.name) return { epoch: 0, isUp: true };
    const link = this.#links.get(node) ?? { epoch: 0, isUp: false };
    return link.isUp ? link : { epoch: link.epoch + 1, isUp: false };
  }

  /** Starts actors until there are as many as there should be, under the names that are free. */
  populate(random: SeededRandom): void {
    for (let i = 0; i < ACTORS_PER_NODE; i++) {
      const life = new Life(this, this.node, random.below(3) > 0);
      const started = this.node.start(Actor, { name: `p${i}`, args: life });
      started.catch(() => {});
      if (life.process !== undefined) this.lives.push(life);
    }
  }
}
