import { ArgumentError } from "../../base/index.ts";
import type { ProcessCore } from "../../runtime/index.ts";
import { Atom, atom, inspect, isTuple, type Term, type Tuple, tuple } from "../../term/index.ts";
import { InstalledFunctions } from "./sys-functions.ts";

const OK = atom("ok");
const ERROR = atom("error");
const GET = atom("get");
const PRINT = atom("print");
const UNKNOWN_DEBUG = atom("unknown_debug");
const NO_STATISTICS = atom("no_statistics");

/** Events kept by `log` when it is switched on without a number. */
const DEFAULT_LOG_SIZE = 10;

/** Most events that a log may keep: a caller must not make it grow without bound. */
const MAX_LOG_SIZE = 10_000;

/** What a process is debugged with from its start on, in OTP's words; `{ log: 20 }` keeps that many events. */
export type DebugOption = "trace" | "log" | "statistics" | { readonly log: number };

/** When statistics were switched on, and what was counted since. */
interface Statistics {
  readonly startedAt: Tuple;
  readonly reductions: number;
  in: number;
  out: number;
}

/**
 * The debug options of one process: trace, log, statistics and functions that are told of events. Costs nothing while all are
 * off. Source: sys(3).
 */
export class SysDebug {
  readonly #core: ProcessCore;
  readonly #functions: InstalledFunctions;
  #trace = false;
  #logSize = 0;
  #log: Term[] = [];
  #statistics: Statistics | undefined;

  constructor(core: ProcessCore) {
    this.#core = core;
    this.#functions = new InstalledFunctions(core);
  }

  /** Switches on what the process was started with. @throws ArgumentError for what is no debug option. */
  begin(options: readonly DebugOption[]): void {
    for (const option of options) {
      if (option === "trace") this.#trace = true;
      else if (option === "statistics") this.#count(true);
      else if (option === "log") this.#setLog(DEFAULT_LOG_SIZE);
      else if (Number.isInteger(option?.log) && option.log > 0) this.#setLog(Math.min(option.log, MAX_LOG_SIZE));
      else throw new ArgumentError("debug", `${inspect(option)} is no debug option`);
    }
  }

  /** True when events are wanted at all. */
  get active(): boolean {
    return this.#trace || this.#logSize > 0 || this.#statistics !== undefined || this.#functions.size > 0;
  }

  /** Settles once the functions that were installed have been told of all events; undefined when they have been. */
  get pending(): Promise<void> | undefined {
    return this.#functions.pending;
  }

  /** An event: `{in, Message}`, `{out, Reply, To, State}` and the like. */
  record(event: Tuple): void {
    if (this.#trace) this.#core.runtime.logger.info(`*DBG* ${this.#core.name ?? this.#core.pid} ${inspect(event)}`);
    if (this.#statistics !== undefined) {
      if (event.tag === "in") this.#statistics.in++;
      if (event.tag === "out") this.#statistics.out++;
    }
    if (this.#logSize > 0) {
      this.#log.push(event as unknown as Term);
      if (this.#log.length > this.#logSize) this.#log.shift();
    }
    if (this.#functions.size > 0) this.#functions.tell(event);
  }

  /** The events that are kept, oldest first. */
  logged(): Term[] {
    return [...this.#log];
  }

  /** The options that are on, as `get_status` shows them. */
  options(): Tuple[] {
    return [
      ...this.#functions.options(),
      ...(this.#trace ? [tuple(atom("trace"), true)] : []),
      ...(this.#logSize > 0 ? [tuple(atom("log"), tuple(this.#logSize, this.logged()))] : []),
      ...(this.#statistics === undefined ? [] : [tuple(atom("statistics"), statisticsTerm(this.#statistics))]),
    ];
  }

  /** Does what `{debug, Command}` of the node `peer` asks and gives the answer. */
  command(command: Term, peer: string): unknown {
    if (command instanceof Atom && command.tag === "no_debug") return this.#off();
    if (!isTuple(command) || command.length !== 2) return UNKNOWN_DEBUG;
    const argument = command[1] as Term;
    switch (command.tag) {
      case "trace":
        return typeof argument === "boolean" ? this.#setTrace(argument) : UNKNOWN_DEBUG;
      case "log":
        return this.#logCommand(argument);
      case "statistics":
        return this.#statisticsCommand(argument);
      case "log_to_file":
        return argument === false ? OK : tuple(ERROR, atom("open_file"));
      case "install":
        return this.#functions.install(argument, peer);
      case "remove":
        this.#functions.remove(argument);
        return OK;
      default:
        return UNKNOWN_DEBUG;
    }
  }

  #off(): Atom {
    this.#functions.clear();
    this.#setTrace(false);
    this.#count(false);
    return this.#setLog(0);
  }

  #setTrace(on: boolean): Atom {
    this.#trace = on;
    return OK;
  }

  #logCommand(argument: Term): unknown {
    if (argument === GET) return tuple(OK, this.logged());
    if (argument === PRINT) {
      for (const event of this.#log) this.#core.runtime.logger.info(`*DBG* ${inspect(event)}`);
      return OK;
    }
    if (argument === true) return this.#setLog(DEFAULT_LOG_SIZE);
    if (argument === false) return this.#setLog(0);
    const size = isTuple(argument) && argument[0] === true ? argument[1] : undefined;
    return typeof size === "number" && size > 0 ? this.#setLog(Math.min(size, MAX_LOG_SIZE)) : UNKNOWN_DEBUG;
  }

  #setLog(size: number): Atom {
    this.#logSize = size;
    this.#log = size === 0 ? [] : this.#log.slice(-size);
    return OK;
  }

  #statisticsCommand(argument: Term): unknown {
    if (argument === GET) return tuple(OK, this.#statistics === undefined ? NO_STATISTICS : this.#figures());
    return typeof argument === "boolean" ? this.#count(argument) : UNKNOWN_DEBUG;
  }

  /** What is counted already goes on. */
  #count(on: boolean): Atom {
    const { handled: reductions } = this.#core;
    this.#statistics = on
      ? (this.#statistics ?? { startedAt: this.#localTime(), reductions, in: 0, out: 0 })
      : undefined;
    return OK;
  }

  #figures(): Tuple[] {
    const { startedAt, reductions, in: messagesIn, out: messagesOut } = this.#statistics!;
    return [
      tuple(atom("start_time"), startedAt),
      tuple(atom("current_time"), this.#localTime()),
      tuple(atom("reductions"), this.#core.handled - reductions),
      tuple(atom("messages_in"), messagesIn),
      tuple(atom("messages_out"), messagesOut),
    ];
  }

  /** `{{Year, Month, Day}, {Hour, Minute, Second}}` */
  #localTime(): Tuple {
    const now = new Date(this.#core.runtime.clock.wallTime());
    return tuple(
      tuple(now.getFullYear(), now.getMonth() + 1, now.getDate()),
      tuple(now.getHours(), now.getMinutes(), now.getSeconds()),
    );
  }
}

/** As `get_status` shows them: `{StartTime, {reductions, N}, In, Out}`. */
function statisticsTerm({ startedAt, reductions, in: messagesIn, out: messagesOut }: Statistics): Tuple {
  return tuple(startedAt, tuple(atom("reductions"), reductions), messagesIn, messagesOut);
}
