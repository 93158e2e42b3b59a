import { issuesText, type Timer } from "../../base/index.ts";
import { type AnyApi, Exit, type From, Process, type ProcessCore, readGen } from "../../runtime/index.ts";
import { atom, inspect, type Term, tuple } from "../../term/index.ts";
import { readSystem } from "../sys/sys.ts";
import type { GenServer } from "./gen-server.ts";
import { checkTables, NO_OPERATION, type OperationTables, perform, Refused } from "./operations.ts";
import { OtpProcess } from "./otp-process.ts";
import { Ignore, type Next, NoReply, Reply, Stop } from "./results.ts";
import { replaceState, shownTerm, stateOf } from "./server-state.ts";

/** A server as its process sees it: one about whose interface nothing is known. */
type Callbacks = GenServer<AnyApi, unknown>;

/** A server class with its tables. */
export interface GenServerClass<S = Callbacks> extends OperationTables {
  new (): S;
}

const ERROR = atom("error");
const BAD_REQUEST = atom("bad_request");
const OUT = atom("out");
const NOREPLY = atom("noreply");
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
  readonly #class: OperationTables;
  readonly #process: OwnProcess;
  /** The timeout that a result has asked for. */
  #idle: { readonly timeoutMs: number; readonly timer: Timer } | undefined;

  constructor(core: ProcessCore, serverClass: GenServerClass, process = new OwnProcess(core)) {
    super(core, "gen_server");
    this.label = `GenServer ${serverClass.name}`;
    checkTables(serverClass);
    this.#class = serverClass;
    this.#process = process;
    this.server = new serverClass();
    Object.defineProperty(this.server, "process", { value: this.#process });
  }

  protected state(): Term {
    return stateOf(this.server, this.core.runtime.copies);
  }

  protected replaceState(state: Term): void {
    replaceState(this.server, state, this.core.runtime.copies);
  }

  /** An `init` that fails ends the process without `terminate`, which is for what has begun. */
  init(args: unknown, started: () => void): void {
    const apply = (result: unknown) => {
      if (result instanceof Ignore) return this.#ignored();
      if (result instanceof Stop) return this.core.exit(result.reason);
      return this.begin(result, started);
    };
    this.core.occupy(() => {
      const result: unknown = this.server.init(args);
      return result instanceof Promise ? result.then(apply) : apply(result);
    });
  }

  /** Not to start is no failure: whoever started it with a link is not to hear of an end. */
  #ignored(): void {
    if (this.parent !== undefined) this.core.unlink(this.parent);
    this.core.exit(IGNORE);
  }

  /** What follows an `init` that wants to start; calls `started` once. */
  protected begin(result: unknown, started: () => void): void | Promise<void> {
    if (result !== undefined && !(result instanceof NoReply)) throw badReturn(result);
    started();
    return this.next(result?.next);
  }

  override receive(message: unknown): void | Promise<void> {
    if (this.#idle !== undefined) {
      this.#idle.timer.cancel();
      // What `sys` asks does not count as a message, but the time begins anew.
      if (readSystem(message) !== undefined) this.#startIdle(this.#idle.timeoutMs);
    }
    return super.receive(message);
  }

  protected handle(message: unknown): void | Promise<void> {
    this.#idle = undefined;
    const gen = readGen(this.core, message);
    switch (gen.kind) {
      case "call":
        return this.call(gen.request, gen.from);
      case "cast":
        return this.cast(gen.request);
      case "info":
        return this.info(gen.message);
    }
  }

  /** Replies as the result of a call. What is replied later, or before, is not an event for `sys`. */
  protected reply(from: From, value: unknown): void {
    from.reply(value);
    this.debug?.record(tuple(OUT, value as object, from, this.state() as object));
  }

  ended(): void {
    this.#idle?.timer.cancel();
  }

  protected terminate(reason: unknown): unknown {
    return this.server.terminate?.(reason);
  }

  protected call(request: Term, from: From): void | Promise<void> {
    this.#process.from = from;
    return this.guarded(this.#runCall, this.#called, request, from);
  }

  #runCall(request: Term, from: From): unknown {
    const { calls, schemas } = this.#class;
    const result = perform(calls, schemas, this.server, request);
    return result === NO_OPERATION ? this.server.handleCall(request, from) : result;
  }

  /** The result of a call. */
  #called(result: unknown, _request: Term, from: From): void | Promise<void> {
    this.#process.from = undefined;
    if (result instanceof Reply) {
      const { value, next } = result;
      return next === undefined ? this.reply(from, value) : this.next(next, () => this.reply(from, value));
    }
    if (result instanceof NoReply) return this.next(result.next, this.traceNoReply);
    if (result instanceof Stop) {
      const { reply } = result;
      return this.end(result.reason, undefined, reply.length === 1 ? () => this.reply(from, reply[0]) : undefined);
    }
    if (result instanceof Refused) return this.reply(from, badRequest(result));
    throw badReturn(result);
  }

  protected cast(request: Term): void | Promise<void> {
    return this.guarded(this.#runCast, this.#handledCast, request);
  }

  #runCast(request: Term): unknown {
    const { casts, schemas } = this.#class;
    const result = perform(casts, schemas, this.server, request);
    return result === NO_OPERATION ? this.server.handleCast(request) : result;
  }

  /** Nobody waits for an answer to a cast, so the log has to say that it was refused. */
  #handledCast(result: unknown, request: Term): void | Promise<void> {
    if (!(result instanceof Refused)) return this.goOn(result);
    const { runtime, pid } = this.core;
    runtime.logger.warn(`${this.label} ${pid} refused ${inspect(request)}: ${issuesText(result.issues)}`);
    this.traceNoReply();
  }

  protected info(message: Term): void | Promise<void> {
    if (this.server.handleInfo === undefined) {
      this.core.runtime.logger.warn(`${this.label} ${this.core.pid} received unexpected message: ${inspect(message)}`);
      return this.traceNoReply();
    }
    return this.guarded(this.#runInfo, this.goOn, message);
  }

  #runInfo(message: Term): unknown {
    return this.server.handleInfo?.(message);
  }

  /** The result of anything but a call. */
  protected goOn(result: unknown): void | Promise<void> {
    if (result === undefined) return this.traceNoReply();
    if (result instanceof NoReply) return this.next(result.next, this.traceNoReply);
    if (result instanceof Stop && result.reply.length === 0) return this.end(result.reason);
    throw badReturn(result);
  }

  protected traceNoReply(): void {
    this.debug?.record(tuple(NOREPLY, this.state() as object));
  }

  /** Sends the reply that is due, or tells the debug options of none, and does what else the result asked for. */
  protected next(next: Next<unknown> | undefined, reply?: (this: this) => void): void | Promise<void> {
    reply?.call(this);
    if (next === undefined) return;
    if (next.continue !== undefined) {
      return this.guarded(() => this.server.handleContinue(next.continue), this.goOn);
    }
    if (next.timeoutMs !== undefined && next.timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#startIdle(next.timeoutMs);
    }
  }

  #startIdle(timeoutMs: number): void {
    const timer = this.core.startTimer(timeoutMs, () => {
      // A message that waits has come in time: the timeout is for silence. A resumption begins it anew.
      if (this.core.queueLength > 0 || this.suspended) return;
      this.#idle = undefined;
      this.core.occupy(() => this.info(TIMEOUT));
    });
    this.#idle = { timeoutMs, timer };
  }
}

/** The reply to a request that its schema refuses: `{error, {bad_request, Text}}`. */
function badRequest({ issues }: Refused): unknown {
  return tuple(ERROR, tuple(BAD_REQUEST, issuesText(issues).toWellFormed()));
}

function badReturn(result: unknown): Exit {
  return new Exit(tuple(atom("bad_return_value"), shownTerm(result) as object));
}
