import type { Atom, Term, Tuple } from "../term/index.ts";
import type { Destination } from "./destination.ts";
import { type CallOptions, call, cast } from "./gen.ts";
import type { ProcessCore } from "./process-core.ts";
import { stop } from "./stop.ts";

/**
 * The operations of a server, as an interface: each is asked for by `{op, ...arguments}`, or by the bare atom `op` when it
 * takes none. An operation that returns `void` is a cast, every other one a call.
 */
// biome-ignore lint/suspicious/noExplicitAny: the arguments of any interface's methods
export type Operations<Api> = { readonly [K in keyof Api]: (...args: any[]) => unknown };

// biome-ignore lint/suspicious/noExplicitAny: infers from any function
type Fn = (...args: any[]) => unknown;

/** The names of the operations that reply. */
export type CallNames<Api> = {
  [K in keyof Api & string]: Api[K] extends Fn ? (IsVoid<ReturnType<Api[K]>> extends true ? never : K) : never;
}[keyof Api & string];

/** The names of the operations that do not reply. */
export type CastNames<Api> = Exclude<keyof Api & string, CallNames<Api>>;

// biome-ignore lint/suspicious/noConfusingVoidType: asks for exactly that type
type IsVoid<T> = [T] extends [never] ? false : [T] extends [void] ? true : false;

/** The parameters of an operation. */
export type ArgsOf<F> = F extends (...args: infer A) => unknown ? A : never;

/** The request term of an operation: `{op, A, B}`, and also the bare atom when there are no arguments. */
export type RequestFor<Api, K extends keyof Api & string> =
  | Tuple<readonly [Atom<K>, ...ArgsOf<Api[K]>]>
  | (ArgsOf<Api[K]> extends readonly [] ? Atom<K> : never);

/** Every request that can be called. */
export type Request<Api> = { [K in CallNames<Api>]: RequestFor<Api, K> }[CallNames<Api>];

/** Every request that can be cast. */
export type CastRequest<Api> = { [K in CastNames<Api>]: RequestFor<Api, K> }[CastNames<Api>];

/** What the server replies to a request. */
export type ReplyTo<Api, Q> = Q extends { readonly tag: infer K }
  ? K extends keyof Api
    ? Api[K] extends Fn
      ? Awaited<ReturnType<Api[K]>>
      : never
    : never
  : never;

/** The interface of servers about which nothing is known: any request, any reply. */
export interface AnyApi {
  readonly "": unique symbol;
}

/**
 * A server as seen by the process that uses it: where it is, and calls typed by its interface. Holding one costs nothing;
 * the server need not exist yet.
 */
export class Server<Api = AnyApi> {
  readonly target: Destination;
  readonly #core: ProcessCore;

  constructor(core: ProcessCore, target: Destination) {
    this.target = target;
    this.#core = core;
  }

  /**
   * Calls the server and waits for its reply.
   *
   * @param request - `tuple(atom(op), ...args)`, or `atom(op)` without arguments; any term if the interface is not given.
   * @throws ExitError `EXIT_TIMEOUT`, `EXIT_NOPROC`, `EXIT_CALLING_SELF`, `EXIT_OTHER`; NodeDownError; EncodeError.
   * A late reply is dropped. Same as `gen_server:call/3`.
   */
  call<const Q extends Api extends AnyApi ? unknown : Request<Api>>(
    request: Q,
    options?: CallOptions,
  ): Promise<Api extends AnyApi ? Term : ReplyTo<Api, Q>>;
  call(request: unknown, options?: CallOptions): Promise<unknown> {
    return call(this.#core, this.target, request, options);
  }

  /** Sends a request without an answer. Same as `gen_server:cast/2`. Promise and errors as {@link Process.send}. */
  cast(request: Api extends AnyApi ? unknown : CastRequest<Api>): Promise<void> | undefined {
    return cast(this.#core, this.target, request);
  }

  /**
   * Tells the server to end, whatever its interface, and waits until it has; its `terminate` runs. Same as
   * `GenServer.stop/3`.
   *
   * @param reason - what it is to end with, default `normal`. Any other end is a failure.
   * @throws ExitError `EXIT_NOPROC`; `EXIT_TIMEOUT`, after which it may still end; `EXIT_OTHER` with the reason that it ended
   * with instead; NodeDownError; EncodeError.
   */
  stop(reason?: unknown, options?: CallOptions): Promise<void> {
    return stop(this.#core, this.target, reason, options);
  }
}
