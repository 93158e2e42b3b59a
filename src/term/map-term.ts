import { atomText, isAtom } from "./atom.ts";
import { setOwn } from "./objects.ts";
import type { Term, TermObject } from "./term.ts";
import { termKey } from "./term-key.ts";
import { TermMap } from "./term-map.ts";

/** One entry of a map. */
export type TermEntry = readonly [key: Term, value: Term];

/** The first entry whose key is the same term as an earlier one's. */
export function duplicateEntry(entries: readonly TermEntry[]): TermEntry | undefined {
  const seen = new Set<unknown>();
  return entries.find(([key]) => {
    const canonical = termKey(key);
    const isKnown = seen.has(canonical);
    seen.add(canonical);
    return isKnown;
  });
}

/**
 * The shape in which a map is decoded: a plain object when all keys are atoms, else a Map, and a TermMap where a plain
 * Map would not find a key by value. No two keys may be the same.
 */
export function mapOf(entries: readonly TermEntry[]): TermObject | Map<Term, Term> {
  if (entries.every(([key]) => isAtom(key))) {
    const object: TermObject = {};
    for (const [key, value] of entries) setOwn(object, atomText(key)!, value);
    return object;
  }
  return entries.every(([key]) => isAtom(key) || typeof key !== "object") ? new Map(entries) : new TermMap(entries);
}
