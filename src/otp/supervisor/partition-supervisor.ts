import { ArgumentError } from "../../base/index.ts";
import { coreOf, nameText, type Process, type ProcessCore, type ProcessName } from "../../runtime/index.ts";
import { behaviour } from "../server/behaviour.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import type { ChildSpec } from "./child-spec.ts";
import { PartitionSupervisorClient } from "./partition-supervisor-client.ts";
import { PartitionSupervisorProcess } from "./partition-supervisor-process.ts";
import { type Supervise, type SuperviseOptions, supervise } from "./supervise.ts";
import { Supervisor } from "./supervisor.ts";

/** What a partition supervisor is started with. */
export interface PartitionOptions extends Omit<SuperviseOptions, "autoShutdown"> {
  /** The child of a partition, of which there are `partitions`, from 0. Its id is the number of the partition. */
  readonly child: (partition: number) => ChildSpec;
  /** Elixir's default, one for each core, would mean nothing here: all processes share one. */
  readonly partitions: number;
}

/**
 * A supervisor of children that are all alike and share the work between them by keys: see {@link PartitionSupervisor.at}.
 * Started under a name: `child(PartitionSupervisor, { name, args: { child, partitions } })`. From any node it is a supervisor as
 * others are. Source of truth: Elixir's PartitionSupervisor.
 */
export class PartitionSupervisor extends Supervisor {
  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): PartitionSupervisorProcess {
    return new PartitionSupervisorProcess(core, serverClass);
  }

  /** The partition supervisor of that name, to be used by that process. */
  static at(process: Process, supervisor: ProcessName): PartitionSupervisorClient {
    return new PartitionSupervisorClient(coreOf(process), nameText(supervisor));
  }

  override init({ child, partitions, ...options }: PartitionOptions): Supervise<SuperviseOptions> {
    if (!(Number.isInteger(partitions) && partitions >= 1)) {
      throw new ArgumentError("partitions", `must be a positive integer, got ${partitions}`);
    }
    const children = Array.from({ length: partitions }, (_, partition) => ({ ...child(partition), id: partition }));
    return supervise(children, options);
  }
}
