import { atomText, isAtom } from "./atom.ts";
import { BitBuilder, MAX_SEGMENT_BITS } from "./bit-builder.ts";
import { Export } from "./funs.ts";
import type { TermEntry } from "./map-term.ts";
import { appendBits, appendInteger, atomAt, characterCode, charlistOf, listWithTail, mapAt } from "./parse-parts.ts";
import { scanNumber } from "./scan-number.ts";
import { scanText, textOfParts } from "./scan-text.ts";
import type { Scanner } from "./scanner.ts";
import type { Term } from "./term.ts";
import { tupleFrom } from "./tuple.ts";
import { utf8Bytes } from "./utf8.ts";

const ATOM = /[a-zß-öø-ÿ][\w@À-ÖØ-öø-ÿ]*/y;
const DIGITS = /\d+/y;

/** Reads terms in Erlang's syntax, where `"abc"` is a list of characters. */
export class ErlangReader {
  readonly #scanner: Scanner;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  term(): Term {
    const scanner = this.#scanner;
    scanner.skipSpace();
    const number = scanNumber(scanner, "erlang");
    if (number !== undefined) return number;
    switch (scanner.text[scanner.offset]) {
      case "{":
        scanner.offset++;
        return this.#tuple();
      case "[":
        scanner.offset++;
        return this.#list();
      case "#":
        return this.#map();
      case '"':
        scanner.offset++;
        return charlistOf(scanText(scanner, '"', "erlang"));
      case "~":
        return this.#sigil();
      case "<":
        return this.#bits();
      case "$":
        scanner.offset++;
        return characterCode(scanner, "erlang");
      default:
        return this.#atomOrExport();
    }
  }

  #tuple(): Term {
    const items: Term[] = [];
    this.#scanner.items("}", () => void items.push(this.term()));
    return tupleFrom(items) as unknown as Term;
  }

  #list(): Term {
    const scanner = this.#scanner;
    const items: Term[] = [];
    let tail: Term | undefined;
    scanner.items("]", () => {
      if (tail !== undefined) throw scanner.error('"]"');
      items.push(this.term());
      if (scanner.eat("|")) tail = this.term();
    });
    return tail === undefined ? items : listWithTail(items, tail);
  }

  #map(): Term {
    const scanner = this.#scanner;
    const start = scanner.offset;
    scanner.offset++;
    if (!scanner.eat("{")) throw scanner.error('a term ("#" starts a map, #{...})', start);
    const entries: TermEntry[] = [];
    scanner.items("}", () => {
      const key = this.term();
      scanner.expect("=>");
      entries.push([key, this.term()]);
    });
    return mapAt(scanner, entries, start);
  }

  /** `~"abc"`, a binary in UTF-8. */
  #sigil(): Term {
    const scanner = this.#scanner;
    if (scanner.match(/~b?"/y) === undefined) throw scanner.error('~"..."');
    return textOfParts(scanText(scanner, '"', "erlang"));
  }

  #bits(): Term {
    const scanner = this.#scanner;
    scanner.expect("<<");
    const bits = new BitBuilder();
    scanner.items(">>", () => {
      scanner.skipSpace();
      const start = scanner.offset;
      if (scanner.eatHere('"')) return this.#segmentText(bits);
      if (scanner.text.startsWith("<<", start)) {
        appendBits(bits, this.term());
        if (scanner.eat("/") && scanner.match(/binary|bitstring|bytes|bits/y) === undefined) {
          throw scanner.error("binary or bitstring");
        }
        return;
      }
      const value = this.term();
      appendInteger(scanner, bits, value, scanner.eat(":") ? this.#size() : 8, start);
    });
    return bits.term();
  }

  /** `"abc"` inside a binary: a byte for each character, unless it says `/utf8`. */
  #segmentText(bits: BitBuilder): void {
    const scanner = this.#scanner;
    const start = scanner.offset;
    const text = textOfParts(scanText(scanner, '"', "erlang"));
    if (scanner.eat("/")) {
      if (!scanner.eatHere("utf8")) throw scanner.error("utf8");
      bits.bytes(utf8Bytes(text));
      return;
    }
    for (const character of text) {
      const code = character.codePointAt(0)!;
      if (code > 255) throw scanner.error('characters up to 255, or "..."/utf8', start);
      bits.bytes([code]);
    }
  }

  #size(): number {
    const scanner = this.#scanner;
    scanner.skipSpace();
    const start = scanner.offset;
    const size = Number(scanner.match(DIGITS) ?? Number.NaN);
    if (!(size <= MAX_SEGMENT_BITS)) throw scanner.error(`a size in bits up to ${MAX_SEGMENT_BITS}`, start);
    return size;
  }

  #atomOrExport(): Term {
    const scanner = this.#scanner;
    const start = scanner.offset;
    if (scanner.match(/fun(?=\s+[a-zß-öø-ÿ'])/y) !== undefined) return this.#export();
    const found = this.#atom();
    if (found === undefined) throw scanner.error("a term", start);
    return found;
  }

  #atom(): Term | undefined {
    const scanner = this.#scanner;
    scanner.skipSpace();
    const start = scanner.offset;
    const text = scanner.eatHere("'") ? textOfParts(scanText(scanner, "'", "erlang")) : scanner.match(ATOM);
    return text === undefined ? undefined : atomAt(scanner, text, start);
  }

  /** What follows `fun`: `mod:name/arity`. */
  #export(): Term {
    const scanner = this.#scanner;
    const module = this.#atom();
    scanner.expect(":");
    const name = this.#atom();
    scanner.expect("/");
    scanner.skipSpace();
    const arity = Number(scanner.match(DIGITS) ?? Number.NaN);
    if (!isAtom(module) || !isAtom(name) || !(arity <= 255)) throw scanner.error("mod:name/arity, arity up to 255");
    return new Export(atomText(module)!, atomText(name)!, arity);
  }
}
