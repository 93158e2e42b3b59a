import type { Ledger } from "./ledger.ts";

/** A place in the order of what a stage emits, and what is to be done when all that comes before it is settled. */
export class Point {
  readonly reached: () => void;
  /** What it waits for: itself, while events before it have not been sent, and each consumer that has yet to confirm some. */
  awaited = 1;

  constructor(reached: () => void) {
    this.reached = reached;
  }
}

/**
 * Tells when a stage is rid of what it has emitted: when it has been sent, and where consumers confirm, has been confirmed.
 * A stage in the middle confirms to its own producers then, so that what is lost with several stages at once comes again.
 *
 * Points go through buffer and dispatcher behind the events, as infos do, so that nothing is noted for single events. They are
 * settled in their order: a slow consumer holds up those behind, which confirmations, being counts, could not overtake anyway.
 */
export class Settling {
  readonly #points: Point[] = [];

  /** A new point, to be sent behind what has been emitted. */
  add(reached: () => void): Point {
    const point = new Point(reached);
    this.#points.push(point);
    return point;
  }

  /** All events before it have been sent; what consumers have not confirmed is in their ledgers. */
  passed(point: Point, ledgers: Iterable<Ledger>): void {
    for (const ledger of ledgers) ledger.mark(point);
    point.awaited--;
    this.advance();
  }

  /** Goes on to the first point that waits for something. */
  advance(): void {
    while (this.#points[0]?.awaited === 0) this.#points.shift()!.reached();
  }
}
