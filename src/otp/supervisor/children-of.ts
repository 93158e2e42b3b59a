import type { Runtime } from "../../runtime/index.ts";
import type { Pid } from "../../term/index.ts";

/** The direct children of a process: those of this node that it has started with a link. */
export function childrenOf(runtime: Runtime, pid: Pid): Pid[] {
  return Array.from(runtime.processes())
    .filter(({ behaviour }) => behaviour.parent?.key === pid.key)
    .map((core) => core.pid);
}
