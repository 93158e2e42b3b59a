import { type CallForm, type CallOptions, call, coreOf, type Destination, type Process } from "../../runtime/index.ts";
import { type Atom, atom, type Term, type Tuple, tuple } from "../../term/index.ts";
import { type HandlerName, handlerTerm } from "./gen-event-requests.ts";

const NOTIFY = atom("notify");

/**
 * An event manager as seen by the process that uses it: one of a BEAM, or of this library. Holding one costs nothing; the
 * manager need not exist yet. A handler is named by its module, or by `{Module, Id}`; a string is an atom.
 *
 * Answers are those of `:gen_event`, as they are. Where OTP waits for ever, the default is 5000 ms here as everywhere.
 * All throw ExitError `EXIT_NOPROC`, `EXIT_TIMEOUT`, `EXIT_OTHER`; NodeDownError; EncodeError. Source of truth: gen_event(3).
 */
export class EventManager {
  readonly target: Destination;
  readonly #process: Process;

  /** @internal */
  constructor(process: Process, target: Destination) {
    this.target = target;
    this.#process = process;
  }

  /** Sends an event to all handlers. Promise and errors as {@link Process.send}. Same as `gen_event:notify/2`. */
  notify(event: unknown): Promise<void> | undefined {
    return this.#process.send(this.target, tuple(NOTIFY, event as object));
  }

  /** Sends an event and waits until all handlers have taken it. Same as `gen_event:sync_notify/2`. */
  async syncNotify(event: unknown, options?: CallOptions): Promise<void> {
    await this.#ask(options, "sync_notify", event);
  }

  /**
   * Calls one handler.
   *
   * @returns what it replies; `{error, bad_module}` when there is no such handler, `{error, Reason}` when it failed and was
   * removed for that. Same as `gen_event:call/4`.
   */
  call<T = Term>(handler: HandlerName, request: unknown, options?: CallOptions): Promise<T> {
    return this.#ask(options, "call", handlerTerm(handler), request) as Promise<T>;
  }

  /** Adds a handler, whose `init` gets `argument`: `ok`, or why not. Same as `gen_event:add_handler/3`. */
  addHandler(handler: HandlerName, argument: unknown, options?: CallOptions): Promise<Term> {
    return this.#ask(options, "add_handler", handlerTerm(handler), argument);
  }

  /**
   * Adds a handler that ends with this process. When the handler ends before that, this process gets the message
   * `{gen_event_EXIT, Handler, Reason}`. Same as `gen_event:add_sup_handler/3`, which also links the two processes.
   */
  addSupHandler(handler: HandlerName, argument: unknown, options?: CallOptions): Promise<Term> {
    return this.#ask(options, "add_sup_handler", handlerTerm(handler), argument, this.#process.pid);
  }

  /**
   * Removes a handler, whose `terminate` gets `argument`.
   *
   * @returns what that returned, or `{error, module_not_found}`. Same as `gen_event:delete_handler/3`.
   */
  deleteHandler(handler: HandlerName, argument: unknown, options?: CallOptions): Promise<Term> {
    return this.#ask(options, "delete_handler", handlerTerm(handler), argument);
  }

  /**
   * Replaces a handler by another, whose `init` gets `{NextArgument, Result}`, where `Result` is what `terminate` of the
   * first returned: `ok`, or `{error, Reason}`. Same as `gen_event:swap_handler/3`.
   */
  swapHandler(
    handler: HandlerName,
    argument: unknown,
    next: HandlerName,
    nextArgument: unknown,
    options?: CallOptions,
  ): Promise<Term> {
    return this.#ask(options, "swap_handler", handlerTerm(handler), argument, handlerTerm(next), nextArgument);
  }

  /** The same; the new handler ends with this process, as after {@link addSupHandler}. */
  swapSupHandler(
    handler: HandlerName,
    argument: unknown,
    next: HandlerName,
    nextArgument: unknown,
    options?: CallOptions,
  ): Promise<Term> {
    const { pid } = this.#process;
    return this.#ask(options, "swap_sup_handler", handlerTerm(handler), argument, handlerTerm(next), nextArgument, pid);
  }

  /** The handlers that are there, the last one added first. Same as `gen_event:which_handlers/1`. */
  async whichHandlers(options?: CallOptions): Promise<(Atom | Tuple)[]> {
    return (await this.#ask(options, "which_handlers")) as (Atom | Tuple)[];
  }

  /** Ends the manager and waits until it has; `terminate` of each handler gets `stop`. Same as `gen_event:stop/3`. */
  stop(reason?: unknown, options?: CallOptions): Promise<void> {
    return this.#process.server(this.target).stop(reason, options);
  }

  #ask(options: CallOptions | undefined, name: string, ...args: readonly unknown[]): Promise<Term> {
    const request = args.length === 0 ? atom(name) : tuple(atom(name), ...(args as object[]));
    return call(coreOf(this.#process), this.target, request, options, eventCall);
  }
}

/** `{Pid, From, Request}`; only a failed call of a handler says so in its reason, as in OTP. */
const eventCall: CallForm = {
  message: (from, request) => tuple(from[0] as object, from, request as object),
  failed: (target, request) => {
    const { tag, 1: handler, 2: query } = request as Tuple;
    return tag === "call" ? tuple(atom("gen_event"), atom("call"), [target, handler, query]) : undefined;
  },
};
