import { atom, atomTerm, atomText, isAtom } from "./atom.ts";
import { BitBuilder, MAX_SEGMENT_BITS } from "./bit-builder.ts";
import { Export } from "./funs.ts";
import type { TermEntry } from "./map-term.ts";
import {
  appendBits,
  appendInteger,
  atomAt,
  binaryOf,
  characterCode,
  charlistOf,
  listWithTail,
  mapAt,
} from "./parse-parts.ts";
import { ELIXIR_ATOM, ELIXIR_OPERATORS } from "./quoting.ts";
import { scanNumber } from "./scan-number.ts";
import { scanText, textOfParts } from "./scan-text.ts";
import type { Scanner } from "./scanner.ts";
import type { Term } from "./term.ts";
import { tupleFrom } from "./tuple.ts";

const ATOM = new RegExp(ELIXIR_ATOM, "uy");
const OPERATOR = new RegExp(
  [...ELIXIR_OPERATORS]
    .sort((a, b) => b.length - a.length)
    .map((operator) => operator.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"))
    .join("|"),
  "y",
);
/** A key, as in `a: 1`; the colon is followed by space, so that `a:b` is none. */
const KEY = new RegExp(`(?:${ELIXIR_ATOM}|${OPERATOR.source}):(?=\\s)`, "uy");
const ALIAS = /[A-Z]\w*(?:\.[A-Z]\w*)*(?![\w?!@])/y;
const DIGITS = /\d+/y;

const SIGIL_CLOSE: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "(": ")",
  "[": "]",
  "{": "}",
  "<": ">",
  "/": "/",
  "|": "|",
};

/** Reads terms in Elixir's syntax. */
export class ElixirReader {
  readonly #scanner: Scanner;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  term(): Term {
    const scanner = this.#scanner;
    scanner.skipSpace();
    const number = scanNumber(scanner, "elixir");
    if (number !== undefined) return number;
    switch (scanner.text[scanner.offset]) {
      case "{":
        scanner.offset++;
        return this.#tuple();
      case "[":
        scanner.offset++;
        return this.#list();
      case "%":
        scanner.offset++;
        return this.#map();
      case '"':
        return this.#binary();
      case "'":
        scanner.offset++;
        return charlistOf(scanText(scanner, "'", "elixir"));
      case ":":
        scanner.offset++;
        return this.#atom();
      case "<":
        return this.#bits();
      case "?":
        scanner.offset++;
        return characterCode(scanner, "elixir");
      case "~":
        scanner.offset++;
        return this.#sigil();
      case "&":
        scanner.offset++;
        return this.#export();
      default:
        return this.#word();
    }
  }

  /** `nil`, `true`, `false` or an alias. */
  #word(): Term {
    const scanner = this.#scanner;
    const alias = this.#alias();
    if (alias !== undefined) return alias;
    const start = scanner.offset;
    const word = scanner.match(ATOM);
    if (word === "nil" || word === "true" || word === "false") return atomTerm(word);
    throw scanner.error(word === undefined ? "a term" : `a term (an atom is written :${word})`, start);
  }

  #alias(): Term | undefined {
    const start = this.#scanner.offset;
    const name = this.#scanner.match(ALIAS);
    if (name === undefined) return undefined;
    return atomAt(this.#scanner, name === "Elixir" || name.startsWith("Elixir.") ? name : `Elixir.${name}`, start);
  }

  /** What follows the colon. */
  #atom(): Term {
    const scanner = this.#scanner;
    const start = scanner.offset;
    for (const quote of ['"', "'"]) {
      if (scanner.eatHere(quote)) return atomAt(scanner, textOfParts(scanText(scanner, quote, "elixir")), start);
    }
    const text = scanner.match(ATOM) ?? scanner.match(OPERATOR);
    if (text === undefined) throw scanner.error("an atom's name");
    return atomAt(scanner, text, start);
  }

  /** The key of `key: value`, if one is next. */
  #key(): Term | undefined {
    const scanner = this.#scanner;
    scanner.skipSpace();
    const start = scanner.offset;
    const plain = scanner.match(KEY);
    if (plain !== undefined) return atomAt(scanner, plain.slice(0, -1), start);
    if (!scanner.eatHere('"')) return undefined;
    const parts = scanText(scanner, '"', "elixir");
    if (scanner.eatHere(":") && /\s/.test(scanner.text[scanner.offset] ?? "")) {
      return atomAt(scanner, textOfParts(parts), start);
    }
    scanner.offset = start;
    return undefined;
  }

  /** The elements of a tuple: `{1, a: 2}` ends with a keyword list. */
  #tuple(): Term {
    const { items, keywords } = this.#elements("}");
    if (keywords.length > 0) items.push(keywords);
    return tupleFrom(items) as unknown as Term;
  }

  #elements(close: string): { readonly items: Term[]; readonly keywords: Term[] } {
    const items: Term[] = [];
    const keywords: Term[] = [];
    this.#scanner.items(close, () => {
      const key = this.#key();
      if (key !== undefined) keywords.push(tupleFrom([key, this.term()]) as unknown as Term);
      else if (keywords.length > 0) throw this.#scanner.error("another key: value");
      else items.push(this.term());
    });
    return { items, keywords };
  }

  #list(): Term {
    const scanner = this.#scanner;
    const items: Term[] = [];
    let isKeyword = false;
    let tail: Term | undefined;
    scanner.items("]", () => {
      if (tail !== undefined) throw scanner.error('"]"');
      const key = this.#key();
      if (key === undefined && isKeyword) throw scanner.error("another key: value");
      isKeyword = key !== undefined;
      items.push(key === undefined ? this.term() : (tupleFrom([key, this.term()]) as unknown as Term));
      if (!isKeyword && scanner.eat("|")) tail = this.term();
    });
    return tail === undefined ? items : listWithTail(items, tail);
  }

  /** `%{...}` or `%Name{...}`. */
  #map(): Term {
    const scanner = this.#scanner;
    const start = scanner.offset;
    const entries: TermEntry[] = [];
    const struct = this.#alias();
    if (struct !== undefined) entries.push([atom("__struct__"), struct]);
    scanner.expect("{");
    scanner.items("}", () => {
      const key = this.#key();
      if (key !== undefined) entries.push([key, this.term()]);
      else {
        const arrowKey = this.term();
        scanner.expect("=>");
        entries.push([arrowKey, this.term()]);
      }
    });
    return mapAt(scanner, entries, start);
  }

  #binary(): Term {
    this.#scanner.offset++;
    return binaryOf(scanText(this.#scanner, '"', "elixir"));
  }

  #bits(): Term {
    const scanner = this.#scanner;
    scanner.expect("<<");
    const bits = new BitBuilder();
    scanner.items(">>", () => {
      scanner.skipSpace();
      const start = scanner.offset;
      const next = scanner.text[start];
      if (next === '"' || next === "<") {
        appendBits(bits, this.term());
        if (scanner.eat("::") && scanner.match(/binary|bitstring|utf8|bytes|bits/y) === undefined) {
          throw scanner.error("binary, bitstring or utf8");
        }
        return;
      }
      const value = this.term();
      appendInteger(scanner, bits, value, scanner.eat("::") ? this.#size() : 8, start);
    });
    return bits.term();
  }

  #size(): number {
    const scanner = this.#scanner;
    const isCall = scanner.eat("size(");
    scanner.skipSpace();
    const start = scanner.offset;
    const size = Number(scanner.match(DIGITS) ?? Number.NaN);
    if (!(size <= MAX_SEGMENT_BITS)) throw scanner.error(`a size in bits up to ${MAX_SEGMENT_BITS}`, start);
    if (isCall) scanner.expect(")");
    return size;
  }

  /** `~c"abc"` is a charlist, `~s"abc"` a binary; in capitals, without escapes. */
  #sigil(): Term {
    const scanner = this.#scanner;
    const kind = scanner.match(/[csCS]/y);
    const close = SIGIL_CLOSE[scanner.character() ?? ""];
    if (kind === undefined || close === undefined) throw scanner.error('a sigil ~c"..." or ~s"..."');
    if (kind === "C" || kind === "S") {
      const end = scanner.text.indexOf(close, scanner.offset);
      if (end < 0) throw scanner.error(`the closing ${close}`, scanner.text.length);
      const raw = scanner.text.slice(scanner.offset, end);
      scanner.offset = end + 1;
      return kind === "C" ? charlistOf([...raw]) : raw;
    }
    const parts = scanText(scanner, close, "elixir");
    return kind === "c" ? charlistOf(parts) : binaryOf(parts);
  }

  /** `&Mod.fun/arity`, `&:mod.fun/arity`. */
  #export(): Term {
    const scanner = this.#scanner;
    const start = scanner.offset;
    const module = scanner.eatHere(":") ? this.#atom() : this.#word();
    if (!isAtom(module)) throw scanner.error("a module", start);
    if (!scanner.eatHere(".")) throw scanner.error('"." and a function\'s name');
    const name = scanner.eatHere('"')
      ? textOfParts(scanText(scanner, '"', "elixir"))
      : (scanner.match(/[\p{L}_][\p{L}\d_]*[?!]?/uy) ?? scanner.match(OPERATOR));
    if (name === undefined) throw scanner.error("a function's name");
    atomAt(scanner, name, start);
    scanner.expect("/");
    const arity = Number(scanner.match(DIGITS) ?? Number.NaN);
    if (!(arity <= 255)) throw scanner.error("an arity up to 255");
    return new Export(atomText(module)!, name, arity);
  }
}
