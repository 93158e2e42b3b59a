import { ArgumentError } from "../../base/index.ts";
import {
  type CallOptions,
  call,
  cast,
  type Destination,
  type ProcessCore,
  resolve,
  Server,
  waitingOf,
} from "../../runtime/index.ts";
import { atom, Pid, type Term, tuple } from "../../term/index.ts";
import { type Mfa, mfaTerm } from "../server/mfa.ts";
import { AgentProcess, type StateFunction } from "./agent-process.ts";

type MaybePromise<T> = T | Promise<T>;

/**
 * An agent as seen by the process that uses it. What it is to do is a function, if it is of this node, or the name of one, which
 * works for agents of all nodes; a named function gets the state in front of its arguments.
 *
 * A function runs in the agent, alone, and may be async. What it gives as a result is copied, as messages are.
 *
 * @throws ExitError, NodeDownError and EncodeError as `call` does; ArgumentError for a function that had to be sent.
 */
export class AgentClient<S = unknown> {
  readonly target: Destination;
  readonly #core: ProcessCore;

  /** @internal */
  constructor(core: ProcessCore, target: Destination) {
    this.target = target;
    this.#core = core;
  }

  /** Gives what the function makes of the state. */
  get<R>(read: (state: S) => MaybePromise<R>, options?: CallOptions): Promise<R>;
  get<R = Term>(read: Mfa, options?: CallOptions): Promise<R>;
  get<R>(read: ((state: S) => MaybePromise<R>) | Mfa, options?: CallOptions): Promise<R> {
    return this.#call("get", read as StateFunction | Mfa, options) as Promise<R>;
  }

  /** Makes what the function gives the new state. */
  async update(change: ((state: S) => MaybePromise<S>) | Mfa, options?: CallOptions): Promise<void> {
    await this.#call("update", change as StateFunction | Mfa, options);
  }

  /** The function gives a result and the new state; a named one as a tuple. */
  getAndUpdate<R>(
    change: (state: S) => MaybePromise<readonly [result: R, state: S]>,
    options?: CallOptions,
  ): Promise<R>;
  getAndUpdate<R = Term>(change: Mfa, options?: CallOptions): Promise<R>;
  getAndUpdate<R>(change: unknown, options?: CallOptions): Promise<R> {
    return this.#call("get_and_update", change as StateFunction | Mfa, options) as Promise<R>;
  }

  /** As {@link update}, without waiting. Promise and errors as `cast`. */
  cast(change: ((state: S) => MaybePromise<S>) | Mfa): Promise<void> | undefined {
    return cast(this.#core, this.target, tuple(atom("cast"), this.#sendable(change as StateFunction | Mfa)));
  }

  /** Ends the agent, and waits until it has. Errors as `Server.stop`. */
  stop(reason?: unknown, options?: CallOptions): Promise<void> {
    return new Server(this.#core, this.target).stop(reason, options);
  }

  async #call(kind: string, run: StateFunction | Mfa, options: CallOptions = {}): Promise<unknown> {
    waitingOf(options, Number.POSITIVE_INFINITY); // a call that is not made leaves no function behind
    return call(this.#core, this.target, tuple(atom(kind), this.#sendable(run)), options);
  }

  #sendable(run: StateFunction | Mfa): object {
    if (typeof run !== "function") return mfaTerm(run);
    const { runtime } = this.#core;
    const address = resolve(this.target, runtime.identity.node);
    const here = address === undefined || address.node === runtime.identity.node;
    const core =
      address instanceof Pid
        ? runtime.find(address)
        : address !== undefined && "name" in address && runtime.names.find(address.name);
    if (here && !core) return runtime.identity.newRef(); // nobody is there: whatever is sent will fail as it does
    if (here && core && core.behaviour instanceof AgentProcess) return core.behaviour.hold(run);
    throw new ArgumentError("agent", "a function is for agents of this node: for others it has to be named");
  }
}
