import type { Timer } from "../../base/index.ts";
import { type Behaviour, Exit, Process, type ProcessCore, Reason, reasonOf } from "../../runtime/index.ts";
import { isTuple, Pid, Ref, type Term, type Tuple, tuple } from "../../term/index.ts";
import { apply } from "../server/mfa.ts";

/** What a task does, given its own process. What it throws ends the task, as it ends a server. */
export type TaskWork<T> = (task: Process) => T | Promise<T>;

/** What a task of another node is started with; see {@link readTask}. */
export interface TaskStart {
  readonly owner: Pid;
  /** What to run; undefined when the owner sends it. */
  readonly mfa: Tuple | undefined;
  /** Whether the owner says `{Owner, Ref}` before the task may begin, and then gets the result, as Elixir 1.10 does. */
  readonly announced: boolean;
}

const WORK_TIMEOUT_MS = 5000;

/** A task: does one thing, tells its owner what came of it, and ends. Source: supervisor.md §3. */
export class TaskProcess implements Behaviour {
  readonly label = "Task";
  readonly initialCall = ["Elixir.Task.Supervised", "reply", 2] as const;
  readonly #core: ProcessCore;
  readonly #owner: Pid;
  #announced: Tuple | undefined;
  #monitor: Ref | undefined;
  #waiting: Timer | undefined;

  constructor(core: ProcessCore, owner: Pid) {
    this.#core = core;
    this.#owner = owner;
  }

  /** Begins, as a task of another node: at once, or when the owner says so. */
  begin({ mfa, announced }: TaskStart): void {
    if (mfa !== undefined && !announced) return this.run(this.#named(mfa));
    this.#announced = mfa;
    this.waitForOwner();
  }

  /** Begins, with the next message's turn; `done` gets the result. */
  run<T>(work: TaskWork<T>, done: (result: T) => void = () => {}): void {
    this.#stopWaiting();
    this.#core.enqueue(() => this.#do(work, done));
  }

  /** Waits to be told what to do: until the owner is gone, or for five seconds. */
  waitForOwner(): void {
    this.#waiting = this.#core.startTimer(WORK_TIMEOUT_MS, () => this.#core.exit(Reason.timeout));
    this.#monitor = this.#core.monitor(this.#owner, (reason) =>
      this.#core.exit(tuple(Reason.shutdown, reason as object)),
    );
  }

  receive(message: unknown): void | Promise<void> {
    if (this.#waiting === undefined || !isTuple(message) || !isPid(message[0], this.#owner)) return;
    if (this.#announced !== undefined && message.length === 2) {
      return this.#told(this.#announced, message[1] as Term, this.#owner);
    }
    const { 1: tag, 2: replyTo, 4: work } = message;
    if (message.length === 5 && isTuple(work)) return this.#told(work, tag as Term, replyTo);
  }

  #told(mfa: Tuple, tag: Term, replyTo: unknown): Promise<void> {
    this.#stopWaiting();
    return this.#do(this.#named(mfa), (result) => {
      if (replyTo instanceof Pid || replyTo instanceof Ref) {
        void this.#core.send(replyTo, tuple(tag as object, result as object), false);
      }
    });
  }

  #named([module, name, args]: Tuple): TaskWork<Term> {
    const { runtime } = this.#core;
    return () => apply(runtime.functions, this.#owner.node, module, name, args);
  }

  #stopWaiting(): void {
    this.#waiting?.cancel();
    this.#waiting = undefined;
    if (this.#monitor !== undefined) this.#core.demonitor(this.#monitor);
  }

  async #do<T>(work: TaskWork<T>, done: (result: T) => void): Promise<void> {
    const core = this.#core;
    try {
      const result = await work(new Process(core));
      if (!core.alive) return; // nobody hears from a task that was stopped
      done(result);
      core.exit(Reason.normal);
    } catch (error) {
      if (!core.alive) return;
      const reason = reasonOf(error);
      core.runtime.reportCrash(core, reason, error instanceof Exit ? undefined : error);
      core.exit(reason);
    }
  }
}

/** A process for a task of that owner, which has not begun. */
export function spawnTask(owner: ProcessCore): { readonly pid: Pid; readonly process: TaskProcess } {
  let process!: TaskProcess;
  const { pid } = owner.runtime.spawn(
    (core) => {
      process = new TaskProcess(core, owner.pid);
      return process;
    },
    { groupLeader: owner.groupLeader },
  );
  return { pid, process };
}

/**
 * Reads the arguments of a task: `[Owner, monitor]`, `[Owner, Callers, MFA]`, or of Elixir 1.10 `[Owner, Callers, monitor, MFA]`.
 * `Owner` is `{Node, NameOrPid, Pid}`. Undefined for anything else.
 */
export function readTask(args: readonly unknown[]): TaskStart | undefined {
  const owner = isTuple(args[0]) ? args[0][2] : undefined;
  const mfa = args.length > 2 ? args.at(-1) : undefined;
  if (!(owner instanceof Pid) || args.length < 2 || args.length > 4) return undefined;
  if (mfa !== undefined && !(isTuple(mfa) && mfa.length === 3)) return undefined;
  return { owner, mfa, announced: args.length === 4 };
}

function isPid(value: unknown, pid: Pid): boolean {
  return value instanceof Pid && value.key === pid.key;
}
