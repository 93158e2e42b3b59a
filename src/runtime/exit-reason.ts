import { NodeDownError, TiebeamError } from "../base/index.ts";
import { atom, type CopyOptions, copyTerm, inspect, isTuple, type Term, type Tuple, tuple } from "../term/index.ts";
import { stackTerm } from "./stack-term.ts";

/** The reasons that the runtime itself gives or knows. */
export const Reason = {
  normal: atom("normal"),
  shutdown: atom("shutdown"),
  kill: atom("kill"),
  killed: atom("killed"),
  noproc: atom("noproc"),
  noconnection: atom("noconnection"),
  timeout: atom("timeout"),
  callingSelf: atom("calling_self"),
} as const;

/** True for `normal`, `shutdown` and `{shutdown, _}`: an end in order, which nobody reports. */
export function isOrderly(reason: unknown): boolean {
  if (reason === Reason.normal || reason === Reason.shutdown) return true;
  return isTuple(reason) && reason.length === 2 && reason[0] === Reason.shutdown;
}

/**
 * A call, or a stop, failed as it fails in Erlang: by an exit of the caller. Codes: `EXIT_NOPROC` no such process, `EXIT_TIMEOUT`,
 * `EXIT_CALLING_SELF`, and `EXIT_OTHER` for whatever reason the called process ended with.
 *
 * `reason` is the term that Elixir's `GenServer.call` exits with, `{Why, {GenServer, :call, [Target, Request, Timeout]}}`,
 * so that it can be passed on as an exit reason; `target` is what was called. For a start or a stream that failed it is
 * the reason alone.
 */
export class ExitError extends TiebeamError {
  readonly reason: Term;
  readonly target: unknown;

  /** `doing` is what failed for `why`; `reason` is given where it holds more than that. */
  constructor(doing: "call" | "start" | "stop" | "stream", target: unknown, why: unknown, reason = why) {
    super(EXIT_CODES.get(why) ?? "EXIT_OTHER", `${doing} of ${describeTarget(target)} failed: ${inspect(why)}`);
    this.reason = reason as Term;
    this.target = target;
  }
}

/** `cart`, `cart on shop@host`, or what the target is as a term. */
function describeTarget(target: unknown): string {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null || !("name" in target)) return inspect(target);
  const name = typeof target.name === "string" ? target.name : inspect(target.name);
  return "node" in target && target.node !== undefined ? `${name} on ${target.node}` : name;
}

const EXIT_CODES = new Map<unknown, string>([
  [Reason.noproc, "EXIT_NOPROC"],
  [Reason.timeout, "EXIT_TIMEOUT"],
  [Reason.callingSelf, "EXIT_CALLING_SELF"],
]);

/**
 * Thrown by a callback, ends its process with exactly `reason`, as `exit(Reason)` does in Erlang. `message` is for the log
 * here alone.
 */
export class Exit extends TiebeamError {
  readonly reason: unknown;

  constructor(reason: unknown, message = `exit with ${inspect(reason)}`) {
    super("EXIT_OTHER", message);
    this.reason = reason;
  }
}

/** Ends a process as `raise "message"` does in Elixir: for what the behaviours there raise themselves. */
export function raised(message: string): Exit {
  return new Exit(exceptionOf(message, new Error().stack), message);
}

/**
 * The exit reason of a process whose code threw: `{Exception, Stacktrace}` for an `Error`, in the form that Elixir prints
 * with message and stack. The exception is Elixir's own `RuntimeError`, since only a struct whose module exists on the
 * reader's node is formatted there; the class of the error stands in its message, and what caused it after that.
 */
export function reasonOf(error: unknown): unknown {
  try {
    return readReason(error);
  } catch {
    // A getter of it throws, or what it holds has no text: the process ends all the same.
    return nocatch(WITHOUT_TEXT);
  }
}

function readReason(error: unknown): unknown {
  if (error instanceof Exit || error instanceof ExitError) return error.reason;
  if (error instanceof NodeDownError) return tuple(atom("nodedown"), atom(error.node));
  if (isError(error)) return exceptionOf(describeError(error), stackOf(error));
  return nocatch(asTerm(error));
}

function nocatch(value: string | object): Tuple {
  return tuple(tuple(atom("nocatch"), value), stackTerm(undefined));
}

const EXACT: CopyOptions = { floats: "exact" };
const WITHOUT_TEXT = "a value without a text";

function exceptionOf(message: string, stack: unknown): Tuple {
  const exception = {
    __struct__: atom("Elixir.RuntimeError"),
    __exception__: true,
    message: message.toWellFormed(),
  };
  return tuple(exception, stackTerm(stack));
}

/** The stack without the message before it, whose lines may look like places. */
function stackOf({ stack, message }: Error): unknown {
  const at = typeof stack === "string" ? stack.indexOf(message) : -1;
  return at === -1 ? stack : stack!.slice(at + message.length);
}

/** Errors of other realms, as of `node:vm`, are errors too. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** Causes of causes, and errors within errors, that a message tells of. */
const MAX_CAUSES = 8;

/** `TypeError: fetch failed, caused by Error: connect ECONNREFUSED`. */
function describeError(error: Error, depth = 0): string {
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  let text = `${classOf(error)}: ${error.message}`;
  if (depth === MAX_CAUSES) return text;
  const describe = (each: unknown, depth: number) =>
    isError(each) ? describeError(each, depth) : inspect(asTerm(each));
  if (Array.isArray(errors)) {
    // Each is told of without what it holds itself: a tree of them would grow with every level.
    const some = errors.slice(0, MAX_CAUSES).map((each) => describe(each, MAX_CAUSES));
    const more = errors.length > some.length ? [`${errors.length - some.length} more`] : [];
    text += ` (${[...some, ...more].join("; ")})`;
  }
  return cause === undefined ? text : `${text}, caused by ${describe(cause, depth + 1)}`;
}

/** A class that does not set the name of its errors is found by the constructor. */
function classOf(error: Error): string {
  return error.name === "Error" ? error.constructor?.name || "Error" : error.name;
}

/** A copy of a value: what is no term becomes its text, if it has one. */
export function asTerm(value: unknown, options: CopyOptions = EXACT): string | object {
  try {
    return copyTerm(value, options) as object;
  } catch {
    return textOf(value);
  }
}

function textOf(value: unknown): string {
  try {
    return String(value).toWellFormed();
  } catch {
    return WITHOUT_TEXT;
  }
}
