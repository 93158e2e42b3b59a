import type { Random } from "../base/index.ts";
import type { NodeIdentity } from "../dist/index.ts";

/** A name part in base 36 has as many characters as 64 random bits need, as those that a BEAM grants. */
const HIGH = 1n << 32n;

/** Creations 0 to 3 have meanings of their own in old releases. */
export const FIRST_CREATION = 4;

/**
 * The node names that were given to peers which came without one. Such a name is the peer's while its connection lives;
 * then it is given to the next one with a new creation, so that there are never more of them than peers at a time.
 */
export class GrantedNames {
  readonly #random: Random;
  readonly #granted = new Map<string, NodeIdentity>();
  readonly #free: NodeIdentity[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** A name at that host for a peer whose handshake has begun. */
  grant(host: string): NodeIdentity {
    const { name, creation } = this.#free.pop() ?? { name: this.#newName(), creation: randomCreation(this.#random) };
    const node = { name: `${name}@${host}`, creation };
    this.#granted.set(node.name, { name, creation });
    return node;
  }

  /** The peer of that name is gone, `wasUp` when it had proven that it knows the cookie. Other names do not matter. */
  release(node: string, wasUp: boolean): void {
    const granted = this.#granted.get(node);
    if (granted === undefined) return;
    this.#granted.delete(node);
    const creation = Math.max((granted.creation + 1) >>> 0, FIRST_CREATION);
    if (wasUp) this.#free.push({ name: granted.name, creation });
  }

  #newName(): string {
    const bits = BigInt(this.#random.u32()) * HIGH + BigInt(this.#random.u32());
    return bits.toString(36).toUpperCase();
  }
}

/** A creation for a node that got none from an epmd. */
export function randomCreation(random: Random): number {
  return Math.max(random.u32(), FIRST_CREATION);
}
