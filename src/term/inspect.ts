import { elixirPieces } from "./inspect-elixir.ts";
import { erlangPieces } from "./inspect-erlang.ts";
import type { Structs } from "./structs.ts";

/** How {@link inspect} prints. */
export interface InspectOptions {
  /** Default `"elixir"`. */
  readonly syntax?: "elixir" | "erlang" | undefined;
  /**
   * How many elements of lists, tuples, maps and bytes are printed before `...`, default 50; `Infinity` for all. As in
   * Elixir, what is nested has what its container had left.
   */
  readonly limit?: number | undefined;
  /** How many characters of a text are printed, default 4096; `Infinity` for all. */
  readonly printableLimit?: number | undefined;
  /** With Erlang's syntax only: `false` prints lists of characters and binaries as numbers, as `~w`. Default `true`. */
  readonly texts?: boolean | undefined;
  /** Classes whose instances are structs. */
  readonly structs?: Structs | undefined;
}

/**
 * A term as `iex` prints it, on one line and with the keys of maps in order: `%{a: 1, "b" => [1, 2]}`. Structs are all
 * printed by their fields: `%Date{day: 1, ...}`. With `syntax: "erlang"` as `~tp` prints it: `#{a => 1}`.
 * `parse` reads it back, unless it was cut or holds what belongs to a node: pids, ports, references, closures.
 *
 * Pids, ports and references show their node by name: `#PID<shop@host.123.0>`. A value that is no term is shown by its
 * class, `#JavaScript<Date>`; nothing is thrown.
 */
export function inspect(term: unknown, options: InspectOptions = {}): string {
  const settings: InspectSettings = {
    limit: options.limit ?? 50,
    printableLimit: options.printableLimit ?? 4096,
    texts: options.texts ?? true,
    structs: options.structs,
  };
  const pieces = options.syntax === "erlang" ? erlangPieces : elixirPieces;
  let text = "";
  // A stack of its own: terms come from peers, however deep.
  const stack: Piece[] = [{ term, limit: settings.limit }];
  for (let piece = stack.pop(); piece !== undefined; piece = stack.pop()) {
    const printed = typeof piece === "string" ? piece : pieces(piece.term, piece.limit, settings);
    if (typeof printed === "string") text += printed;
    else for (let i = printed.length - 1; i >= 0; i--) stack.push(printed[i]!);
  }
  return text;
}

/** {@link InspectOptions} with their defaults. */
export interface InspectSettings {
  readonly limit: number;
  readonly printableLimit: number;
  readonly texts: boolean;
  readonly structs: Structs | undefined;
}

/** Printed text, or a term that is still to be printed with what is left of the limit. */
export type Piece = string | { readonly term: unknown; readonly limit: number };

/** A term's own text, or the pieces it consists of. */
export type Printed = string | Piece[];
