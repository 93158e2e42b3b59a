import { type AtomTerm, atomTerm, atomTextProblem } from "./atom.ts";
import { BitBuilder } from "./bit-builder.ts";
import { duplicateEntry, mapOf, type TermEntry } from "./map-term.ts";
import { bytesOfParts, scanCharacter, type TextPart } from "./scan-text.ts";
import type { Scanner } from "./scanner.ts";
import type { Term } from "./term.ts";
import { isList } from "./tuple.ts";
import { utf8Bytes } from "./utf8.ts";
import { BitString, ImproperList } from "./values.ts";

/** The atom of a text that stands at `start`. */
export function atomAt(scanner: Scanner, text: string, start: number): AtomTerm {
  const problem = atomTextProblem(text);
  if (problem !== undefined) throw scanner.error(`an atom (${problem})`, start);
  return atomTerm(text);
}

/** A map of the entries that stand at `start`. Where Elixir and Erlang would keep the last of two entries, this refuses. */
export function mapAt(scanner: Scanner, entries: readonly TermEntry[], start: number): Term {
  if (duplicateEntry(entries) !== undefined) throw scanner.error("a map in which every key stands once", start);
  return mapOf(entries);
}

/** `[items | tail]`: where the tail is a list, it goes on with it. */
export function listWithTail(items: Term[], tail: Term): Term {
  if (tail instanceof ImproperList) return new ImproperList([...items, ...tail.items], tail.tail);
  return isList(tail) ? [...items, ...tail] : new ImproperList(items, tail);
}

/** The code of a character after `?` or `$`. */
export function characterCode(scanner: Scanner, syntax: "elixir" | "erlang"): number {
  return codeOf(scanCharacter(scanner, syntax, "a character"));
}

/** The list of codes that Elixir writes `~c"abc"` and Erlang `"abc"`. */
export function charlistOf(parts: readonly TextPart[]): number[] {
  return parts.flatMap((part) => (typeof part === "string" ? Array.from(part, codeOf) : [part.byte]));
}

const codeOf = (part: TextPart) => (typeof part === "string" ? part.codePointAt(0)! : part.byte);

/** The binary that quotes with those parts between them are. */
export function binaryOf(parts: readonly TextPart[]): Term {
  if (parts.every((part) => typeof part === "string")) return parts.join("");
  const bits = new BitBuilder();
  bits.bytes(bytesOfParts(parts));
  return bits.term();
}

/** Appends an integer that stands at `start` to bits. */
export function appendInteger(scanner: Scanner, bits: BitBuilder, value: unknown, size: number, start: number): void {
  if (typeof value !== "number" && typeof value !== "bigint") throw scanner.error("an integer", start);
  if (typeof value === "number" && !Number.isInteger(value)) throw scanner.error("an integer", start);
  bits.integer(BigInt(value), size);
}

/** Appends what a nested `<<...>>` gave. */
export function appendBits(bits: BitBuilder, term: Term): void {
  if (term instanceof BitString) {
    bits.bytes(term.bytes.subarray(0, -1));
    bits.integer(BigInt(term.bytes.at(-1)! >> (8 - term.bitsInLastByte)), term.bitsInLastByte);
  } else if (term instanceof Uint8Array) bits.bytes(term);
  else bits.bytes(utf8Bytes(term as string));
}
