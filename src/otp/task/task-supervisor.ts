import { coreOf, type Destination, type Process, type ProcessCore } from "../../runtime/index.ts";
import { behaviour } from "../server/behaviour.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import { DynamicSupervisor } from "../supervisor/dynamic-supervisor.ts";
import { TaskSupervisorClient } from "./task-supervisor-client.ts";
import { TaskSupervisorProcess } from "./task-supervisor-process.ts";

/**
 * A supervisor of tasks: of processes of this node, by {@link TaskSupervisor.at}, and for other nodes, which have it run exposed
 * functions by `Task.Supervisor.async({sup, node}, M, F, A)` of Elixir and its siblings. Closures of Elixir cannot run here and
 * end their task with `undef`. Source of truth: Elixir's Task.Supervisor.
 */
export class TaskSupervisor extends DynamicSupervisor {
  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): TaskSupervisorProcess {
    return new TaskSupervisorProcess(core, serverClass);
  }

  /** A supervisor of tasks, of this node or another, to be used by that process. */
  static at(process: Process, supervisor: Destination): TaskSupervisorClient {
    return new TaskSupervisorClient(coreOf(process), supervisor);
  }
}
