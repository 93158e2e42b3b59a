import type { Atom } from "./atom.ts";

declare const brand: unique symbol;

/**
 * An Erlang tuple: indexable, destructurable and iterable like a readonly array, but not a list: `isTuple` and
 * `isList` tell them apart. `tag` is the text of its first element if that is an atom, so `switch (t.tag)` narrows.
 */
export type Tuple<T extends readonly unknown[] = readonly unknown[]> = Readonly<T> & {
  readonly [brand]: true;
  readonly tag: unknown extends T[0] ? string | undefined : T[0] extends Atom<infer N> ? N : undefined;
};

/** Keeps `"a"` and `1` literal in a tuple without making nested arrays readonly. */
export type Elem = string | number | bigint | boolean | null | undefined | object;

/** The run-time class of every tuple. A subclass of Array was measured cheaper to make and to destructure. */
export class TupleValue extends Array<unknown> {
  /** What `map`, `filter` and `slice` return: lists. With an accessor here `instanceof` takes four times as long. */
  static override readonly [Symbol.species] = Array;

  get tag(): string | undefined {
    const first = this[0] as { tag?: unknown } | null | undefined;
    const tag = Array.isArray(first) ? undefined : first?.tag;
    return typeof tag === "string" ? tag : undefined;
  }
}

/** A tuple of the given elements: `tuple(atom("ok"), 1)` is `{:ok, 1}`. */
export function tuple<E extends Elem, T extends readonly E[]>(...elements: T): Tuple<T> {
  return tupleFrom(elements) as Tuple<T>;
}

/** A tuple with the elements of an array, which is copied. */
export function tupleFrom(elements: readonly unknown[]): Tuple {
  const made = new TupleValue(elements.length);
  for (let i = 0; i < elements.length; i++) made[i] = elements[i];
  return made as unknown as Tuple;
}

/** True for tuples only. */
export function isTuple(value: unknown): value is Tuple {
  return value instanceof TupleValue;
}

/** True for lists: arrays that are not tuples. (An {@link ImproperList} is not an array.) */
export function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && !(value instanceof TupleValue);
}
