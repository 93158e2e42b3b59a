import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import process from "node:process";

/** What is asked of the machine and of this program on it. */
export interface Machine {
  readonly processors: number;
  /** Of the kind `x64-linux`. */
  readonly architecture: string;
  /** As `v20.19.0`. */
  readonly engine: string;
  /** Bytes: all that the program holds, what of it is JavaScript's heap in use, and what are buffers outside of that. */
  memory(): { readonly total: number; readonly heap: number; readonly buffers: number };
  uptimeMs(): number;
  /** Time that processors have spent on the program. */
  cpuMs(): number;
  /** How long the event loop has been busy, and how long it had nothing to do. */
  eventLoop(): { readonly activeMs: number; readonly idleMs: number };
}

/** The one that we run on. */
export const systemMachine: Machine = {
  get processors() {
    return availableParallelism();
  },
  architecture: `${process.arch}-${process.platform}`,
  engine: process.version,
  memory() {
    const { rss: total, heapUsed: heap, arrayBuffers: buffers } = process.memoryUsage();
    return { total, heap, buffers };
  },
  uptimeMs: () => Math.floor(process.uptime() * 1000),
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return Math.floor((user + system) / 1000);
  },
  eventLoop() {
    const { active: activeMs, idle: idleMs } = performance.eventLoopUtilization();
    return { activeMs, idleMs };
  },
};
