import { type Pid, phash2 } from "../../term/index.ts";
import type { Supervise, SuperviseOptions } from "./supervise.ts";
import { SupervisorProcess } from "./supervisor-process.ts";

/** Runs a partition supervisor: a supervisor that knows which child is for which key. */
export class PartitionSupervisorProcess extends SupervisorProcess {
  /** Partitions that it began with. */
  maxPartitions = 0;
  /** Partitions that there are: those with the lower numbers. */
  partitions = 0;

  /** The child of a key, unless it is being restarted. Routes as Elixir does. */
  childOf(key: unknown): Pid | undefined {
    return this.partitions === 0 ? undefined : this.runningChild(partitionOf(key, this.partitions));
  }

  protected override launch(supervise: Supervise<SuperviseOptions>): Promise<void> {
    this.maxPartitions = supervise.children.length;
    this.partitions = this.maxPartitions;
    return super.launch(supervise);
  }
}

/** Integers go round, everything else by its hash. */
function partitionOf(key: unknown, partitions: number): number {
  if (typeof key === "bigint") return Number((key < 0n ? -key : key) % BigInt(partitions));
  return Number.isInteger(key) ? Math.abs(key as number) % partitions : phash2(key, partitions);
}
