import { ArgumentError } from "../../base/index.ts";
import { call, ExitError, type NameResolver, type ProcessCore, Reason } from "../../runtime/index.ts";
import { atom, isTuple, type Term, tuple } from "../../term/index.ts";
import { PartitionSupervisorProcess } from "./partition-supervisor-process.ts";

/** A partition supervisor of this node as seen by the process that uses it. */
export class PartitionSupervisorClient {
  readonly #core: ProcessCore;
  readonly #name: string;

  /** @internal */
  constructor(core: ProcessCore, name: string) {
    this.#core = core;
    this.#name = name;
  }

  /** The child of a key, to send to. The same key is the same child's. Same as `{:via, PartitionSupervisor, {name, key}}`. */
  via(key: Term): { readonly via: NameResolver; readonly name: Term } {
    return { via: { whereis: (name) => this.#find()?.childOf(name) }, name: key };
  }

  /** How many partitions there are. @throws ExitError `EXIT_NOPROC` when there is no such supervisor here. */
  partitions(): number {
    return this.#supervisor().partitions;
  }

  /**
   * Stops the children of the highest partitions, or starts them again, until there are that many. As `resize!` of Elixir 1.18.
   *
   * @returns how many there were.
   * @throws ArgumentError for more than it began with; ExitError with the reason for which a child could not be started.
   */
  async resize(partitions: number): Promise<number> {
    const supervisor = this.#supervisor();
    const { maxPartitions, partitions: before } = supervisor;
    if (!(Number.isInteger(partitions) && partitions >= 0 && partitions <= maxPartitions)) {
      throw new ArgumentError("partitions", `must be from 0 to ${maxPartitions}, got ${partitions}`);
    }
    for (let partition = before; partition < partitions; partition++) await this.#ask("restart_child", partition);
    supervisor.partitions = partitions;
    for (let partition = partitions; partition < before; partition++) await this.#ask("terminate_child", partition);
    return before;
  }

  async #ask(request: string, partition: number): Promise<void> {
    const options = { timeoutMs: Number.POSITIVE_INFINITY };
    const reply = await call(this.#core, this.#name, tuple(atom(request), partition), options);
    if (isTuple(reply) && reply.tag === "error") throw new ExitError("start", this.#name, reply[1]);
  }

  #find(): PartitionSupervisorProcess | undefined {
    const process = this.#core.runtime.names.find(this.#name)?.behaviour;
    return process instanceof PartitionSupervisorProcess ? process : undefined;
  }

  #supervisor(): PartitionSupervisorProcess {
    const supervisor = this.#find();
    if (supervisor === undefined) throw new ExitError("call", this.#name, Reason.noproc);
    return supervisor;
  }
}
