import { Exit, type From, type ProcessCore } from "../../runtime/index.ts";
import { atom, isList, isTuple, type Pid, type Term, tuple } from "../../term/index.ts";
import type { GenServerClass } from "../server/gen-server-process.ts";
import { type CheckedSpec, readSpec } from "../supervisor/child-spec.ts";
import { DynamicSupervisorProcess } from "../supervisor/dynamic-supervisor-process.ts";
import { readTask, TaskProcess, type TaskStart } from "./task-process.ts";

const ERROR = atom("error");
const SUPERVISED = atom("Elixir.Task.Supervised");

/** Runs a {@link TaskSupervisor}: a dynamic supervisor that also knows `{start_task, Args, Restart, Shutdown}`. */
export class TaskSupervisorProcess extends DynamicSupervisorProcess {
  constructor(core: ProcessCore, serverClass: GenServerClass) {
    super(core, serverClass, "Task.Supervisor");
  }

  protected override answer(request: Term, from: From): unknown {
    if (!isTuple(request) || request.tag !== "start_task" || request.length !== 4) return super.answer(request, from);
    const [, args, restart, shutdown] = request;
    const task = isList(args) ? readTask(args) : undefined;
    const spec = task && this.#spec(task, args as Term, restart ?? atom("temporary"), shutdown ?? 5000);
    if (spec === undefined) return tuple(ERROR, tuple(atom("badarg"), request));
    return this.startReply(spec);
  }

  #spec(task: TaskStart, args: Term, restart: unknown, shutdown: unknown): CheckedSpec | undefined {
    const mfa = tuple(SUPERVISED, atom("start_link"), args as object);
    const term = tuple(atom("undefined"), mfa, restart as object, shutdown as object, atom("worker"), [SUPERVISED]);
    try {
      return readSpec(term as Term, "never", () => () => this.#startTask(task));
    } catch (problem) {
      if (problem instanceof Exit) return undefined;
      throw problem;
    }
  }

  #startTask(task: TaskStart): Pid {
    let process: TaskProcess | undefined;
    const { groupLeader, runtime } = this.core;
    const { pid } = runtime.spawn(
      (core) => {
        process = new TaskProcess(core, task.owner);
        return process;
      },
      { groupLeader },
    );
    this.core.link(pid);
    process?.begin(task);
    return pid;
  }
}
