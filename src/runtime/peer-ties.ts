/** How many monitors and links of one peer's making hold. */
export class TieCount {
  held = 0;

  release(): void {
    this.held--;
  }
}

/** A monitor or link. One that a peer has made counts against it until it is released. */
export interface Tie {
  countedBy: TieCount | undefined;
}

/** Counts the monitors and links that peers have made here: each takes memory, and a peer can make as many as it likes. */
export class PeerTies {
  readonly #limit: number;
  readonly #exceeded: (node: string, held: number) => void;
  readonly #counts = new Map<string, TieCount>();

  /** `exceeded` is told of each that is made while a peer is over its limit. */
  constructor(limit: number, exceeded: (node: string, held: number) => void) {
    this.#limit = limit;
    this.#exceeded = exceeded;
  }

  /** Counts one that is in its place already, since its node may be lost before this returns. */
  add(node: string, tie: Tie): void {
    const count = this.#counts.get(node) ?? new TieCount();
    this.#counts.set(node, count);
    count.held++;
    tie.countedBy = count;
    if (count.held > this.#limit) this.#exceeded(node, count.held);
  }

  /** How many of a peer hold. */
  held(node: string): number {
    return this.#counts.get(node)?.held ?? 0;
  }

  /** The connection is gone, and with it all that was made over it. */
  forget(node: string): void {
    this.#counts.delete(node);
  }
}
