import {
  aliasTag,
  call,
  coreOf,
  type Destination,
  ExitError,
  type Process,
  type ProcessCore,
} from "../../runtime/index.ts";
import { atom, isList, isTuple, Pid, type Term, type Tuple, tuple } from "../../term/index.ts";
import { type Mfa, mfaTerm } from "../server/mfa.ts";
import { type RestartType, type Shutdown, shutdownTerm } from "../supervisor/child-spec.ts";
import { addChild } from "../supervisor/supervising-process.ts";
import { Task } from "./task.ts";
import { spawnTask, type TaskProcess, type TaskWork } from "./task-process.ts";
import { type StreamedResult, type TaskStreamOptions, taskStream } from "./task-stream.ts";

/** How a supervisor is to treat a task. */
export interface SupervisedTaskOptions {
  /** How long it may take to end when told so. Default 5000 milliseconds. */
  readonly shutdown?: Shutdown;
}

/** What a task of a stream does with its item; a named function gets the item in front of its arguments. */
export type ItemWork<I, T> = ((item: I, task: Process) => T | Promise<T>) | Mfa;

const OK = atom("ok");
const ERROR = atom("error");
const MONITOR = atom("monitor");
const TEMPORARY = atom("temporary");
const SUPERVISED = "Elixir.Task.Supervised";
const FOREVER = { timeoutMs: Number.POSITIVE_INFINITY };

/**
 * A supervisor of tasks as seen by the process that uses it: one of this node, which takes functions, or one of any node, also a
 * `Task.Supervisor` of Elixir's, which takes named ones. Source of truth: Elixir's Task.Supervisor.
 *
 * What is asked of it fails as {@link addChild} and calls do; reason `max_children` when it has as many as it may.
 */
export class TaskSupervisorClient {
  readonly #core: ProcessCore;
  readonly #supervisor: Destination;

  /** @internal */
  constructor(core: ProcessCore, supervisor: Destination) {
    this.#core = core;
    this.#supervisor = supervisor;
  }

  /** Starts a task that is linked to this process: if either crashes, so does the other, unless it traps exits. */
  async<T>(work: TaskWork<T>, options?: SupervisedTaskOptions): Promise<Task<T>>;
  async<T = Term>(work: Mfa, options?: SupervisedTaskOptions): Promise<Task<T>>;
  async<T>(work: TaskWork<T> | Mfa, options: SupervisedTaskOptions = {}): Promise<Task<T>> {
    return this.#async(true, work, options);
  }

  /** Starts a task whose crash is seen by waiting for it only. */
  asyncNolink<T>(work: TaskWork<T>, options?: SupervisedTaskOptions): Promise<Task<T>>;
  asyncNolink<T = Term>(work: Mfa, options?: SupervisedTaskOptions): Promise<Task<T>>;
  asyncNolink<T>(work: TaskWork<T> | Mfa, options: SupervisedTaskOptions = {}): Promise<Task<T>> {
    return this.#async(false, work, options);
  }

  /** {@link Task.asyncStream} with tasks of this supervisor. */
  asyncStream<I, T = Term>(
    items: Iterable<I> | AsyncIterable<I>,
    work: ItemWork<I, T>,
    options: TaskStreamOptions & SupervisedTaskOptions = {},
  ): AsyncGenerator<StreamedResult<I, T>, void> {
    return this.#stream(true, items, work, options);
  }

  /** The same, with tasks that are not linked: how one crashed is seen by any owner. */
  asyncStreamNolink<I, T = Term>(
    items: Iterable<I> | AsyncIterable<I>,
    work: ItemWork<I, T>,
    options: TaskStreamOptions & SupervisedTaskOptions = {},
  ): AsyncGenerator<StreamedResult<I, T>, void> {
    return this.#stream(false, items, work, options);
  }

  /** Starts a task of whose result nobody hears. With `restart`, default `temporary`, it is started again when it ends. */
  async startChild(
    work: TaskWork<unknown> | Mfa,
    { restart = "temporary", shutdown }: SupervisedTaskOptions & { readonly restart?: RestartType } = {},
  ): Promise<Pid> {
    if (typeof work === "function") {
      return this.#add(restart, shutdown, () => {
        const { pid, process } = spawnTask(this.#core);
        process.run(work);
        return pid;
      });
    }
    const { pid } = this.#core;
    return this.#start([this.#ownerTerm(), [pid], mfaTerm(work)], restart, shutdown);
  }

  /** The tasks that run. */
  async children(): Promise<Pid[]> {
    const listed = (await call(this.#core, this.#supervisor, atom("which_children"), FOREVER)) as Term[];
    return listed.map((child) => (isTuple(child) ? child[1] : undefined)).filter((pid) => pid instanceof Pid);
  }

  /** Ends a task. False when it is none of this supervisor. */
  async terminateChild(pid: Pid): Promise<boolean> {
    const request = tuple(atom("terminate_child"), pid);
    return (await call(this.#core, this.#supervisor, request, FOREVER)) === OK;
  }

  #async<T>(link: boolean, work: TaskWork<T> | Mfa, { shutdown }: SupervisedTaskOptions): Promise<Task<T>> {
    return typeof work === "function" ? this.#asyncHere(link, work, shutdown) : this.#asyncNamed(link, work, shutdown);
  }

  async #asyncHere<T>(link: boolean, work: TaskWork<T>, shutdown: Shutdown | undefined): Promise<Task<T>> {
    let process: TaskProcess | undefined;
    const pid = await this.#add("temporary", shutdown, () => {
      const task = spawnTask(this.#core);
      process = task.process;
      process.waitForOwner();
      return task.pid;
    });
    return new Task<T>(this.#core, pid, link, (_ref, finish) => process?.run(work, finish));
  }

  /** Elixir 1.10 starts a task with what it is to do, later ones are told afterwards. The first form is not known to the other. */
  async #asyncNamed<T>(link: boolean, work: Mfa, shutdown: Shutdown | undefined): Promise<Task<T>> {
    const core = this.#core;
    const owner = this.#ownerTerm();
    const mfa = mfaTerm(work);
    let begins = (tag: object): Tuple => tuple(core.pid, tag, core.pid, [core.pid], mfa);
    const start = async () => {
      try {
        return await this.#start([owner, MONITOR], "temporary", shutdown);
      } catch (error) {
        if (!(error instanceof ExitError) || !isUndefined(error.reason)) throw error;
        begins = (tag) => tuple(core.pid, tag);
        return this.#start([owner, [core.pid], MONITOR, mfa], "temporary", shutdown);
      }
    };
    const pid = await start();
    return new Task<T>(core, pid, link, (ref, finish) => {
      core.runtime.addAlias(ref, { core, deliver: (reply) => void (isTuple(reply) && finish(reply[1] as T)) });
      void core.send(pid, begins(aliasTag(ref)), false);
    });
  }

  #stream<I, T>(
    link: boolean,
    items: Iterable<I> | AsyncIterable<I>,
    work: ItemWork<I, T>,
    options: TaskStreamOptions & SupervisedTaskOptions,
  ): AsyncGenerator<StreamedResult<I, T>, void> {
    const given = (item: I): TaskWork<T> | Mfa =>
      typeof work === "function" ? (task) => work(item, task) : { ...work, args: [item, ...(work.args ?? [])] };
    return taskStream(
      this.#core,
      items,
      (owner, item) => new TaskSupervisorClient(coreOf(owner), this.#supervisor).#async(link, given(item), options),
      options,
    );
  }

  /** Adds a child to a supervisor of this node. */
  async #add(restart: RestartType, shutdown: Shutdown = 5000, start: () => Pid): Promise<Pid> {
    const spec = { id: "task", start, restart, shutdown, modules: [SUPERVISED] };
    const pid = await addChild(this.#core, this.#supervisor, spec);
    return pid as Pid; // what starts it never says that there is to be none
  }

  async #start(args: readonly unknown[], restart: RestartType, shutdown: Shutdown | undefined): Promise<Pid> {
    const stop = shutdown === undefined ? null : shutdownTerm(shutdown);
    const request = tuple(
      atom("start_task"),
      args,
      restart === "temporary" ? TEMPORARY : atom(restart),
      stop as object,
    );
    const reply = await call(this.#core, this.#supervisor, request, FOREVER);
    if (isTuple(reply) && reply[0] === OK && reply[1] instanceof Pid) return reply[1];
    throw new ExitError("start", this.#supervisor, isTuple(reply) && reply[0] === ERROR ? reply[1] : reply);
  }

  /** `{Node, NameOrPid, Pid}` */
  #ownerTerm(): Tuple {
    const { pid, name } = this.#core;
    return tuple(atom(pid.node), name === undefined ? pid : atom(name), pid);
  }
}

/** `{undef, [{'Elixir.Task.Supervised', start_link, _, _} | _]}`: the supervisor's library has no such function. */
function isUndefined(reason: Term): boolean {
  if (!isTuple(reason) || reason[0] !== atom("undef") || !isList(reason[1])) return false;
  const [called] = reason[1];
  return isTuple(called) && called[0] === atom(SUPERVISED);
}
