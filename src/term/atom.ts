import { ArgumentError } from "../base/index.ts";

const inspectSymbol = Symbol.for("nodejs.util.inspect.custom");

/**
 * An Erlang atom. There is one object per text, so atoms are compared with `===`.
 *
 * The atoms `true`, `false` and `nil` are never `Atom` objects: they are JavaScript's `true`, `false` and `null`.
 * Make one with {@link atom}; `tag` is its text and carries the literal type, so `switch (a.tag)` narrows.
 */
export class Atom<N extends string = string> {
  readonly tag: N;

  /** Private to this module: identity depends on the table below. Use {@link atom}. */
  constructor(tag: N, key: typeof internKey) {
    if (key !== internKey) throw new ArgumentError("tag", "an Atom is made with atom(text), not with new");
    this.tag = tag;
  }

  toString(): string {
    return this.tag;
  }

  /** For the console. Nearly what Elixir prints; `inspect` prints exactly that, but takes a table of operators and scripts. */
  [inspectSymbol](): string {
    if (MODULE.test(this.tag)) return this.tag.slice("Elixir.".length);
    return PLAIN.test(this.tag) ? `:${this.tag}` : `:${JSON.stringify(this.tag)}`;
  }
}

const MODULE = /^Elixir(\.[A-Z]\w*)+$/;
const PLAIN = /^[\p{L}_][\p{L}\p{N}_@]*[?!]?$/u;

const internKey: unique symbol = Symbol("intern");

/** What an atom of any text looks like in JavaScript. */
export type AtomTerm = Atom | boolean | null;

/** BEAM's own limit: 255 characters, whatever their length in bytes. */
const MAX_ATOM_CHARACTERS = 255;

/**
 * The one thing that all nodes of a process share: text to atom. Entries are weak, so that atoms which only a peer
 * invented are forgotten once nothing here holds them.
 */
const table = new Map<string, WeakRef<Atom>>();
const forget = new FinalizationRegistry<string>((text) => {
  if (table.get(text)?.deref() === undefined) table.delete(text);
});

/** The Atom object for a text that is known to be a legal atom and none of `true`, `false`, `nil`. */
function intern(text: string): Atom {
  const known = table.get(text)?.deref();
  if (known !== undefined) return known;
  const made = new Atom(text, internKey);
  table.set(text, new WeakRef(made));
  forget.register(made, text);
  return made;
}

/** Why a text is no atom's: too long, or without a UTF-8 form; `undefined` when it may be one. */
export function atomTextProblem(text: string): string | undefined {
  // 255 UTF-16 units are at most 255 characters, so the exact count is only made for texts that may be too long.
  const length = text.length;
  if (length > MAX_ATOM_CHARACTERS && (length > 2 * MAX_ATOM_CHARACTERS || [...text].length > MAX_ATOM_CHARACTERS)) {
    return `an atom has at most ${MAX_ATOM_CHARACTERS} characters, this one has more`;
  }
  return text.isWellFormed() ? undefined : "an atom cannot hold a lone surrogate";
}

function checkAtomText(text: string): void {
  const problem = atomTextProblem(text);
  if (problem !== undefined) throw new ArgumentError("text", problem);
}

/**
 * The atom of that text: `atom("ok")` is `:ok`.
 *
 * @throws ArgumentError `BADARG` for more than 255 characters, for a lone surrogate, and for `"true"`, `"false"` and
 * `"nil"`, which are written `true`, `false` and `null` (use {@link atomTerm} where the text is not known).
 */
export function atom<const N extends string>(text: N): Atom<N> {
  if (text === "true" || text === "false" || text === "nil") {
    throw new ArgumentError("text", `the atom ${text} is ${text === "nil" ? "null" : text} in JavaScript`);
  }
  checkAtomText(text);
  return intern(text) as Atom<N>;
}

/** Like {@link atom} for any text: `true`, `false` and `nil` give `true`, `false` and `null`. */
export function atomTerm(text: string): AtomTerm {
  if (text === "true") return true;
  if (text === "false") return false;
  if (text === "nil") return null;
  checkAtomText(text);
  return intern(text);
}

/** The text of an atom term: the inverse of {@link atomTerm}. `undefined` when the value is not an atom. */
export function atomText(value: unknown): string | undefined {
  if (value instanceof Atom) return value.tag;
  if (value === null) return "nil";
  return typeof value === "boolean" ? String(value) : undefined;
}

/** True for every atom, `true`, `false` and `null` included. */
export function isAtom(value: unknown): value is AtomTerm {
  return value instanceof Atom || typeof value === "boolean" || value === null;
}

/** Several atoms by name: `const { ok, error } = atoms("ok", "error")`. */
export function atoms<const N extends string>(...texts: N[]): { readonly [K in N]: Atom<K> } {
  return Object.fromEntries(texts.map((text) => [text, atom(text)])) as { [K in N]: Atom<K> };
}

/** An Elixir module's atom: `mod("Shop.Prices")` is `Shop.Prices`, in Erlang `'Elixir.Shop.Prices'`. */
export function mod<const N extends string>(name: N): Atom<`Elixir.${N}`> {
  return atom(`Elixir.${name}`);
}
