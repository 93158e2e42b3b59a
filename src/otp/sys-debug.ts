import type { ProcessCore } from "../runtime/index.ts";
import { Atom, atom, inspect, isTuple, type Term, type Tuple, tuple } from "../term/index.ts";

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

/** The debug options of one process: trace, log and statistics. Costs nothing while all are off. Source: sys(3). */
export class SysDebug {
  readonly #core: ProcessCore;
  #trace = false;
  #logSize = 0;
  #log: Term[] = [];
  #statistics: { readonly startedAt: Tuple; in: number; out: number } | undefined;

  constructor(core: ProcessCore) {
    this.#core = core;
  }

  /** True when events are wanted at all. */
  get active(): boolean {
    return this.#trace || this.#logSize > 0 || this.#statistics !== undefined;
  }

  /** An event: `{in, Message}`, `{out, Reply, To, State}` and the like. */
  record(event: Tuple): void {
    if (this.#trace) this.#core.runtime.logger.info(`*DBG* ${this.#core.name ?? this.#core.pid} ${inspect(event)}`);
    if (this.#statistics !== undefined) {
      if (event.tag === "in") this.#statistics.in++;
      if (event.tag === "out") this.#statistics.out++;
    }
    if (this.#logSize === 0) return;
    this.#log.push(event as unknown as Term);
    if (this.#log.length > this.#logSize) this.#log.shift();
  }

  /** The events that are kept, oldest first. */
  logged(): Term[] {
    return [...this.#log];
  }

  /** The options that are on, as `get_status` shows them. */
  options(): Tuple[] {
    return [
      ...(this.#trace ? [tuple(atom("trace"), true)] : []),
      ...(this.#logSize > 0 ? [tuple(atom("log"), tuple(this.#logSize, this.logged()))] : []),
      ...(this.#statistics === undefined ? [] : [tuple(atom("statistics"), this.#figures())]),
    ];
  }

  /** Does what `{debug, Command}` asks and gives the answer. */
  command(command: Term): unknown {
    if (command instanceof Atom && command.tag === "no_debug") return this.#off();
    if (!isTuple(command) || command.length !== 2) return UNKNOWN_DEBUG;
    const argument = command[1] as Term;
    switch (command.tag) {
      case "trace":
        this.#trace = argument === true;
        return OK;
      case "log":
        return this.#logCommand(argument);
      case "statistics":
        return this.#statisticsCommand(argument);
      case "log_to_file":
        return argument === false ? OK : tuple(ERROR, atom("open_file"));
      case "install":
        return tuple(ERROR, tuple(atom("callback_failed"), argument as object, tuple(ERROR, atom("undef"))));
      case "remove":
        return OK;
      default:
        return UNKNOWN_DEBUG;
    }
  }

  #off(): Atom {
    this.#trace = false;
    this.#statistics = undefined;
    return this.#setLog(0);
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
    if (typeof argument !== "boolean") return UNKNOWN_DEBUG;
    this.#statistics = argument ? { startedAt: this.#localTime(), in: 0, out: 0 } : undefined;
    return OK;
  }

  #figures(): Tuple[] {
    const { startedAt, in: messagesIn, out: messagesOut } = this.#statistics!;
    return [
      tuple(atom("start_time"), startedAt),
      tuple(atom("current_time"), this.#localTime()),
      tuple(atom("reductions"), 0),
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
