import type { ProcessCore } from "../runtime/index.ts";
import { behaviour } from "./behaviour.ts";
import { DynamicSupervisor } from "./dynamic-supervisor.ts";
import type { GenServerClass } from "./gen-server-process.ts";
import { TaskSupervisorProcess } from "./task-supervisor-process.ts";

/**
 * Runs exposed functions as tasks for other nodes: `Task.Supervisor.async({sup, node}, M, F, A)` of Elixir and its siblings.
 * Closures of Elixir cannot run here and end their task with `undef`. Source of truth: Elixir's Task.Supervisor.
 */
export class TaskSupervisor extends DynamicSupervisor {
  static override [behaviour](core: ProcessCore, serverClass: GenServerClass): TaskSupervisorProcess {
    return new TaskSupervisorProcess(core, serverClass);
  }
}
