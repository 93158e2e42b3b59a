import { Erpc, RpcError } from "../../remote/index.ts";
import {
  type CallForm,
  type CallOptions,
  call,
  coreOf,
  type Destination,
  type Process,
  type ProcessCore,
  resolve,
} from "../../runtime/index.ts";
import {
  type Atom,
  asString,
  atom,
  atomTerm,
  type Export,
  isList,
  isTuple,
  type Pid,
  type Term,
  type Tuple,
  tuple,
} from "../../term/index.ts";
import { SysError } from "./sys-error.ts";

/** What `get_status` tells of a process. */
export interface SysStatus {
  readonly pid: Pid;
  /** Its behaviour: `gen_server`, `gen_statem`, `gen_event`. */
  readonly module: string;
  /** The process dictionary: pairs. */
  readonly dictionary: Term[];
  readonly state: "running" | "suspended";
  readonly parent: Pid;
  /** The debug options that are on. */
  readonly debug: Term[];
  /** What the behaviour tells of itself, state included. */
  readonly misc: Term;
}

/** What was counted since statistics were switched on; `{{Year, Month, Day}, {Hour, Minute, Second}}` is local time there. */
export interface SysStatistics {
  readonly startTime: Term;
  readonly currentTime: Term;
  readonly reductions: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
}

const OK = atom("ok");
const GET = atom("get");

/** The version of the BEAM from which on a state is replied as `{ok, State}`: OTP 26.1. */
const TAGGED_SINCE = [14, 1] as const;

/**
 * Looks into OTP processes of any node and governs them, as Erlang's `sys` does. `target` is a pid, a name, or
 * `{ name, node }`.
 *
 * All throw SysError `SYS_REFUSED`, `SYS_FAILED` for what the process answers so; ExitError `EXIT_NOPROC`, `EXIT_TIMEOUT` (a
 * process that does not speak `sys` does not answer), `EXIT_OTHER`; NodeDownError; EncodeError. Source of truth: sys(3).
 */
export class SysClient {
  readonly #core: ProcessCore;
  readonly #process: Process;
  /** Per connected node, whether it replies states as `{ok, State}`. */
  readonly #tagged = new Map<string, Promise<boolean>>();
  #watching = false;

  /** `user` is the process in whose name it asks. A node has one, `node.sys`. */
  constructor(user: Process) {
    this.#core = coreOf(user);
    this.#process = user;
  }

  /** The state: of a gen_server what it is, `{State, Data}` of a gen_statem, `[{Module, Id, State}]` of a gen_event. */
  getState<T = Term>(target: Destination, options?: CallOptions): Promise<T> {
    return this.#state(target, "get_state", [], atom("get_state"), options) as Promise<T>;
  }

  /**
   * Replaces the state by what the function makes of it, and gives the new one.
   *
   * @param fun - a function of the node of the process, of one argument: `new Export("Elixir.Shop", "reset", 1)`. A node of
   * this library runs those that are exposed.
   */
  replaceState<T = Term>(target: Destination, fun: Export, options?: CallOptions): Promise<T> {
    return this.#state(target, "replace_state", [fun], tuple(atom("replace_state"), fun), options) as Promise<T>;
  }

  async getStatus(target: Destination, options?: CallOptions): Promise<SysStatus> {
    const status = (await this.#ask(target, "get_status", [], atom("get_status"), options)) as Tuple;
    const [, pid, [, module], [dictionary, state, parent, debug, misc]] = status as unknown as StatusTerm;
    return { pid, module: module.tag, dictionary, state: state.tag, parent, debug, misc };
  }

  /** From now on the process handles nothing but `sys` requests; all else waits. */
  suspend(target: Destination, options?: CallOptions): Promise<void> {
    return this.#do(target, "suspend", [], atom("suspend"), options);
  }

  resume(target: Destination, options?: CallOptions): Promise<void> {
    return this.#do(target, "resume", [], atom("resume"), options);
  }

  /** Tells the process to end with that reason, without waiting until it has; {@link Server.stop} waits. */
  terminate(target: Destination, reason: unknown, options?: CallOptions): Promise<void> {
    return this.#do(target, "terminate", [reason], tuple(atom("terminate"), reason as object), options);
  }

  /** Makes a suspended process change to other code: what comes of it is a matter of its module. */
  changeCode(
    target: Destination,
    change: { readonly module: string | Atom; readonly oldVersion: unknown; readonly extra: unknown },
    options?: CallOptions,
  ): Promise<void> {
    const module = typeof change.module === "string" ? atomTerm(change.module) : change.module;
    const args = [module, change.oldVersion, change.extra];
    return this.#do(target, "change_code", args, tuple(atom("change_code"), ...(args as object[])), options);
  }

  /** Switches the counting of messages on or off. */
  statistics(target: Destination, on: boolean, options?: CallOptions): Promise<void> {
    return this.#debug(target, "statistics", on, options);
  }

  /** What was counted; undefined while statistics are off. */
  async getStatistics(target: Destination, options?: CallOptions): Promise<SysStatistics | undefined> {
    const figures = await this.#debugGet(target, "statistics", options);
    if (!isList(figures)) return undefined;
    const [startTime, currentTime, reductions, messagesIn, messagesOut] = figures.map((pair) => (pair as Tuple)[1]);
    return { startTime, currentTime, reductions, messagesIn, messagesOut } as SysStatistics;
  }

  /** Keeps the last 10 events, or so many, or none; or prints those that are kept at the node of the process. */
  log(target: Destination, what: boolean | number | "print", options?: CallOptions): Promise<void> {
    return this.#debug(target, "log", typeof what === "number" ? tuple(true, what) : what, options);
  }

  /** The events that are kept, oldest first. */
  async getLog(target: Destination, options?: CallOptions): Promise<Term[]> {
    return (await this.#debugGet(target, "log", options)) as Term[];
  }

  /** Prints each event at the node of the process. */
  trace(target: Destination, on: boolean, options?: CallOptions): Promise<void> {
    return this.#debug(target, "trace", on, options);
  }

  /**
   * Has a function of the node of the process called with `(State, Event, Name)` for each event; it gives the next state, or
   * `done`. A node of this library runs those that are exposed.
   */
  install(
    target: Destination,
    installed: { readonly fun: Export; readonly state: unknown; readonly id?: unknown },
    options?: CallOptions,
  ): Promise<void> {
    const { fun, state, id } = installed;
    const what = id === undefined ? tuple(fun, state as object) : tuple(id as object, fun, state as object);
    return this.#debug(target, "install", what, options);
  }

  /** Removes a function that was installed, by its id if it has one. */
  remove(target: Destination, idOrFun: unknown, options?: CallOptions): Promise<void> {
    return this.#debug(target, "remove", idOrFun, options);
  }

  /** Switches off all debug options. */
  noDebug(target: Destination, options?: CallOptions): Promise<void> {
    return this.#do(target, "no_debug", [], tuple(atom("debug"), atom("no_debug")), options);
  }

  async #state(
    target: Destination,
    name: string,
    args: readonly unknown[],
    request: unknown,
    options?: CallOptions,
  ): Promise<Term> {
    const node = resolve(target, this.#core.runtime.identity.node)?.node;
    const [tagged, answer] = await Promise.all([
      node === undefined ? false : this.#repliesTagged(node, options),
      this.#ask(target, name, args, request, options),
    ]);
    return tagged && isTuple(answer) && answer[0] === OK && answer.length === 2 ? (answer[1] as Term) : answer;
  }

  #debug(target: Destination, name: string, what: unknown, options?: CallOptions): Promise<void> {
    const argument = what === "print" ? atom("print") : what;
    const request = tuple(atom("debug"), tuple(atom(name), argument as object));
    return this.#do(target, name, [argument], request, options);
  }

  /** `{ok, What}` */
  async #debugGet(target: Destination, name: string, options?: CallOptions): Promise<Term> {
    const request = tuple(atom("debug"), tuple(atom(name), GET));
    const answer = await this.#ask(target, name, [GET], request, options);
    return (answer as Tuple)[1] as Term;
  }

  /** A request that is answered with `ok`. */
  async #do(
    target: Destination,
    name: string,
    args: readonly unknown[],
    request: unknown,
    options?: CallOptions,
  ): Promise<void> {
    const answer = await this.#ask(target, name, args, request, options);
    if (answer !== OK) throw new SysError(target, answer);
  }

  async #ask(
    target: Destination,
    name: string,
    args: readonly unknown[],
    request: unknown,
    options?: CallOptions,
  ): Promise<Term> {
    const answer = await call(this.#core, target, request, options, sysCall(name, args));
    if (isTuple(answer) && answer.tag === "error" && answer.length === 2) throw new SysError(target, answer[1] as Term);
    return answer;
  }

  #repliesTagged(node: string, options?: CallOptions): Promise<boolean> {
    const known = this.#tagged.get(node);
    if (known !== undefined) return known;
    const asked = this.#askTagged(node, options);
    if (!this.#watching) {
      // The next node of that name may be of another release.
      this.#process.monitorNodes(({ type, node }) => type === "nodedown" && this.#tagged.delete(node));
      this.#watching = true;
    }
    this.#tagged.set(node, asked);
    asked.catch(() => this.#tagged.delete(node));
    return asked;
  }

  /**
   * Nothing in a connection tells OTP 25 from 27, so the node is asked. One that does not say is no BEAM, and replies, as this
   * library does, in the form that the tag of a call asks for: ours for the bare one.
   */
  async #askTagged(node: string, options?: CallOptions): Promise<boolean> {
    if (node === this.#core.runtime.identity.node) return false;
    try {
      const version = await new Erpc(this.#core).call(node, "erlang", "system_info", [atom("version")], options);
      const [major = 0, minor = 0] = asString(version).split(".").map(Number);
      return major > TAGGED_SINCE[0] || (major === TAGGED_SINCE[0] && minor >= TAGGED_SINCE[1]);
    } catch (error) {
      if (error instanceof RpcError && error.code === "RPC_ERROR") return false;
      throw error;
    }
  }
}

/** `{status, Pid, {module, Module}, [Dictionary, State, Parent, Debug, Misc]}` */
type StatusTerm = readonly [
  Atom,
  Pid,
  readonly [Atom, Atom],
  readonly [Term[], Atom<"running" | "suspended">, Pid, Term[], Term],
];

/** `{system, From, Request}`; a failed one adds `{sys, Function, [Target | Arguments]}`. */
function sysCall(name: string, args: readonly unknown[]): CallForm {
  return {
    message: (from, request) => tuple(atom("system"), from, request as object),
    failed: (target) => tuple(atom("sys"), atom(name), [target, ...args]),
  };
}
