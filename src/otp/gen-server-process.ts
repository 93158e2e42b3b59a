import type { LogFacts, Timer } from "../base/index.ts";
import {
  type AnyApi,
  type Behaviour,
  Exit,
  From,
  Process,
  type ProcessCore,
  readGen,
  reasonOf,
} from "../runtime/index.ts";
import { Atom, atom, inspect, isTuple, Pid, type Term, type Tuple, tuple } from "../term/index.ts";
import type { GenServer } from "./gen-server.ts";
import { Ignore, type Next, NoReply, Reply, Stop } from "./results.ts";
import { replaceState, stateOf } from "./server-state.ts";
import { readSystem, Sys, type SysTarget } from "./sys.ts";

/** A server as its process sees it: one about whose interface nothing is known. */
type Callbacks = GenServer<AnyApi, unknown>;

type Operation = (this: Callbacks, ...args: unknown[]) => unknown;

/** A server class with its tables, which are looked up by own names only: a peer must not reach what is inherited. */
export interface GenServerClass<S = Callbacks> {
  new (): S;
  readonly calls?: Record<string, unknown>;
  readonly casts?: Record<string, unknown>;
}

const EXIT = atom("EXIT");
const IN = atom("in");
const OUT = atom("out");
const TIMEOUT = atom("timeout");
const IGNORE = atom("ignore");

/** What a server holds as its `process`. Behaviours that offer more to their code extend it. */
export class OwnProcess extends Process {
  from: From | undefined;
}

/**
 * Runs a {@link GenServer} in a process: takes its messages to its callbacks, and their results to effect.
 * Behaviours that are gen_servers with more to say (stages, supervisors) extend it.
 */
export class GenServerProcess implements Behaviour {
  readonly label: string;
  /** The process that started this one with a link: its end is this one's. */
  parent: Pid | undefined;
  protected readonly core: ProcessCore;
  protected readonly server: Callbacks;
  readonly #process: OwnProcess;
  readonly #calls: Map<string, Operation>;
  readonly #casts: Map<string, Operation>;
  readonly #sys: Sys;
  /** Messages that came while it was suspended. */
  #waiting: unknown[] = [];
  #idle: Timer | undefined;
  #lastMessage: unknown;

  constructor(core: ProcessCore, serverClass: GenServerClass, process = new OwnProcess(core)) {
    this.label = `GenServer ${serverClass.name}`;
    this.core = core;
    this.#calls = new Map(Object.entries(serverClass.calls ?? {}) as [string, Operation][]);
    this.#casts = new Map(Object.entries(serverClass.casts ?? {}) as [string, Operation][]);
    this.#process = process;
    this.server = new serverClass();
    Object.defineProperty(this.server, "process", { value: this.#process });
    this.#sys = new Sys(this.#sysTarget());
  }

  #sysTarget(): SysTarget {
    const self = this;
    return {
      core: this.core,
      module: "gen_server",
      get parent() {
        return self.parent;
      },
      state: () => this.state(),
      replaceState: (state) => this.replaceState(state),
      resumed: () => this.#resumed(),
      end: (reason) => this.end(reason),
    };
  }

  /** What `sys` shows as the state. */
  protected state(): Term {
    return stateOf(this.server);
  }

  /** Takes what a `replace_state` function made of the state. @throws ArgumentError for what cannot be one. */
  protected replaceState(state: Term): void {
    replaceState(this.server, state);
  }

  /** Runs `init` as the first thing; `started` is told once when it has come to an end in good order. */
  init(args: unknown, started: () => void): void {
    this.core.occupy(() =>
      this.guarded(
        () => this.server.init(args),
        (result) => {
          if (result instanceof Ignore) return this.core.exit(IGNORE);
          if (result instanceof Stop) return this.core.exit(result.reason);
          return this.begin(result, started);
        },
      ),
    );
  }

  /** What follows an `init` that wants to start; calls `started` once. */
  protected begin(result: unknown, started: () => void): void | Promise<void> {
    started();
    return this.goOn(result);
  }

  receive(message: unknown): void | Promise<void> {
    const system = readSystem(message);
    if (system !== undefined) return this.#system(system.from, system.request);
    if (this.parent !== undefined && isExitOf(message, this.parent)) return this.end(message[2]);
    if (this.#sys.suspended) return void this.#waiting.push(message);
    return this.#handle(message);
  }

  #handle(message: unknown): void | Promise<void> {
    this.#idle?.cancel();
    this.#lastMessage = message;
    const { debug } = this.#sys;
    if (debug.active) debug.record(tuple(IN, message as object));
    const gen = readGen(this.core, message);
    switch (gen.kind) {
      case "call":
        return this.call(gen.request, debug.active ? this.#observed(gen.from) : gen.from);
      case "cast":
        return this.cast(gen.request);
      case "info":
        return this.info(gen.message);
    }
  }

  #system(from: Tuple, request: Term): void | Promise<void> {
    const [pid, tag] = from;
    if (pid instanceof Pid) return this.#sys.handle(new From(this.core, pid, tag), request);
  }

  /** Handles what has waited, in its order and before anything else. */
  async #resumed(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#sys.suspended && this.core.alive)
      await this.#handle(this.#waiting.shift());
  }

  /** A `from` whose reply is seen by the debug options. */
  #observed(from: From): From {
    return new ObservedFrom(this.core, from, (value) =>
      this.#sys.debug.record(tuple(OUT, value as object, from, this.state() as object)),
    );
  }

  ended(): void {
    this.#idle?.cancel();
  }

  crashFacts(): LogFacts {
    return this.#lastMessage === undefined ? {} : { lastMessage: inspect(this.#lastMessage) };
  }

  protected call(request: Term, from: From): void | Promise<void> {
    this.#process.from = from;
    return this.guarded(
      () => {
        const [operation, args] = find(this.#calls, request);
        return operation ? operation.apply(this.server, args) : this.server.handleCall(request, from);
      },
      (result) => {
        this.#process.from = undefined;
        if (result instanceof Reply) {
          const { value, next } = result;
          return this.next(next, () => from.reply(value));
        }
        if (result instanceof NoReply) return this.next(result.next);
        if (result instanceof Stop) {
          const { reply } = result;
          return this.end(result.reason, undefined, reply.length === 1 ? () => from.reply(reply[0]) : undefined);
        }
        throw badReturn(result);
      },
    );
  }

  protected cast(request: Term): void | Promise<void> {
    return this.guarded(() => {
      const [operation, args] = find(this.#casts, request);
      return operation ? operation.apply(this.server, args) : this.server.handleCast(request);
    }, this.goOn);
  }

  protected info(message: Term): void | Promise<void> {
    if (this.server.handleInfo === undefined) {
      this.core.runtime.logger.warn(`${this.label} ${this.core.pid} received unexpected message: ${inspect(message)}`);
      return;
    }
    return this.guarded(() => this.server.handleInfo?.(message), this.goOn);
  }

  /** The result of anything but a call. */
  protected readonly goOn = (result: unknown): void | Promise<void> => {
    if (result === undefined) return;
    if (result instanceof NoReply) return this.next(result.next);
    if (result instanceof Stop && result.reply.length === 0) return this.end(result.reason);
    throw badReturn(result);
  };

  /** Sends the reply that is due, if one is, and does what else the result asked for. */
  protected next(next: Next<unknown> | undefined, reply?: () => void): void | Promise<void> {
    reply?.();
    if (next === undefined) return;
    if (next.continue !== undefined) {
      return this.guarded(() => this.server.handleContinue(next.continue), this.goOn);
    }
    if (next.timeoutMs !== undefined && next.timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#idle = this.core.startTimer(next.timeoutMs, () => {
        // A message that waits has come in time: the timeout is for silence.
        if (this.core.queueLength === 0) this.core.occupy(() => this.info(TIMEOUT));
      });
    }
  }

  /** Runs a callback and then what its result asks for. A failure of either ends the server, `terminate` first. */
  protected guarded(callback: () => unknown, apply: (result: unknown) => void | Promise<void>): void | Promise<void> {
    const failed = (error: unknown) => this.end(reasonOf(error), error);
    try {
      const result = callback();
      const pending = result instanceof Promise ? result.then(apply) : apply(result);
      return pending instanceof Promise ? pending.catch(failed) : pending;
    } catch (error) {
      return failed(error);
    }
  }

  /** Ends the server: `terminate`, the last reply, the report if the reason is not an orderly one, and the exit. */
  protected end(reason: unknown, error?: unknown, lastReply?: () => void): void | Promise<void> {
    if (!this.core.alive) return;
    const finish = (failure?: { reason: unknown; error: unknown }) => {
      lastReply?.();
      const last = failure ?? { reason, error };
      this.core.runtime.reportCrash(this.core, last.reason, last.error);
      this.core.exit(last.reason);
    };
    const failed = (error: unknown) => finish({ reason: reasonOf(error), error });
    try {
      const pending = this.server.terminate?.(reason);
      return pending instanceof Promise ? pending.then(() => finish(), failed) : finish();
    } catch (error) {
      return failed(error);
    }
  }
}

/** A `from` that tells of the reply. */
class ObservedFrom extends From {
  readonly #told: (value: unknown) => void;

  constructor(core: ProcessCore, { pid, 1: tag }: From, told: (value: unknown) => void) {
    super(core, pid, tag);
    this.#told = told;
  }

  override reply(value: unknown): void {
    super.reply(value);
    this.#told(value);
  }
}

/** `{'EXIT', Pid, Reason}` of that process. */
function isExitOf(message: unknown, parent: Pid): message is Tuple {
  return isTuple(message) && message.length === 3 && message[0] === EXIT && (message[1] as Pid).key === parent.key;
}

/** The entry of a table that a request names, and the arguments for it: `{op, A, B}` or the bare atom `op`. */
function find(table: Map<string, Operation>, request: Term): [Operation | undefined, Term[]] {
  if (request instanceof Atom) return [withArity(table.get(request.tag), 0), []];
  if (!isTuple(request) || !(request[0] instanceof Atom)) return [undefined, []];
  const args = Array.from(request).slice(1) as Term[];
  return [withArity(table.get(request[0].tag), args.length), args];
}

/** A request with fewer arguments than the operation declares is not a request for it. */
function withArity(operation: Operation | undefined, count: number): Operation | undefined {
  return operation !== undefined && operation.length <= count ? operation : undefined;
}

function badReturn(result: unknown): Exit {
  return new Exit(tuple(atom("bad_return_value"), result === undefined ? null : (result as object)));
}
