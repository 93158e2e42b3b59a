import type { Node } from "../../src/index.ts";

/** What blocks of the documents may use without declaring it: a started node, and somewhere to put things. */
declare global {
  /** A running node. */
  const node: Node;
  /** Keeps something somewhere, which takes a moment. */
  function save(what: unknown): Promise<void>;
}

/** Makes the names available to the blocks that run next; gives what was saved. */
export function give(started: Node | undefined): unknown[] {
  const saved: unknown[] = [];
  Object.assign(globalThis, {
    node: started,
    save: async (what: unknown) => void saved.push(what),
  });
  return saved;
}
