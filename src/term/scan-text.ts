import type { Scanner } from "./scanner.ts";
import { utf8Bytes } from "./utf8.ts";

/** What stands between quotes: characters, and in Elixir single bytes, written `\xFF`. */
export type TextPart = string | { readonly byte: number };

const SHARED: Readonly<Record<string, string>> = {
  b: "\b",
  d: "\x7f",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  s: " ",
  t: "\t",
  v: "\v",
};
const ELIXIR: Readonly<Record<string, string>> = { ...SHARED, a: "\x07", "0": "\0", "\n": "" };

const HEX_BRACES = /\{[\da-fA-F]{1,6}\}/y;
const HEX_2 = /[\da-fA-F]{1,2}/y;
const HEX_4 = /[\da-fA-F]{4}/y;
const OCTAL = /[0-7]{1,3}/y;

/** Reads up to the closing quote, which is consumed; the opening one has been. */
export function scanText(scanner: Scanner, close: string, syntax: "elixir" | "erlang"): TextPart[] {
  const parts: TextPart[] = [];
  for (;;) {
    if (scanner.eatHere(close)) return parts;
    if (syntax === "elixir" && scanner.text.startsWith("#{", scanner.offset)) {
      throw scanner.error("a text without interpolation (write \\#{)");
    }
    parts.push(scanCharacter(scanner, syntax, `the closing ${close}`));
  }
}

/** One character, or what an escape stands for. */
export function scanCharacter(scanner: Scanner, syntax: "elixir" | "erlang", expected: string): TextPart {
  const character = scanner.character();
  if (character === undefined) throw scanner.error(expected);
  if (character !== "\\") return character;
  const letter = scanner.character();
  if (letter === undefined) throw scanner.error("the rest of the escape");
  return syntax === "elixir" ? elixirEscape(scanner, letter) : erlangEscape(scanner, letter);
}

function elixirEscape(scanner: Scanner, letter: string): TextPart {
  if (letter === "u") return hex(scanner, HEX_BRACES) ?? hex(scanner, HEX_4) ?? fail(scanner);
  if (letter !== "x") return ELIXIR[letter] ?? letter;
  const braces = hex(scanner, HEX_BRACES);
  if (braces !== undefined) return braces;
  const digits = scanner.match(HEX_2);
  if (digits === undefined) return fail(scanner);
  const byte = Number.parseInt(digits, 16);
  return byte < 128 ? String.fromCharCode(byte) : { byte };
}

function erlangEscape(scanner: Scanner, letter: string): string {
  if (letter === "x") return hex(scanner, HEX_BRACES) ?? hex(scanner, HEX_2) ?? fail(scanner);
  if (letter === "^") return String.fromCharCode((scanner.character() ?? fail(scanner)).charCodeAt(0) & 31);
  if (!/[0-7]/.test(letter)) return SHARED[letter] ?? letter;
  scanner.offset--;
  return String.fromCharCode(Number.parseInt(scanner.match(OCTAL)!, 8));
}

function hex(scanner: Scanner, pattern: RegExp): string | undefined {
  const digits = scanner.match(pattern)?.replace(/[{}]/g, "");
  if (digits === undefined) return undefined;
  const code = Number.parseInt(digits, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw scanner.error("the code of a character");
  return String.fromCodePoint(code);
}

function fail(scanner: Scanner): never {
  throw scanner.error("hexadecimal digits");
}

/** The characters, where a byte stands for the character of that number. */
export function textOfParts(parts: readonly TextPart[]): string {
  return parts.map((part) => (typeof part === "string" ? part : String.fromCharCode(part.byte))).join("");
}

/** The bytes: characters in UTF-8. */
export function bytesOfParts(parts: readonly TextPart[]): number[] {
  return parts.flatMap((part) => (typeof part === "string" ? [...utf8Bytes(part)] : [part.byte]));
}
