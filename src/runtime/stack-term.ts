import { atom, atomTerm, charlist, type Tuple, tuple } from "../term/index.ts";

/** Frames of one stack that are told of; an error may hold any number of them. */
const MAX_FRAMES = 30;

/** Longer lines are no frames, and would take the expression for them long to refuse. */
const MAX_LINE = 1_000;

/** Characters of a name or a file: an atom may have 255. */
const MAX_TEXT = 200;

/**
 * The frames of a V8 stack as Erlang's `{Module, Function, Arity, [{file, "..."}, {line, N}]}`. Never an empty list: Elixir
 * prints an exit reason as an exception only if there is a place in it.
 */
export function stackTerm(stack: unknown): Tuple[] {
  const frames: Tuple[] = [];
  for (const line of typeof stack === "string" ? stack.split("\n") : []) {
    const frame = frameTerm(line);
    if (frame !== undefined && frames.push(frame) === MAX_FRAMES) break;
  }
  return frames.length > 0 ? frames : [tuple(atom("javascript"), atom("throw"), 1, [])];
}

/** A line `    at Cart.add (file:///app/cart.ts:12:5)`; V8 does not tell how many arguments there were. */
function frameTerm(text: string): Tuple | undefined {
  if (text.length > MAX_LINE) return undefined;
  const match = /^\s+at (?:async )?(?:(?:new )?(.+?) \()?(.*?):(\d+):\d+\)?$/.exec(text);
  if (match === null) return undefined;
  const [, called = "anonymous", path, line] = match;
  const [module, name] = splitFunction(called);
  const location = [tuple(atom("file"), charlist(fileOf(path!))), tuple(atom("line"), Number(line))];
  return tuple(atomTerm(module), atomTerm(name), 0, location);
}

function fileOf(path: string): string {
  return cut(/[^/\\]*$/.exec(path)![0]);
}

/** `Cart.add` and `Object.add [as x]` as module and function; a plain function belongs to the module `javascript`. */
function splitFunction(text: string): [module: string, name: string] {
  const plain = cut(text.replace(/ \[as .*\]$/, ""));
  const dot = plain.lastIndexOf(".");
  return dot > 0 ? [plain.slice(0, dot), plain.slice(dot + 1) || "anonymous"] : ["javascript", plain];
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT).toWellFormed();
}
