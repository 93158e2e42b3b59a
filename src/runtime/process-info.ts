import type { Pid } from "../term/index.ts";
import type { MonitorTarget } from "./monitors.ts";
import type { ProcessCore } from "./process-core.ts";

/** What a process has to do with others, as `Process.info/2` tells it. */
export interface ProcessInfo {
  readonly name: string | undefined;
  readonly links: readonly Pid[];
  /** What it monitors, by pid or by name; calls that are under way are among them. */
  readonly monitors: readonly MonitorTarget[];
  /** Who monitors it. */
  readonly monitoredBy: readonly Pid[];
  /** Messages that wait. */
  readonly messageQueueLength: number;
  readonly trapExit: boolean;
}

export function infoOf(core: ProcessCore): ProcessInfo {
  return {
    name: core.name,
    links: [...core.links.peers()],
    monitors: [...core.monitors.values()].map(({ target }) => target),
    monitoredBy: [...core.watches].map(({ watcher }) => watcher),
    messageQueueLength: core.queueLength,
    trapExit: core.trapExit,
  };
}
