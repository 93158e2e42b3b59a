import { NodeDownError, TiebeamError } from "../base/index.ts";
import { atom, atomTerm, charlist, copyTerm, inspect, isTuple, type Term, type Tuple, tuple } from "../term/index.ts";

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
 * A call failed as it fails in Erlang: by an exit of the caller. Codes: `EXIT_NOPROC` no such process, `EXIT_TIMEOUT`,
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
  constructor(doing: "call" | "start" | "stream", target: unknown, why: unknown, reason = why) {
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

/** Thrown by a callback, ends its process with exactly `reason`, as `exit(Reason)` does in Erlang. */
export class Exit extends TiebeamError {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super("EXIT_OTHER", `exit with ${inspect(reason)}`);
    this.reason = reason;
  }
}

/**
 * The exit reason of a process whose code threw: `{Exception, Stacktrace}` for an `Error`, in the form that Elixir prints
 * with message and stack. The exception is Elixir's own `RuntimeError`, since only a struct whose module exists on the
 * reader's node is formatted there; the class of the error stands in its message.
 */
export function reasonOf(error: unknown): unknown {
  if (error instanceof Exit || error instanceof ExitError) return error.reason;
  if (error instanceof NodeDownError) return tuple(atom("nodedown"), atom(error.node));
  if (error instanceof Error) {
    const exception = {
      __struct__: atom("Elixir.RuntimeError"),
      __exception__: true,
      message: `${error.name}: ${error.message}`.toWellFormed(),
    };
    return tuple(exception, stackTerm(error.stack ?? ""));
  }
  return tuple(tuple(atom("nocatch"), describeThrown(error)), []);
}

/** What was thrown if it is a term, else its text. */
function describeThrown(thrown: unknown): string | object {
  try {
    return copyTerm(thrown) as object;
  } catch {
    return String(thrown).toWellFormed();
  }
}

/** The frames of a V8 stack as Erlang's `{Module, Function, Arity, [{file, "..."}, {line, N}]}`. */
function stackTerm(stack: string): Tuple[] {
  const frames: Tuple[] = [];
  for (const line of stack.split("\n")) {
    const match = /^\s+at (?:async )?(?:(?:new )?(.+?) \()?(.*?):(\d+):\d+\)?$/.exec(line);
    if (match === null) continue;
    const [module, name] = splitFunction(match[1] ?? "anonymous");
    const file = match[2]!.slice(match[2]!.lastIndexOf("/") + 1);
    const location = [tuple(atom("file"), charlist(file.toWellFormed())), tuple(atom("line"), Number(match[3]))];
    frames.push(tuple(atomTerm(module), atomTerm(name), 0, location));
  }
  return frames;
}

/** `Cart.add` and `Object.add [as x]` as module and function; a plain function belongs to the module `javascript`. */
function splitFunction(text: string): [module: string, name: string] {
  const plain = text
    .replace(/ \[as .*\]$/, "")
    .slice(0, 200)
    .toWellFormed();
  const dot = plain.lastIndexOf(".");
  return dot > 0 ? [plain.slice(0, dot), plain.slice(dot + 1) || "anonymous"] : ["javascript", plain];
}
