import {
  type Behaviour,
  type CrashFacts,
  From,
  type InitialCall,
  type ProcessCore,
  reasonOf,
} from "../runtime/index.ts";
import { atom, inspect, isTuple, Pid, type Term, type Tuple, tuple } from "../term/index.ts";
import { readSystem, Sys } from "./sys.ts";
import { type StatusFacts, serverStatus } from "./sys-status.ts";

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
  protected readonly sys: Sys;
  /** Messages that came while it was suspended. */
  #waiting: unknown[] = [];
  #lastMessage: unknown;

  constructor(core: ProcessCore, module: string) {
    this.core = core;
    this.module = module;
    const self = this;
    this.sys = new Sys({
      core,
      module,
      get parent() {
        return self.parent;
      },
      state: () => this.state(),
      replaceState: (state) => this.replaceState(state),
      status: (facts) => this.status(facts),
      resumed: () => this.#resumed(),
      end: (reason) => this.end(reason),
    });
  }

  /** Runs the first callback as the first thing; `started` is told once when it has come to an end in good order. */
  abstract init(args: unknown, started: () => void): void;

  /** One message that is neither for `sys` nor the end of the parent. Not called while suspended. */
  protected abstract handle(message: unknown): void | Promise<void>;

  /** Runs the user's `terminate`, if there is one. */
  protected abstract terminate(reason: unknown): unknown;

  /** What `sys` shows as the state. */
  protected abstract state(): Term;

  /** Takes what a `replace_state` function made of the state. @throws ArgumentError for what cannot be one. */
  protected abstract replaceState(state: Term): void;

  /** The last part of `get_status`. */
  protected status(facts: StatusFacts): Tuple[] {
    return serverStatus(facts, this.state());
  }

  get initialCall(): InitialCall {
    return [this.className || this.module, "init", 1];
  }

  receive(message: unknown): void | Promise<void> {
    const system = readSystem(message);
    if (system !== undefined) return this.#system(system.from, system.request);
    if (this.parent !== undefined && isExitOf(message, this.parent)) return this.end(message[2]);
    if (this.sys.suspended) return void this.#waiting.push(message);
    return this.#handle(message);
  }

  crashFacts(): CrashFacts {
    return this.#lastMessage === undefined ? {} : { lastMessage: inspect(this.#lastMessage) };
  }

  #handle(message: unknown): void | Promise<void> {
    this.#lastMessage = message;
    if (this.sys.debug.active) this.traceIn(message);
    return this.handle(message);
  }

  /** Tells the debug options of a message that is about to be handled. */
  protected traceIn(message: unknown): void {
    this.sys.debug.record(tuple(IN, message as object));
  }

  #system(from: Tuple, request: Term): void | Promise<void> {
    const [pid, tag] = from;
    if (pid instanceof Pid) return this.sys.handle(new From(this.core, pid, tag), request);
  }

  /** Handles what has waited, in its order and before anything else. */
  async #resumed(): Promise<void> {
    while (this.#waiting.length > 0 && !this.sys.suspended && this.core.alive)
      await this.#handle(this.#waiting.shift());
  }

  /** Runs a callback and then what its result asks for. A failure of either ends the process, `terminate` first. */
  protected guarded(callback: () => unknown, apply: (result: unknown) => void | Promise<void>): void | Promise<void> {
    const failed = (error: unknown) => this.end(reasonOf(error), error);
    try {
      const result = callback();
      const pending = result instanceof Promise ? result.then(apply) : apply(result);
      return pending instanceof Promise ? pending.catch(failed) : pending;
    } catch (error) {
      return failed(error);
    }
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
