import { ElixirReader } from "./parse-elixir.ts";
import { ErlangReader } from "./parse-erlang.ts";
import { Scanner, TermSyntaxError } from "./scanner.ts";
import type { Term } from "./term.ts";

/** How {@link parse} reads. */
export interface ParseOptions {
  /**
   * Default `"auto"`: Elixir, and Erlang where a text is no Elixir. What both can read means what it means in Elixir:
   * `"abc"` is a binary.
   */
  readonly syntax?: "elixir" | "erlang" | "auto" | undefined;
  /** Levels of nesting, default {@link DEFAULT_PARSE_DEPTH}. */
  readonly maxDepth?: number | undefined;
}

/** How deep a text may nest unless its reader allows more. A level takes about 700 bytes of stack. */
export const DEFAULT_PARSE_DEPTH = 500;

/**
 * The term that a text stands for in Elixir, `{:ok, %{a: 1, "b" => [1 | 2]}}`, or Erlang, `{ok, #{a => 1}}`, shaped as
 * decoding shapes it. Whole floats come as `Float`, so that nothing is lost. Values only: no variables, no calls.
 *
 * It reads everything that `inspect` prints, but for pids, ports, references and closures, whose text does not say all
 * that they are, and for what was cut.
 *
 * @throws TermSyntaxError `TERM_SYNTAX` with the offset and what was expected there.
 */
export function parse(text: string, options: ParseOptions = {}): Term {
  const { syntax = "auto", maxDepth = DEFAULT_PARSE_DEPTH } = options;
  if (!text.isWellFormed()) throw new TermSyntaxError(text, text.search(/\p{Surrogate}/u), "no lone surrogate");
  if (syntax === "elixir") return parseElixir(text, maxDepth);
  if (syntax === "erlang") return parseErlang(text, maxDepth);
  try {
    return parseElixir(text, maxDepth);
  } catch (elixirError) {
    try {
      return parseErlang(text, maxDepth);
    } catch (erlangError) {
      throw furthest(elixirError, erlangError);
    }
  }
}

/** The reader that got further was probably meant. */
function furthest(elixirError: unknown, erlangError: unknown): unknown {
  if (!(elixirError instanceof TermSyntaxError && erlangError instanceof TermSyntaxError)) return elixirError;
  return erlangError.offset > elixirError.offset ? erlangError : elixirError;
}

function parseElixir(text: string, maxDepth: number): Term {
  const scanner = new Scanner(text, maxDepth);
  const term = new ElixirReader(scanner).term();
  scanner.skipSpace();
  if (scanner.offset < text.length) throw scanner.error("the end");
  return term;
}

function parseErlang(text: string, maxDepth: number): Term {
  const scanner = new Scanner(text, maxDepth);
  const term = new ErlangReader(scanner).term();
  scanner.eat(".");
  scanner.skipSpace();
  if (scanner.offset < text.length) throw scanner.error("the end");
  return term;
}
