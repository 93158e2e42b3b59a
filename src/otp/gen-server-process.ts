import type { Timer } from "../base/index.ts";
import { type AnyApi, Exit, From, Process, type ProcessCore, readGen } from "../runtime/index.ts";
import { Atom, atom, inspect, isTuple, type Term, tuple } from "../term/index.ts";
import type { GenServer } from "./gen-server.ts";
import { OtpProcess } from "./otp-process.ts";
import { Ignore, type Next, NoReply, Reply, Stop } from "./results.ts";
import { replaceState, stateOf } from "./server-state.ts";

/** A server as its process sees it: one about whose interface nothing is known. */
type Callbacks = GenServer<AnyApi, unknown>;

type Operation = (this: Callbacks, ...args: unknown[]) => unknown;

/** A server class with its tables, which are looked up by own names only: a peer must not reach what is inherited. */
export interface GenServerClass<S = Callbacks> {
  new (): S;
  readonly calls?: Record<string, unknown>;
  readonly casts?: Record<string, unknown>;
}

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
export class GenServerProcess extends OtpProcess {
  readonly label: string;
  protected readonly server: Callbacks;
  readonly #process: OwnProcess;
  readonly #calls: Map<string, Operation>;
  readonly #casts: Map<string, Operation>;
  #idle: Timer | undefined;

  constructor(core: ProcessCore, serverClass: GenServerClass, process = new OwnProcess(core)) {
    super(core, "gen_server");
    this.label = `GenServer ${serverClass.name}`;
    this.#calls = new Map(Object.entries(serverClass.calls ?? {}) as [string, Operation][]);
    this.#casts = new Map(Object.entries(serverClass.casts ?? {}) as [string, Operation][]);
    this.#process = process;
    this.server = new serverClass();
    Object.defineProperty(this.server, "process", { value: this.#process });
  }

  protected state(): Term {
    return stateOf(this.server);
  }

  protected replaceState(state: Term): void {
    replaceState(this.server, state);
  }

  /** An `init` that fails ends the process without `terminate`, which is for what has begun. */
  init(args: unknown, started: () => void): void {
    const apply = (result: unknown) => {
      if (result instanceof Ignore) return this.core.exit(IGNORE);
      if (result instanceof Stop) return this.core.exit(result.reason);
      return this.begin(result, started);
    };
    this.core.occupy(() => {
      const result: unknown = this.server.init(args);
      return result instanceof Promise ? result.then(apply) : apply(result);
    });
  }

  /** What follows an `init` that wants to start; calls `started` once. */
  protected begin(result: unknown, started: () => void): void | Promise<void> {
    started();
    return this.goOn(result);
  }

  protected handle(message: unknown): void | Promise<void> {
    this.#idle?.cancel();
    const { debug } = this.sys;
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

  /** A `from` whose reply is seen by the debug options. */
  #observed(from: From): From {
    return new ObservedFrom(this.core, from, (value) =>
      this.sys.debug.record(tuple(OUT, value as object, from, this.state() as object)),
    );
  }

  ended(): void {
    this.#idle?.cancel();
  }

  protected terminate(reason: unknown): unknown {
    return this.server.terminate?.(reason);
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
