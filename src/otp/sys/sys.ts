import { type From, type InitialCall, type Outcome, type ProcessCore, reasonOf } from "../../runtime/index.ts";
import {
  Atom,
  atom,
  atomTerm,
  Export,
  ImproperList,
  inspect,
  isTuple,
  type Pid,
  Ref,
  type Term,
  type Tuple,
  tuple,
} from "../../term/index.ts";
import { SysDebug } from "./sys-debug.ts";
import type { StatusFacts } from "./sys-status.ts";

/** What {@link Sys} inspects and governs: one behaviour in its process. */
export interface SysTarget {
  readonly core: ProcessCore;
  /** The process that started it with a link, undefined without one. */
  readonly parent: Pid | undefined;
  /** The names, else the pids, of the process that started it, of the one that started that, and so on. */
  ancestors(): (Atom | Pid)[];
  /** The behaviour as OTP names it: `gen_server` and so on. */
  readonly module: string;
  /** What `get_state` shows. */
  state(): Term;
  /** What a tool shows as that which it was started with. */
  readonly initialCall: InitialCall;
  /** Runs a `replace_state` function on the state. @throws what that throws; ArgumentError for what cannot be a state. */
  changeState(change: (state: Term) => Promise<Term>): Promise<void>;
  /** The last part of `get_status`. */
  status(facts: StatusFacts): Tuple[];
  /** Goes on after a suspension: with the messages that had to wait. */
  resumed(): void | Promise<void>;
  /** Ends it in order. */
  end(reason: unknown): void | Promise<void>;
}

const OK = atom("ok");
const ERROR = atom("error");
const SYSTEM = atom("system");
const CALLBACK_FAILED = atom("callback_failed");
const UNKNOWN_SYSTEM_MSG = atom("unknown_system_msg");
const RUNNING = atom("running");
const SUSPENDED = atom("suspended");

/**
 * The `sys` protocol of one process: inspection and control of any OTP process by system messages. Source: sys(3).
 *
 * Replies come in the form that the release of the caller understands; see {@link wantsBareState}.
 */
export class Sys {
  readonly debug: SysDebug;
  readonly #target: SysTarget;
  #suspended = false;

  constructor(target: SysTarget) {
    this.#target = target;
    this.debug = new SysDebug(target.core);
  }

  /** While true, everything but system messages and the parent's exit has to wait. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** Answers a request. Nothing of it fails: what cannot be done is said. */
  handle(from: From, request: Term): void | Promise<void> {
    if (request instanceof Atom) return this.#simple(from, request);
    const [kind, argument] = isTuple(request) ? (Array.from(request) as Term[]) : [];
    const name = kind instanceof Atom ? kind.tag : undefined;
    if (argument !== undefined && name === "terminate") {
      from.reply(OK);
      return this.#target.end(argument);
    }
    if (argument !== undefined && name === "replace_state") return this.#replaceState(from, argument);
    if (argument !== undefined && name === "debug") return from.reply(this.debug.command(argument, from.pid.node));
    if (name === "change_code" && this.#suspended) return from.reply(OK);
    from.reply(unknownRequest(request));
  }

  #simple(from: From, request: Atom): void | Promise<void> {
    switch (request.tag) {
      case "get_state":
        return from.reply(stateReply(from, this.#target.state()));
      case "get_status":
        return from.reply(this.#status());
      case "suspend":
        this.#suspended = true;
        return from.reply(OK);
      case "resume":
        from.reply(OK);
        if (!this.#suspended) return;
        this.#suspended = false;
        return this.#target.resumed();
      default:
        from.reply(unknownRequest(request));
    }
  }

  /** `{replace_state, Fun}`: a function that is exposed here can run, a closure of the BEAM cannot. */
  async #replaceState(from: From, fun: Term): Promise<void> {
    const { core, module } = this.#target;
    const place = tuple(atom(module), atom("system_replace_state"));
    const failed = (kind: string, reason: unknown) =>
      from.reply(tuple(ERROR, tuple(CALLBACK_FAILED, place, tuple(atom(kind), reason as object))));
    if (!(fun instanceof Export) || fun.arity !== 1) {
      core.runtime.refused++;
      return failed("error", atom("undef"));
    }
    try {
      await this.#target.changeState(async (state) => {
        const outcome = await core.runtime.functions.call(from.pid.node, atom(fun.module), atom(fun.function), [state]);
        if (outcome.kind !== "return") throw new NotReturned(outcome);
        return outcome.value as Term;
      });
      from.reply(stateReply(from, this.#target.state()));
    } catch (error) {
      if (error instanceof NotReturned) failed(error.kind, error.reason);
      else failed("error", reasonOf(error));
    }
  }

  /** `{status, Pid, {module, Mod}, [PDict, SysState, Parent, Debug, Misc]}`, as observer and `:sys` read it. */
  #status(): Tuple {
    const { core, module, parent, initialCall } = this.#target;
    const sysState = this.#suspended ? SUSPENDED : RUNNING;
    const ancestor = parent ?? core.pid;
    const dictionary = [
      tuple(atom("$initial_call"), mfaTerm(initialCall)),
      tuple(atom("$ancestors"), this.#target.ancestors()),
    ];
    const misc = this.#target.status({
      name: core.name ?? inspect(core.pid),
      sysState,
      parent: ancestor,
      logged: this.debug.logged(),
    });
    return tuple(atom("status"), core.pid, tuple(atom("module"), atom(module)), [
      dictionary,
      sysState,
      ancestor,
      this.debug.options(),
      misc,
    ]);
  }
}

/** A function that was to give a state has ended in another way. */
class NotReturned {
  readonly kind: string;
  readonly reason: unknown;

  constructor(outcome: Outcome) {
    this.kind = outcome.kind;
    this.reason = "reason" in outcome ? outcome.reason : outcome.value;
  }
}

/** True for requests that only look. */
export function isInspection(request: Term): boolean {
  if (request instanceof Atom) return request.tag === "get_state" || request.tag === "get_status";
  const command = isTuple(request) && request.tag === "debug" ? request[1] : undefined;
  return isTuple(command) && command.length === 2 && command[1] === atom("get");
}

/** The answer to a request that is not known, or not granted. */
export function unknownRequest(request: Term): Tuple {
  return tuple(ERROR, tuple(UNKNOWN_SYSTEM_MSG, request as object));
}

/** `{system, From, Request}`, undefined for any other message. */
export function readSystem(message: unknown): { readonly from: Tuple; readonly request: Term } | undefined {
  if (!isTuple(message) || message.length !== 3 || message[0] !== SYSTEM || !isTuple(message[1])) return undefined;
  return { from: message[1], request: message[2] as Term };
}

function mfaTerm([module, name, arity]: InitialCall): Tuple {
  return tuple(atomTerm(module) as object, atom(name), arity);
}

function stateReply(from: From, state: Term): unknown {
  return wantsBareState(from[1]) ? state : tuple(OK, state as object);
}

/**
 * Up to OTP 26.0 a caller takes the bare state, later ones `{ok, State}`, and the wrong form misleads or crashes it. The tag
 * of its call tells the releases apart: a plain reference is OTP 23 or a C node, an alias of 3 words OTP 24 and 25 (and this
 * library), one of 5 words OTP 26 and later.
 */
function wantsBareState(tag: unknown): boolean {
  return !(tag instanceof ImproperList && tag.tail instanceof Ref && tag.tail.words.length >= 5);
}
