import type { Behaviour, ProcessCore, Runtime } from "../runtime/index.ts";
import { atom, atomText, inspect, isList, isTuple, Pid, tuple } from "../term/index.ts";
import { chardataText } from "./chardata.ts";
import { ioFormat } from "./io-format.ts";

/** Takes what is printed, piece by piece and in order. A promise that it returns is awaited before the next piece. */
export type Output = (text: string) => void | Promise<void>;

const OK = atom("ok");
const ERROR = atom("error");
const EOF = atom("eof");
const ENOTSUP = atom("enotsup");
const REQUEST = atom("request");
const IO_REQUEST = atom("io_request");
const IO_REPLY = atom("io_reply");

/** The options of `setopts` that say how the console is anyway. */
const AS_IT_IS = new Set(["binary", "{binary, true}", "{encoding, unicode}", "{encoding, utf8}"]);

/**
 * Starts the node's console, and makes it the group leader of every process that is started here or from here: what they
 * print with `IO.puts` or `io:format` goes to `output`. It has no input: whoever reads gets `eof`. Requests are answered in
 * order, all of them, since those who ask wait without a limit. Source: "The Erlang I/O Protocol".
 */
export function startConsole(runtime: Runtime, output: Output): void {
  runtime.groupLeader = runtime.spawn((core) => new Console(core, output)).pid;
}

class Console implements Behaviour {
  readonly label = "console";
  readonly immortal = true;
  readonly #core: ProcessCore;
  readonly #output: Output;

  constructor(core: ProcessCore, output: Output) {
    this.#core = core;
    this.#output = output;
  }

  async receive(message: unknown): Promise<void> {
    if (!isTuple(message) || message.length !== 4 || message[0] !== IO_REQUEST || !(message[1] instanceof Pid)) return;
    const [, from, replyAs, request] = message;
    const result = await this.#serve(request);
    void this.#core.send(from, tuple(IO_REPLY, replyAs as object, result as object), false);
  }

  async #serve(request: unknown): Promise<unknown> {
    const text = textToPut(request);
    if (text !== undefined) return typeof text === "string" ? this.#put(text) : text;
    const [kind, second] = isTuple(request) ? request : [request];
    switch (atomText(kind)) {
      case "requests":
        return isList(second) ? this.#serveAll(second) : tuple(ERROR, REQUEST);
      case "get_line":
      case "get_chars":
        return EOF;
      case "get_until":
      case "get_password":
      case "get_geometry":
        return tuple(ERROR, ENOTSUP);
      case "getopts":
        return [tuple(atom("binary"), true), tuple(atom("encoding"), atom("unicode"))];
      case "setopts":
        return isList(second) && second.every(isAsItIs) ? OK : tuple(ERROR, ENOTSUP);
      default:
        return tuple(ERROR, REQUEST);
    }
  }

  /** One after the other, up to the first that fails; its result, or that of the last one. */
  async #serveAll(requests: readonly unknown[]): Promise<unknown> {
    let result: unknown = OK;
    for (const request of requests) {
      result = await this.#serve(request);
      if (isTuple(result) && result[0] === ERROR) break;
    }
    return result;
  }

  async #put(text: string): Promise<unknown> {
    try {
      await this.#output(text);
      return OK;
    } catch (error) {
      this.#core.runtime.logger.warn(`what a process prints could not be written: ${error}`);
      return tuple(ERROR, atom("terminated"));
    }
  }
}

/**
 * The text of a `put_chars` in any of its forms, the error of one that has no text, `undefined` for other requests. Forms
 * without an encoding come from nodes without Unicode, and are Latin-1.
 */
function textToPut(request: unknown): string | object | undefined {
  if (!isTuple(request) || atomText(request[0]) !== "put_chars") return undefined;
  const hasEncoding = request.length === 3 || request.length === 5;
  const encoding = hasEncoding ? atomText(request[1]) : "latin1";
  if (encoding !== "unicode" && encoding !== "latin1") return tuple(ERROR, REQUEST);
  const rest = request.slice(hasEncoding ? 2 : 1);
  if (rest.length === 1)
    return (
      chardataText(rest[0], encoding) ?? tuple(ERROR, tuple(request[0] as object, atom(encoding), rest[0] as object))
    );
  if (rest.length !== 3) return tuple(ERROR, REQUEST);
  return formatted(rest[0], rest[1], rest[2]) ?? tuple(ERROR, rest[1] as object);
}

/** What `Module:Function(Args...)` makes, for those functions of `io_lib` that devices are asked to run. */
function formatted(module: unknown, name: unknown, args: unknown): string | undefined {
  if (atomText(module) !== "io_lib" || !isList(args)) return undefined;
  const called = `${atomText(name)}/${args.length}`;
  try {
    if (called === "format/2" || called === "fwrite/2") return formatWith(args[0], args[1]);
    if (called === "write/1") return ioFormat("~w", args);
    if (called === "print/1") return ioFormat("~p", args);
    return called === "nl/0" ? "\n" : undefined;
  } catch {
    return undefined; // the one who asked is told that its arguments were wrong
  }
}

/** `io:format`'s own reading of its arguments: the format may be an atom, and arguments that are no list are the only one. */
export function formatWith(format: unknown, args: unknown): string {
  const text = atomText(format) ?? chardataText(format);
  if (text === undefined) throw new TypeError("the format is no text");
  return ioFormat(text, isList(args) ? args : [args]);
}

function isAsItIs(option: unknown): boolean {
  return AS_IT_IS.has(inspect(option, { syntax: "erlang" }).replace(",", ", "));
}
