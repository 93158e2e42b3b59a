import { atom, atomTerm, type Tuple, tuple } from "../term/index.ts";
import type { ProcessCore } from "./process-core.ts";

/** A connection came up or went away. */
export interface NodeEvent {
  readonly type: "nodeup" | "nodedown";
  readonly node: string;
  /** Why it went away, in the words of `net_kernel:monitor_nodes`; undefined with `nodeup`. */
  readonly reason: string | undefined;
}

/** What is told of nodes: a function, or the process by message. */
type Watcher = ((event: NodeEvent) => void) | "message";

const NODEUP = atom("nodeup");
const NODEDOWN = atom("nodedown");
const HIDDEN = atom("hidden");

/**
 * Those who want to know of other nodes, as with `net_kernel:monitor_nodes(true, #{})`. A `nodeup` comes before any signal
 * of the node, a `nodedown` after the last one and after the ends of links and monitors that it caused.
 */
export class NodeWatchers {
  readonly #watchers = new Map<ProcessCore, Set<Watcher>>();

  /** Adds a watcher of a process. Returns a function that takes it away. */
  add(core: ProcessCore, watcher: Watcher): () => void {
    if (!core.alive) return () => {};
    const own = this.#watchers.get(core) ?? new Set();
    this.#watchers.set(core, own.add(watcher));
    return () => {
      if (own.delete(watcher) && own.size === 0) this.#watchers.delete(core);
    };
  }

  /** Forgets a process that has ended. */
  remove(core: ProcessCore): void {
    this.#watchers.delete(core);
  }

  tell(event: NodeEvent): void {
    for (const [core, watchers] of this.#watchers) {
      for (const watcher of watchers) {
        if (watcher === "message") core.deliver(nodeMessage(event));
        else core.occupy(() => watcher(event));
      }
    }
  }
}

/** `{nodeup, Node, #{node_type => hidden}}`, and `nodedown_reason` in the map of a `nodedown`. */
function nodeMessage({ type, node, reason }: NodeEvent): Tuple {
  const name = atomTerm(node) as object;
  return type === "nodeup"
    ? tuple(NODEUP, name, { node_type: HIDDEN })
    : tuple(NODEDOWN, name, { node_type: HIDDEN, nodedown_reason: atom(reason ?? "connection_closed") });
}
