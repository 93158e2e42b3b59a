import { ArgumentError, type Timer } from "../../base/index.ts";
import { type Behaviour, ExitError, Process, type ProcessCore, Reason } from "../../runtime/index.ts";
import { atom, type Pid, type Term, tuple } from "../../term/index.ts";
import type { Task, TaskResult } from "./task.ts";

/** How many tasks of a stream run at a time, and for how long. */
export interface TaskStreamOptions {
  /**
   * Tasks that run, or whose results wait to be taken. Default 8; Elixir's is the number of cores, of which all tasks here share
   * one: it bounds what waits.
   */
  readonly maxConcurrency?: number;
  /** Results in the order of the items, the default, or as they come. */
  readonly ordered?: boolean;
  /** What each task may take, default 5000; `Infinity` for any time. */
  readonly timeoutMs?: number;
  /** What becomes of a task that takes longer: the loop throws, the default, or it is killed, with the reason `timeout`. */
  readonly onTimeout?: "exit" | "kill_task";
}

/** What came of one item. */
export type StreamedResult<I, T> = TaskResult<T> & { readonly item: I };

/** Starts the task of an item, in the name of that process. */
export type StartTask<I, T> = (owner: Process, item: I) => Task<T> | Promise<Task<T>>;

const TIMEOUT = atom("timeout");

interface Slot<I, T> {
  readonly item: I;
  task: Task<T> | undefined;
  timer: Timer | undefined;
  result: TaskResult<T> | undefined;
}

/**
 * Runs a task for each item. They belong to a process of the stream's own, which is linked to `owner` and traps exits as it
 * does: so they end with it, and it with them, but it gets no exit message for each.
 */
export async function* taskStream<I, T>(
  owner: ProcessCore,
  items: Iterable<I> | AsyncIterable<I>,
  start: StartTask<I, T>,
  options: TaskStreamOptions,
): AsyncGenerator<StreamedResult<I, T>, void> {
  const stream = new TaskStream(owner, start, options);
  const source = iterate(items);
  try {
    while (true) {
      if (stream.hasRoom && !stream.ended) stream.fetch(source);
      const slot = stream.take();
      if (slot?.result !== undefined) yield { ...slot.result, item: slot.item };
      else if (stream.ended && stream.idle) return;
      else await stream.changed();
    }
  } finally {
    stream.close();
    if (!stream.ended) await source.return?.();
  }
}

class TaskStream<I, T> {
  ended = false;
  readonly #core: ProcessCore;
  readonly #process: Process;
  readonly #owner: ProcessCore;
  readonly #start: StartTask<I, T>;
  readonly #options: Required<TaskStreamOptions>;
  readonly #slots: Slot<I, T>[] = [];
  #fetching = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(owner: ProcessCore, start: StartTask<I, T>, options: TaskStreamOptions) {
    const { maxConcurrency = 8, ordered = true, timeoutMs = 5000, onTimeout = "exit" } = options;
    if (!(maxConcurrency >= 1)) throw new ArgumentError("maxConcurrency", `must be at least 1, got ${maxConcurrency}`);
    if (!(timeoutMs > 0)) throw new ArgumentError("timeoutMs", `must be above 0, got ${timeoutMs}`);
    this.#options = { maxConcurrency, ordered, timeoutMs, onTimeout };
    this.#owner = owner;
    this.#start = start;
    this.#core = owner.runtime.spawn(() => new StreamProcess((reason) => this.#lost(reason)), {
      groupLeader: owner.groupLeader,
    });
    this.#core.trapExit = owner.trapExit;
    this.#process = new Process(this.#core);
    owner.link(this.#core.pid);
    // A link says nothing of an owner that ends in order.
    this.#core.monitor(owner.pid, (reason) => this.#kill(reason));
  }

  /** Whether one more item may be begun with. */
  get hasRoom(): boolean {
    return !this.#fetching && this.#slots.length < this.#options.maxConcurrency;
  }

  /** Whether no task runs and no item is waited for. */
  get idle(): boolean {
    return this.#slots.length === 0 && !this.#fetching;
  }

  /** Takes the next item and starts its task; ready once {@link changed} says so. */
  fetch(source: Source<I>): void {
    this.#fetching = true;
    const fetched = async () => {
      const next = await source.next();
      if (next.done) this.ended = true;
      else await this.#begin(next.value);
    };
    fetched()
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#fetching = false;
        this.#wake();
      });
  }

  /** The next result that is due, which makes room for another task. */
  take(): Slot<I, T> | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    const at = this.#options.ordered ? 0 : this.#slots.findIndex(({ result }) => result !== undefined);
    return this.#slots[at]?.result === undefined ? undefined : this.#slots.splice(at, 1)[0];
  }

  /** Settles when there may be something to take, or room. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  close(): void {
    this.#owner.unlink(this.#core.pid);
    this.#kill(Reason.normal);
  }

  async #begin(item: I): Promise<void> {
    const slot: Slot<I, T> = { item, task: undefined, timer: undefined, result: undefined };
    this.#slots.push(slot);
    const task = await this.#start(this.#process, item);
    slot.task = task;
    const { timeoutMs } = this.#options;
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      slot.timer = this.#core.startTimer(timeoutMs, () => this.#overdue(slot, task));
    }
    task
      .yield({ timeoutMs: Number.POSITIVE_INFINITY })
      .then((result) => this.#settle(slot, result))
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#wake();
      });
  }

  #settle(slot: Slot<I, T>, result: TaskResult<T> | undefined): void {
    slot.timer?.cancel();
    slot.result ??= result;
    this.#wake();
  }

  #overdue(slot: Slot<I, T>, task: Task<T>): void {
    const { onTimeout, timeoutMs } = this.#options;
    if (onTimeout === "kill_task") {
      this.#end(task.pid);
      return this.#settle(slot, { ok: false, reason: TIMEOUT });
    }
    const place = tuple(atom("Elixir.Task.Supervised"), atom("stream"), [timeoutMs]);
    this.#failure ??= { error: new ExitError("call", task.pid, TIMEOUT, tuple(TIMEOUT, place)) };
    this.#wake();
  }

  #end(pid: Pid): void {
    this.#core.unlink(pid);
    this.#core.sendExit(pid, Reason.kill);
  }

  #kill(reason: unknown): void {
    for (const { task, result } of this.#slots) if (task !== undefined && result === undefined) this.#end(task.pid);
    this.#core.exit(reason);
  }

  /** The process of the stream has ended, so the loop, if there still is one, cannot go on. */
  #lost(reason: unknown): void {
    this.#failure ??= { error: new ExitError("stream", this.#core.pid, reason as Term) };
    this.#wake();
  }
}

/** Has the tasks of a stream. Their ends are no news to it: it monitors them. */
class StreamProcess implements Behaviour {
  readonly label = "Task stream";
  readonly ended: (reason: unknown) => void;

  constructor(ended: (reason: unknown) => void) {
    this.ended = ended;
  }

  receive(): void {}
}

interface Source<I> {
  next(): IteratorResult<I> | Promise<IteratorResult<I>>;
  return?(): unknown;
}

function iterate<I>(items: Iterable<I> | AsyncIterable<I>): Source<I> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}
