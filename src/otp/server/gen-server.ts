import type { StandardSchemaV1 } from "../../base/index.ts";
import type { AnyApi, ArgsOf, CallNames, CastNames, From, Process, ProcessCore } from "../../runtime/index.ts";
import { coreOf, type Exit, raised } from "../../runtime/index.ts";
import { atomTerm, inspect, type Term } from "../../term/index.ts";
import { type api, behaviour } from "./behaviour.ts";
import { type GenServerClass, GenServerProcess } from "./gen-server-process.ts";
import type { Ignore, NoReply, Reply, Stop } from "./results.ts";

type MaybePromise<T> = T | Promise<T>;

/** What a call may result in. `E` is what a stage emits; a plain server emits nothing. */
export type CallResult<R = unknown, E = never> = Reply<R, E> | NoReply<E> | Stop<R>;

/** What a cast, an info, a continue or a timeout may result in; nothing is the same as `noReply()`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is what is meant
export type CastResult<E = never> = void | NoReply<E> | Stop;

/** What `init` may result in; nothing means started. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is what is meant
export type InitResult = void | NoReply | Stop | Ignore;

type Fn<A extends readonly unknown[], R> = (...args: [...A]) => R;

/**
 * The table of a server's calls: one entry for each operation of its interface that returns something. A request
 * `{op, A, B}`, or the bare atom `op`, runs the entry `op` with `A, B`; `this` is the server.
 */
export type Calls<S, Api, E = never> = {
  readonly [K in CallNames<Api>]: Api[K] extends (...args: never[]) => infer R
    ? Fn<ArgsOf<Api[K]>, MaybePromise<CallResult<Awaited<R>, E>>>
    : never;
} & ThisType<S>;

/** The table of a server's casts: one entry for each operation of its interface that returns `void`. */
export type Casts<S, Api, E = never> = {
  readonly [K in CastNames<Api>]: Fn<ArgsOf<Api[K]>, MaybePromise<CastResult<E>>>;
} & ThisType<S>;

/**
 * Standard Schemas (zod, valibot and others) for the requests of operations, by their names: each checks the list of
 * arguments, and what it makes of it is what the operation gets.
 */
export type Schemas<Api> = { readonly [K in keyof Api]?: StandardSchemaV1<unknown, ArgsOf<Api[K]>> };

/** A process as a server's callbacks see it. */
export interface ServerProcess extends Process {
  /** Who made the call that is being handled, for answering later; undefined outside of a call. */
  readonly from: From | undefined;
}

/**
 * A generic server: a process whose state is an instance of a class.
 *
 * Callbacks carry OTP's names in JavaScript's case and may be async: the mailbox then waits, but the node does not, and exit
 * signals still arrive. One callback runs at a time. A throw ends the server, after `terminate`, with the reason
 * `{%RuntimeError{message: "Class: text"}, Stack}`.
 *
 * `Api` is the interface of its operations, see {@link Calls} and {@link Casts}; `E` what it emits, if it is a stage.
 * Source of truth: gen_server(3).
 */
export abstract class GenServer<Api = AnyApi, E = never> {
  static [behaviour](core: ProcessCore, serverClass: GenServerClass): GenServerProcess {
    return new GenServerProcess(core, serverClass);
  }

  /** Carries the interface in the type; does not exist at run time. */
  declare readonly [api]: Api;

  /** The process that this server is: pid, call, send, monitor, link and so on. Not there yet in the constructor. */
  declare protected readonly process: ServerProcess;

  /**
   * Runs first, with the `args` given to `start`, which waits for it.
   *
   * Nothing or `noReply(next)`: started. `stop(reason)` or a throw: the start fails with that. `ignore()`: it does not
   * start, and `start` rejects with the reason `ignore`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  init(_args: any): MaybePromise<InitResult> {}

  /**
   * A call that the table of calls has no entry for. `reply(value)`, `noReply()` and `from.reply(value)` later, or
   * `stop(reason, reply?)`. The default ends the server as Elixir's does, with a `RuntimeError` that says what is missing.
   */
  handleCall(_request: Term, _from: From): MaybePromise<CallResult<unknown, E>> {
    throw missing("call", this.process, "handleCall");
  }

  /** A cast that the table of casts has no entry for. The default ends the server as that of {@link handleCall} does. */
  handleCast(_request: Term): MaybePromise<CastResult<E>> {
    throw missing("cast", this.process, "handleCast");
  }

  /** Any other message: what was sent, DOWN, EXIT if exits are trapped, `timeout`. The default logs and drops it. */
  handleInfo?(message: Term): MaybePromise<CastResult<E>>;

  /** What `next.continue` of an earlier result asked for, before any message. */
  handleContinue(_argument: unknown): MaybePromise<CastResult<E>> {
    throw missing("continue", this.process, "handleContinue");
  }

  /**
   * Runs before the server ends by a `stop`, by a throw, or, if it traps exits, with its parent; not when an exit signal
   * ends it. What it returns does not matter.
   */
  terminate?(reason: unknown): MaybePromise<void>;

  /** What `:sys.get_state/1` shows. The default: the public own fields. */
  inspectState?(): unknown;
}

/** What Elixir's GenServer raises for a callback that is not there. */
function missing(what: string, process: Process, callback: string): Exit {
  const { name, pid } = coreOf(process);
  const server = inspect(name === undefined ? pid : atomTerm(name));
  return raised(`attempted to ${what} GenServer ${server} but no ${callback} was provided`);
}
