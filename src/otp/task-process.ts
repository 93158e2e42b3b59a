import type { Timer } from "../base/index.ts";
import { type Behaviour, type ProcessCore, Reason } from "../runtime/index.ts";
import { atom, isTuple, Pid, Ref, type Term, type Tuple, tuple } from "../term/index.ts";

/** What a task is started with; see {@link readTask}. */
export interface TaskStart {
  readonly owner: Pid;
  /** What to run; undefined when the owner sends it. */
  readonly mfa: Tuple | undefined;
  /** Whether the owner says `{Owner, Ref}` before the task may begin, and then gets the result, as Elixir 1.10 does. */
  readonly announced: boolean;
}

const WORK_TIMEOUT_MS = 5000;

/** A task of a {@link TaskSupervisor}: runs one exposed function, tells its owner the result, and ends. Source: supervisor.md §3. */
export class TaskProcess implements Behaviour {
  readonly label = "Task";
  readonly #core: ProcessCore;
  readonly #start: TaskStart;
  #monitor: Ref | undefined;
  #waiting: Timer | undefined;

  constructor(core: ProcessCore, start: TaskStart) {
    this.#core = core;
    this.#start = start;
  }

  /** Begins at once, or waits for the owner: until it is gone, or for five seconds. */
  begin(): void {
    const { owner, mfa, announced } = this.#start;
    if (mfa !== undefined && !announced) return this.#core.occupy(() => this.#run(mfa));
    this.#waiting = this.#core.startTimer(WORK_TIMEOUT_MS, () => this.#core.exit(Reason.timeout));
    this.#monitor = this.#core.monitor(owner, (reason) => this.#core.exit(tuple(Reason.shutdown, reason as object)));
  }

  receive(message: unknown): void | Promise<void> {
    const { owner, mfa } = this.#start;
    if (this.#waiting === undefined || !isTuple(message) || !isPid(message[0], owner)) return;
    if (mfa !== undefined && message.length === 2) return this.#begun(mfa, message[1] as Term, owner);
    const { 1: tag, 2: replyTo, 4: work } = message;
    if (message.length === 5 && isTuple(work)) return this.#begun(work, tag as Term, replyTo);
  }

  #begun(mfa: Tuple, tag: Term, replyTo: unknown): Promise<void> {
    this.#waiting?.cancel();
    this.#waiting = undefined;
    if (this.#monitor !== undefined) this.#core.demonitor(this.#monitor);
    return this.#run(mfa, (result) => {
      if (replyTo instanceof Pid || replyTo instanceof Ref) {
        void this.#core.send(replyTo, tuple(tag as object, result as object), false);
      }
    });
  }

  async #run([module, name, args]: Tuple, reply?: (result: unknown) => void): Promise<void> {
    const outcome = await this.#core.runtime.functions.call(this.#start.owner.node, module, name, args);
    switch (outcome.kind) {
      case "return":
        reply?.(outcome.value);
        return this.#core.exit(Reason.normal);
      case "exit":
        return this.#crash(outcome.reason);
      case "throw":
        return this.#crash(tuple(tuple(atom("nocatch"), outcome.value as object), []));
      case "error":
        return this.#crash(tuple(outcome.reason as object, outcome.stack));
    }
  }

  #crash(reason: unknown): void {
    this.#core.runtime.reportCrash(this.#core, reason, undefined);
    this.#core.exit(reason);
  }
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
