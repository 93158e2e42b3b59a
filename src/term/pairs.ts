import type { Structs } from "./structs.ts";

/** Parts of two terms that are to be held against each other, one after the other. */
export interface Pairs {
  readonly left: ArrayLike<unknown>;
  readonly right: ArrayLike<unknown>;
  /** How many of them; the arrays may be longer. */
  readonly length: number;
  next: number;
  /** Whether integers and floats are different here, as in the keys of maps. */
  readonly exact: boolean;
  /** The result when all are the same: not 0 when one side goes on. */
  readonly end: number;
}

/** What goes along with a walk over two terms. */
export interface PairWalk {
  readonly stack: Pairs[];
  readonly structs: Structs | undefined;
  /** How many maps have keys around this one: those are put in order by a walk of their own. */
  readonly keyDepth: number;
}

/** The result for two terms if they decide it themselves; else 0, with their parts pushed on the walk's stack. */
export type PairStep = (a: unknown, b: unknown, exact: boolean, walk: PairWalk) => number;

/**
 * The first result that is not 0, of the terms or of their parts from left to right; else 0.
 * Keeps its own stack: terms come from peers, however deep.
 */
export function walkPairs(a: unknown, b: unknown, exact: boolean, step: PairStep, walk: PairWalk): number {
  const { stack } = walk;
  let result = step(a, b, exact, walk);
  while (result === 0) {
    const pairs = stack.at(-1);
    if (pairs === undefined) return 0;
    if (pairs.next === pairs.length) {
      stack.pop();
      result = pairs.end;
    } else {
      const i = pairs.next++;
      result = step(pairs.left[i], pairs.right[i], pairs.exact, walk);
    }
  }
  return result;
}

/** Puts parts on the stack of a walk and decides nothing yet. */
export function later(
  walk: PairWalk,
  left: ArrayLike<unknown>,
  right: ArrayLike<unknown>,
  exact: boolean,
  length: number = left.length,
  end = 0,
): 0 {
  walk.stack.push({ left, right, length, next: 0, exact, end });
  return 0;
}
