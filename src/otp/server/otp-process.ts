import {
  type Behaviour,
  type CrashFacts,
  From,
  type InitialCall,
  type OtpRules,
  type ProcessCore,
  Queue,
  type Runtime,
  reasonOf,
  sendReply,
} from "../../runtime/index.ts";
import { type Atom, atom, atomTerm, inspect, isTuple, Pid, type Term, type Tuple, tuple } from "../../term/index.ts";
import { isInspection, readSystem, Sys, type SysTarget, unknownRequest } from "../sys/sys.ts";
import type { DebugOption, SysDebug } from "../sys/sys-debug.ts";
import { type StatusFacts, serverStatus } from "../sys/sys-status.ts";

/** How a process is seen through `sys`. */
export interface SysOptions {
  /** Debug options that are on from the start. */
  readonly debug?: readonly DebugOption[];
  /** What other nodes may ask of it, where that is not what the option of the node says. */
  readonly otp?: OtpRules;
}

const EXIT = atom("EXIT");
const IN = atom("in");

/**
 * What OTP's behaviours have in common: they answer `sys`, end with the process that started them, let messages wait while
 * they are suspended, run `terminate` before they end by themselves, and report how they failed. Source: proc_lib(3), sys(3).
 */
export abstract class OtpProcess implements Behaviour {
  abstract readonly label: string;
  /** The process that started this one with a link: its end is this one's. */
  parent: Pid | undefined;
  /** The name of the class that runs in it. */
  className: string | undefined;
  /** The behaviour as OTP names it, `gen_server` and so on. */
  readonly module: string;
  protected readonly core: ProcessCore;
  /** What other nodes may ask of it. */
  protected rules: OtpRules;
  #sys: Sys | undefined;
  /** Messages that came while it was suspended. */
  #waiting: Queue<unknown> | undefined;
  #lastMessage: unknown;

  constructor(core: ProcessCore, module: string) {
    this.core = core;
    this.module = module;
    this.rules = core.runtime.otpRules;
  }

  /** What answers requests of `sys`. Most processes are never asked: it is made when one is. */
  protected get sys(): Sys {
    this.#sys ??= new Sys(this.#target());
    return this.#sys;
  }

  /** The debug options, while any of them is on. */
  protected get debug(): SysDebug | undefined {
    const debug = this.#sys?.debug;
    return debug?.active ? debug : undefined;
  }

  /** While true, everything but system messages and the parent's exit has to wait. */
  protected get suspended(): boolean {
    return this.#sys?.suspended ?? false;
  }

  #target(): SysTarget {
    const self = this;
    const { core, module } = this;
    return {
      core,
      module,
      get parent() {
        return self.parent;
      },
      get initialCall() {
        return self.initialCall;
      },
      ancestors: () => ancestorsOf(core.runtime, this.parent),
      state: () => this.state(),
      changeState: (change) => this.changeState(change),
      status: (facts) => this.status(facts),
      resumed: () => this.#resumed(),
      end: (reason) => this.end(reason),
    };
  }

  /** Runs the first callback as the first thing; `started` is told once when it has come to an end in good order. */
  abstract init(args: unknown, started: () => void): void;

  /** Takes what it was started with for `sys`, before {@link init}. @throws ArgumentError for what is no debug option. */
  govern({ debug, otp }: SysOptions): void {
    if (debug !== undefined) this.sys.debug.begin(debug);
    if (otp !== undefined) this.rules = { ...this.rules, ...otp };
  }

  /** One message that is neither for `sys` nor the end of the parent. Not called while suspended. */
  protected abstract handle(message: unknown): void | Promise<void>;

  /** Runs the user's `terminate`, if there is one. */
  protected abstract terminate(reason: unknown): unknown;

  /** What `sys` shows as the state. */
  protected abstract state(): Term;

  /** Takes what a `replace_state` function made of the state. @throws ArgumentError for what cannot be one. */
  protected abstract replaceState(state: Term): void;

  /** Runs a `replace_state` function on the state. Behaviours whose state has several parts run it on each. */
  protected async changeState(change: (state: Term) => Promise<Term>): Promise<void> {
    this.replaceState(await change(this.state()));
  }

  /** The last part of `get_status`. */
  protected status(facts: StatusFacts): Tuple[] {
    return serverStatus(facts, this.state(), ...this.shown());
  }

  /** What `get_status` shows besides the state. */
  protected shown(): (readonly [name: string, value: unknown])[] {
    return [];
  }

  get initialCall(): InitialCall {
    return [this.className || this.module, "init", 1];
  }

  receive(message: unknown): void | Promise<void> {
    const system = readSystem(message);
    if (system !== undefined) return this.#system(system.from, system.request);
    if (this.parent !== undefined && isExitOf(message, this.parent)) return this.end(message[2]);
    return this.suspended ? this.#keep(message) : this.#handle(message);
  }

  /**
   * Says no to requests of `sys` that other nodes may not make. Nobody asks in the name of a process elsewhere either: what
   * it may do is decided by that name.
   */
  refuses(message: unknown, peer: string): boolean {
    const system = readSystem(message);
    if (system === undefined) return false;
    const { from, request } = system;
    const [pid, tag] = from;
    if (!(pid instanceof Pid)) return true;
    const { sys = "all" } = this.rules;
    const granted = sys === "all" || (sys === "inspect" && isInspection(request));
    if (granted && pid.node === peer) return false;
    sendReply(this.core, pid, tag, unknownRequest(request));
    return true;
  }

  crashFacts(): CrashFacts {
    return this.#lastMessage === undefined ? {} : { lastMessage: inspect(this.#lastMessage) };
  }

  #handle(message: unknown): void | Promise<void> {
    this.#lastMessage = message;
    const { debug } = this;
    if (debug === undefined) return this.handle(message);
    this.traceIn(message);
    return debug.pending === undefined
      ? this.handle(message)
      : debug.pending.then(() => (this.core.alive ? this.handle(message) : undefined));
  }

  /** Tells the debug options of a message that is about to be handled. */
  protected traceIn(message: unknown): void {
    this.debug?.record(tuple(IN, message as object));
  }

  #system(from: Tuple, request: Term): void | Promise<void> {
    const [pid, tag] = from;
    if (pid instanceof Pid) return this.sys.handle(new From(this.core, pid, tag), request);
  }

  #keep(message: unknown): void {
    this.#waiting ??= new Queue();
    this.#waiting.put(message);
  }

  /** Handles what has waited, in its order and before anything else. */
  async #resumed(): Promise<void> {
    const waiting = this.#waiting;
    while (waiting !== undefined && waiting.size > 0 && !this.suspended && this.core.alive) {
      await this.#handle(waiting.take());
    }
  }

  /**
   * Runs a callback and then what its result asks for. Both get what is given here and have the process as their `this`, so
   * that no function has to be made for a message. A failure of either ends the process, `terminate` first.
   */
  protected guarded<A = void, B = void>(
    callback: (this: this, a: A, b: B) => unknown,
    apply: (this: this, result: unknown, a: A, b: B) => void | Promise<void>,
    a?: A,
    b?: B,
  ): void | Promise<void> {
    try {
      const result = callback.call(this, a as A, b as B);
      const pending =
        result instanceof Promise
          ? result.then((settled) => apply.call(this, settled, a as A, b as B))
          : apply.call(this, result, a as A, b as B);
      return pending instanceof Promise ? pending.catch((error) => this.#failed(error)) : pending;
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): void | Promise<void> {
    return this.end(reasonOf(error), error);
  }

  /** Ends the process: `terminate`, the last reply, the report if the reason is not an orderly one, and the exit. */
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
      const pending = this.terminate(reason);
      return pending instanceof Promise ? pending.then(() => finish(), failed) : finish();
    } catch (error) {
      return failed(error);
    }
  }
}

/** `{'EXIT', Pid, Reason}` of that process. */
function isExitOf(message: unknown, pid: Pid): message is Tuple {
  return isTuple(message) && message.length === 3 && message[0] === EXIT && (message[1] as Pid).key === pid.key;
}

/** `'$ancestors'`: the processes above one, as far as they are of this node. */
function ancestorsOf(runtime: Runtime, parent: Pid | undefined): (Atom | Pid)[] {
  const ancestors: (Atom | Pid)[] = [];
  for (let next = parent; next !== undefined; ) {
    const core: ProcessCore | undefined = next.node === runtime.identity.node ? runtime.find(next) : undefined;
    ancestors.push(core?.name === undefined ? next : (atomTerm(core.name) as Atom));
    next = core?.behaviour instanceof OtpProcess ? core.behaviour.parent : undefined;
  }
  return ancestors;
}
