import type { Piece, Printed } from "./inspect.ts";
import { compareExact, entriesOf } from "./order.ts";
import type { Structs } from "./structs.ts";

/** Elements between brackets, cut at the limit. `write` puts one element's pieces on the list. */
export function container<T>(
  open: string,
  close: string,
  items: readonly T[],
  limit: number,
  write: (pieces: Piece[], item: T, limit: number) => void,
  separator: string,
  more = `${separator}...`,
): Printed {
  if (items.length === 0) return open + close;
  const pieces: Piece[] = [open];
  for (let i = 0; i < items.length; i++) {
    if (limit === i) {
      pieces.push(i === 0 ? "..." : more);
      break;
    }
    if (i > 0) pieces.push(separator);
    write(pieces, items[i]!, limit - i - 1);
  }
  pieces.push(close);
  return pieces;
}

/** Writes an element that is just a term. */
export function plainItem(pieces: Piece[], term: unknown, limit: number): void {
  pieces.push({ term, limit });
}

export type Entry = readonly [key: unknown, value: unknown];

/** A map's entries in the order of their keys, or as they come where the keys have none (they are no terms). */
export function sortedEntries(map: object, structs: Structs | undefined): readonly Entry[] {
  const entries = entriesOf(map, structs);
  try {
    return entries.sort(([a], [b]) => compareExact(a, b, { structs }));
  } catch {
    return entries;
  }
}

/** What is printed for a value that is no term. */
export function foreign(value: unknown): string {
  if (typeof value === "object" && value !== null) {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    return `#JavaScript<${typeof name === "string" && name !== "" ? name : "object"}>`;
  }
  return `#JavaScript<${typeof value === "number" ? value : typeof value}>`;
}

/** The first characters of a text, and whether there are more. */
export function cut(text: string, limit: number): { readonly text: string; readonly isCut: boolean } {
  if (text.length <= limit) return { text, isCut: false };
  const characters = [...text.slice(0, 2 * limit)];
  if (characters.length <= limit && text.length <= 2 * limit) return { text, isCut: false };
  return { text: characters.slice(0, limit).join(""), isCut: true };
}
