import { Exit, type From } from "../../runtime/index.ts";
import {
  Atom,
  atom,
  Export,
  inspect,
  isList,
  isTuple,
  type Pid,
  Ref,
  type Term,
  type Tuple,
  tuple,
} from "../../term/index.ts";
import { GenServerProcess } from "../server/gen-server-process.ts";
import { apply } from "../server/mfa.ts";
import type { Agent } from "./agent.ts";

/** What is done with the state of an agent, in its process. */
export type StateFunction = (state: unknown) => unknown;

/** What a closure of a BEAM, which cannot run here, is answered with. */
const CLOSURE = tuple(atom("error"), atom("closure_not_supported"));
const OK = atom("ok");

/** Runs an {@link Agent}: does with its state what the requests of Elixir's Agent say. Source: gen.md §7. */
export class AgentProcess extends GenServerProcess {
  /** Functions of this node that were sent, by the reference that was sent in their place. */
  readonly #functions = new Map<string, StateFunction>();

  /** A reference to send in the place of a function. */
  hold(run: StateFunction): Ref {
    const ref = this.core.runtime.identity.newRef();
    this.#functions.set(ref.key, run);
    return ref;
  }

  protected override call(request: Term, from: From): void | Promise<void> {
    const [kind, given] = readRequest(request);
    if (kind !== "get" && kind !== "update" && kind !== "get_and_update") return super.call(request, from);
    const run = this.#function(given, from.pid);
    if (run === undefined) return this.reply(from, CLOSURE);
    return this.guarded(
      () => run(this.#agent.state),
      (result) => this.reply(from, this.#replyTo(kind, result)),
    );
  }

  protected override cast(request: Term): void | Promise<void> {
    const [kind, given] = readRequest(request);
    if (kind !== "cast") return super.cast(request);
    const run = this.#function(given, undefined);
    if (run === undefined) return;
    return this.guarded(
      () => run(this.#agent.state),
      (state) => {
        this.#agent.state = state;
        this.traceNoReply();
      },
    );
  }

  protected override replaceState(state: Term): void {
    this.#agent.state = state;
  }

  #replyTo(kind: "get" | "update" | "get_and_update", result: unknown): unknown {
    if (kind === "get") return result;
    if (kind === "update") {
      this.#agent.state = result;
      return OK;
    }
    if (!isPair(result)) throw new Exit(tuple(atom("bad_return_value"), result as object));
    const [reply, state] = result;
    this.#agent.state = state;
    return reply;
  }

  get #agent(): Agent<unknown> {
    return this.server as Agent<unknown>;
  }

  /** What a request is to run; undefined for a closure of a BEAM. @throws Exit from what is run, as where it runs on a BEAM. */
  #function(given: Term, caller: Pid | undefined): StateFunction | undefined {
    const peer = caller?.node ?? this.core.runtime.identity.node;
    const { functions } = this.core.runtime;
    if (given instanceof Ref) {
      const run = this.#functions.get(given.key);
      this.#functions.delete(given.key);
      return run;
    }
    if (given instanceof Export)
      return (state) => apply(functions, peer, atom(given.module), atom(given.function), [state]);
    if (!isMfa(given)) {
      this.core.runtime.refused++;
      this.core.runtime.logger.warn(`${this.label} ${this.core.pid} was sent what cannot run here: ${inspect(given)}`);
      return undefined;
    }
    const [module, name, args] = given;
    return (state) => apply(functions, peer, module, name, [state, ...(args as Term[])]);
  }
}

/** `{Kind, Function}` */
function readRequest(request: Term): readonly [kind: string | undefined, given: Term] {
  if (!isTuple(request) || request.length !== 2 || !(request[0] instanceof Atom)) return [undefined, null];
  return [request[0].tag, request[1] as Term];
}

function isMfa(given: Term): given is Tuple & Term {
  return isTuple(given) && given.length === 3 && isList(given[2]);
}

function isPair(result: unknown): result is readonly [unknown, unknown] {
  return (isTuple(result) || Array.isArray(result)) && result.length === 2;
}
