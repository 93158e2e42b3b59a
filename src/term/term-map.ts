import type { Structs } from "./structs.ts";
import type { Term } from "./term.ts";
import { termKey } from "./term-key.ts";
import { Float } from "./values.ts";

/**
 * A Map that finds its keys by value, as an Erlang map does: `map.get(tuple(atom("sku"), 1))` finds what was stored
 * under another tuple with the same elements. Which keys are the same: {@link termKey}.
 *
 * It iterates in the order of insertion and gives back the keys as they were first set. A key must not be changed
 * while it is in the map. Decoding makes one when a key is neither primitive nor an atom.
 */
export class TermMap extends Map<Term, Term> {
  /** From the canonical form of a key to the key under which the Map itself holds the entry. */
  readonly #keys = new Map<unknown, Term>();
  readonly #structs: Structs | undefined;

  /** @param structs - the classes whose instances may be keys, or parts of keys. */
  constructor(entries?: Iterable<readonly [Term, Term]> | null, structs?: Structs) {
    super();
    this.#structs = structs;
    for (const [key, value] of entries ?? []) this.set(key, value);
  }

  override get(key: Term): Term | undefined {
    const canonical = termKey(key, this.#structs);
    return this.#keys.has(canonical) ? super.get(this.#keys.get(canonical) as Term) : undefined;
  }

  override has(key: Term): boolean {
    return this.#keys.has(termKey(key, this.#structs));
  }

  override set(key: Term, value: Term): this {
    const canonical = termKey(key, this.#structs);
    if (this.#keys.has(canonical)) return super.set(this.#keys.get(canonical) as Term, value);
    // A Map turns the key -0, a float, into 0, an integer.
    const held = Object.is(key, -0) ? new Float(-0) : key;
    this.#keys.set(canonical, held);
    return super.set(held, value);
  }

  override delete(key: Term): boolean {
    const canonical = termKey(key, this.#structs);
    if (!this.#keys.has(canonical)) return false;
    super.delete(this.#keys.get(canonical) as Term);
    return this.#keys.delete(canonical);
  }

  override clear(): void {
    this.#keys.clear();
    super.clear();
  }
}
