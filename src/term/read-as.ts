import { ArgumentError } from "../base/index.ts";
import { Atom, atomTerm, atomText } from "./atom.ts";
import { inspect } from "./inspect.ts";
import { isPlainObject, setOwn } from "./objects.ts";
import type { Term, TermObject } from "./term.ts";
import { isList } from "./tuple.ts";
import { utf8Bytes, utf8Text } from "./utf8.ts";

const wrong = (term: unknown, expected: string) =>
  new ArgumentError("term", `expected ${expected}, got ${inspect(term, { limit: 10, printableLimit: 100 })}`);

/**
 * A map's entries as a Map, whatever shape it was decoded to: a plain object's keys become atoms. Decoding gives an
 * object when all keys happen to be atoms, an empty map included, so read maps with other keys through this.
 *
 * @throws ArgumentError `BADARG` when the term is no map.
 */
export function asMap(term: unknown): Map<Term, Term> {
  if (term instanceof Map) return term;
  if (!isPlainObject(term)) throw wrong(term, "a map");
  return new Map(Object.entries(term).map(([key, value]) => [atomTerm(key), value]));
}

/**
 * A map as an object: atom keys by their text, and keys that are strings as they are.
 *
 * @throws ArgumentError `BADARG` when the term is no map, has other keys, or has an atom and a string of the same text.
 */
export function asObject(term: unknown): TermObject {
  if (isPlainObject(term)) return term;
  if (!(term instanceof Map)) throw wrong(term, "a map with atoms or strings as keys");
  const object: TermObject = {};
  for (const [key, value] of term as Map<Term, Term>) {
    const text = typeof key === "string" ? key : atomText(key);
    if (text === undefined) throw wrong(term, "a map with atoms or strings as keys");
    if (Object.hasOwn(object, text)) throw wrong(term, `a map with one key ${JSON.stringify(text)}, atom or string`);
    setOwn(object, text, value);
  }
  return object;
}

/**
 * A binary as bytes, whether or not it happened to be UTF-8 and was decoded to a string.
 *
 * @throws ArgumentError `BADARG` when the term is no binary.
 */
export function asBytes(term: unknown): Uint8Array {
  if (term instanceof Uint8Array) return term;
  if (typeof term !== "string") throw wrong(term, "a binary");
  return utf8Bytes(term);
}

/**
 * A binary, a charlist or an atom (but not nil, true or false) as text.
 *
 * @throws ArgumentError `BADARG` for anything else, and for bytes that are not UTF-8.
 */
export function asString(term: unknown): string {
  if (typeof term === "string") return term;
  if (term instanceof Atom) return term.tag;
  const text = term instanceof Uint8Array ? utf8Text(term) : charlistText(term);
  if (text === undefined) throw wrong(term, "text");
  return text;
}

function charlistText(term: unknown): string | undefined {
  if (!isList(term) || !term.every(isCodePoint)) return undefined;
  return Array.from(term, (code) => String.fromCodePoint(code as number)).join("");
}

const isCodePoint = (code: unknown) =>
  typeof code === "number" &&
  Number.isInteger(code) &&
  code >= 0 &&
  code <= 0x10ffff &&
  !(code >= 0xd800 && code < 0xe000);

/**
 * A proper list.
 *
 * @throws ArgumentError `BADARG` when the term is none; a tuple and an improper list are none.
 */
export function asList(term: unknown): Term[] {
  if (!isList(term)) throw wrong(term, "a list");
  return term as Term[];
}

/**
 * An object as a map whose keys are strings: `stringKeys({ a: 1 })` is `%{"a" => 1}`. For parsed JSON and other data
 * from outside, whose keys must not become atoms. Only the object's own keys, not those of objects inside.
 *
 * @throws ArgumentError `BADARG` when the value is no plain object.
 */
export function stringKeys<V>(object: Readonly<Record<string, V>>): Map<string, V> {
  if (!isPlainObject(object)) throw wrong(object, "a plain object");
  return new Map(Object.entries(object) as [string, V][]);
}
