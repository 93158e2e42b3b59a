import { ArgumentError } from "../../base/index.ts";
import {
  type CallOptions,
  checkOptionsObject,
  checkSignal,
  coreOf,
  Exit,
  ExitError,
  type Process,
  type ProcessCore,
  Reason,
} from "../../runtime/index.ts";
import { atom, type Pid, type Ref, type Term, type Tuple, tuple } from "../../term/index.ts";
import { stopChild } from "../supervisor/child-process.ts";
import type { ChildSpec, ChildStarter, Shutdown } from "../supervisor/child-spec.ts";
import { spawnTask, type TaskWork } from "./task-process.ts";
import { type StreamedResult, type TaskStreamOptions, taskStream } from "./task-stream.ts";

/** What came of a task: `{:ok, value}` or `{:exit, reason}` in Elixir. */
export type TaskResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: Term };

const DEFAULT_TIMEOUT_MS = 5000;

/**
 * One thing that a process has another process do, and whose result it waits for. Source of truth: Elixir's Task.
 *
 * The result is kept for the owner: it can be waited for again and again. It is handed over as it is, of whatever type.
 */
export class Task<T = Term> {
  /** The process that does it, which may be on another node. */
  readonly pid: Pid;
  readonly #owner: ProcessCore;
  readonly #ref: Ref;
  readonly #waiters = new Set<Waiter<T>>();
  #result: TaskResult<T> | undefined;

  /**
   * For {@link Task.async} and supervisors of tasks. `begin` has the process do it, which is told apart by the reference, and
   * then tell its result.
   *
   * @internal
   */
  constructor(owner: ProcessCore, pid: Pid, link: boolean, begin: (ref: Ref, finish: (value: T) => void) => void) {
    if (!owner.alive) throw new Exit(owner.exitReason);
    this.pid = pid;
    this.#owner = owner;
    this.#ref = owner.monitor(
      pid,
      (reason) => this.#settle({ ok: false, reason: reason as Term }),
      (reason) => {
        for (const { reject } of this.#waiters) reject(new Exit(reason));
      },
    );
    if (link) owner.link(pid);
    begin(this.#ref, (value) => this.#settle({ ok: true, value }));
  }

  /** Does something in a process that is linked to this one: if either crashes, so does the other, unless it traps exits. */
  static async<T>(owner: Process, work: TaskWork<T>): Task<T> {
    const core = coreOf(owner);
    const { pid, process } = spawnTask(core);
    return new Task<T>(core, pid, true, (_ref, finish) => process.run(work, finish));
  }

  /** Does something in a process of its own, whose end is nobody's concern. */
  static start(starter: Process, work: TaskWork<unknown>): Pid {
    const { pid, process } = spawnTask(coreOf(starter));
    process.run(work);
    return pid;
  }

  /** As {@link Task.start}, linked. */
  static startLink(starter: Process, work: TaskWork<unknown>): Pid {
    const pid = Task.start(starter, work);
    starter.link(pid);
    return pid;
  }

  /** A child that is a task, by default `temporary`: it is started again only when `spec` says so. */
  static child(work: TaskWork<unknown>, spec: Partial<Omit<ChildSpec, "start">> = {}): ChildSpec {
    const start = ({ process }: ChildStarter) => Task.startLink(process, work);
    return { id: "Task", restart: "temporary", modules: ["Task"], ...spec, start };
  }

  /**
   * Does something with each item, each in a task of its own, and gives what comes of them as something to loop over. Items are
   * taken as results are. Leaving the loop kills the tasks that run.
   *
   * The tasks are linked to the owner, as those of {@link Task.async}: only one that traps exits sees how one crashed.
   * @throws ExitError `EXIT_TIMEOUT` for a task that takes too long, unless `onTimeout` says to kill it.
   */
  static asyncStream<I, T>(
    owner: Process,
    items: Iterable<I> | AsyncIterable<I>,
    work: (item: I, task: Process) => T | Promise<T>,
    options: TaskStreamOptions = {},
  ): AsyncGenerator<StreamedResult<I, T>, void> {
    const start = (owner: Process, item: I) => Task.async(owner, (task) => work(item, task));
    return taskStream(coreOf(owner), items, start, options);
  }

  /**
   * Waits for the result.
   *
   * @throws ExitError with the reason `{Why, {Task, :await, [Task, Timeout]}}`: `EXIT_OTHER` when the task crashed,
   * `EXIT_TIMEOUT`; NodeDownError. A task that is not ready in time goes on; the throw ends its owner, and so it, unless caught.
   */
  async await(options: CallOptions = {}): Promise<T> {
    const result = await this.#wait(options);
    if (result?.ok) return result.value;
    const { runtime } = this.#owner;
    const why = result === undefined ? Reason.timeout : result.reason;
    if (why === Reason.noconnection) throw runtime.nodeDownError(this.pid.node);
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const timeout = timeoutMs === Number.POSITIVE_INFINITY ? atom("infinity") : Math.ceil(timeoutMs);
    const awaited = tuple(atom("Elixir.Task"), atom("await"), [this.#term(), timeout]);
    throw new ExitError("call", this.pid, why, tuple(why as object, awaited));
  }

  /** Waits for what comes of it, without failing: undefined when nothing has in time. `timeoutMs: 0` only looks. */
  yield(options: CallOptions = {}): Promise<TaskResult<T> | undefined> {
    return this.#wait(options);
  }

  /**
   * Ends the task: tells it to, and kills it after that many milliseconds, or at once. The link is gone first.
   *
   * @returns what had come of it by then, or how it ended instead; undefined when it ended as it was told.
   * @throws NodeDownError when the connection is lost before it has ended.
   */
  async shutdown(how: Shutdown = DEFAULT_TIMEOUT_MS): Promise<TaskResult<T> | undefined> {
    this.#owner.unlink(this.pid);
    const reason = await stopChild(this.#owner, this.pid, how);
    const result = this.#result;
    if (result?.ok) return result;
    if (reason === Reason.noconnection) throw this.#owner.runtime.nodeDownError(this.pid.node);
    const ended = reason === Reason.noproc && result !== undefined ? result.reason : reason;
    if (ended === (how === "brutal_kill" ? Reason.killed : Reason.shutdown)) return undefined;
    return { ok: false, reason: ended as Term };
  }

  /** Has nothing to do with it from now on: its link is gone, and what comes of it is dropped. Gives what came of it so far. */
  ignore(): TaskResult<T> | undefined {
    this.#owner.unlink(this.pid);
    this.#forget();
    return this.#result;
  }

  #settle(result: TaskResult<T>): void {
    this.#forget();
    if (!this.#owner.alive) return;
    this.#result ??= result;
    for (const { resolve } of this.#waiters) resolve(this.#result);
  }

  #forget(): void {
    this.#owner.demonitor(this.#ref);
    this.#owner.runtime.removeAlias(this.#ref);
  }

  async #wait(options: CallOptions): Promise<TaskResult<T> | undefined> {
    checkOptionsObject(options);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    checkSignal(signal);
    signal?.throwIfAborted();
    if (!(timeoutMs >= 0)) throw new ArgumentError("timeoutMs", `must not be negative, got ${timeoutMs}`);
    if (!this.#owner.alive) throw new Exit(this.#owner.exitReason);
    if (this.#result !== undefined || timeoutMs === 0) return this.#result;
    let release = () => {};
    try {
      return await new Promise((resolve, reject) => {
        const waiter = { resolve, reject };
        const onAbort = () => reject(signal?.reason);
        const timer =
          timeoutMs === Number.POSITIVE_INFINITY
            ? undefined
            : this.#owner.startTimer(timeoutMs, () => resolve(undefined));
        this.#waiters.add(waiter);
        signal?.addEventListener("abort", onAbort, { once: true });
        release = () => {
          timer?.cancel();
          this.#waiters.delete(waiter);
          signal?.removeEventListener("abort", onAbort);
        };
      });
    } finally {
      release();
    }
  }

  /** `%Task{}` */
  #term(): object {
    const mfa: Tuple = tuple(atom("erlang"), atom("apply"), 2);
    return { __struct__: atom("Elixir.Task"), mfa, owner: this.#owner.pid, pid: this.pid, ref: this.#ref };
  }
}

interface Waiter<T> {
  resolve(result: TaskResult<T> | undefined): void;
  reject(error: unknown): void;
}
