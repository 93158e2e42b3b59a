import { Atom } from "./atom.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { isMapTerm, isPlainObject } from "./objects.ts";
import { compare, compareExact, entriesOf, type OrderOptions } from "./order.ts";
import { later, type PairWalk, walkPairs } from "./pairs.ts";
import { compareBits, compareNumbers, type NumberTerm } from "./scalar-order.ts";
import { termKey } from "./term-key.ts";
import { isTuple } from "./tuple.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/** How {@link equals} tells terms apart. */
export interface EqualsOptions extends OrderOptions {
  /** `true`, the default: as `=:=`. `false`: as `==`, where `1` and `1.0` are equal. */
  readonly exact?: boolean | undefined;
}

/**
 * Whether two terms are the same, as `=:=` says, or `==` with `exact: false`. Any depth.
 *
 * `1` and `1n` are the same, and so are a text and its UTF-8 bytes, a plain object and a Map with those atoms as keys,
 * `undefined` and `null`. `0.0` and `-0.0` differ, which is the rule of OTP 27 and later (before, only `==` existed
 * between them). What is no term, like a Date, equals only itself.
 */
export function equals(a: unknown, b: unknown, options: EqualsOptions = {}): boolean {
  if (a === b && a !== 0) return true;
  if (options.exact === false) return compare(a, b, options) === 0;
  return walkPairs(a, b, true, equalStep, { stack: [], structs: options.structs, keyDepth: 0 }) === 0;
}

const DIFFERENT = 1;
const same = (equal: boolean) => (equal ? 0 : DIFFERENT);

function equalStep(a: unknown, b: unknown, _exact: boolean, walk: PairWalk): number {
  if (a === b) return same(a !== 0 || Object.is(a, b));
  if (isNumber(a)) return same(isNumber(b) && compareNumbers(a, b, true) === 0);
  if (isBits(a)) return same(isBits(b) && compareBits(a, b) === 0);
  if (typeof a !== "object" || typeof b !== "object") return same((a ?? null) === (b ?? null));
  if (a === null || b === null || a instanceof Atom || b instanceof Atom) return DIFFERENT;
  return equalObjects(a, b, walk);
}

const isNumber = (term: unknown): term is NumberTerm =>
  (typeof term === "number" && !Number.isNaN(term)) || typeof term === "bigint" || term instanceof Float;

const isBits = (term: unknown): term is string | Uint8Array | BitString =>
  typeof term === "string" || term instanceof Uint8Array || term instanceof BitString;

/** Two different objects that are neither atoms, numbers nor bits. */
function equalObjects(a: object, b: object, walk: PairWalk): number {
  if (Array.isArray(a)) {
    if (!(Array.isArray(b) && isTuple(a) === isTuple(b) && a.length === b.length)) return DIFFERENT;
    return later(walk, a, b, true);
  }
  if (a instanceof Pid) return same(b instanceof Pid && a.key === b.key);
  if (a instanceof Ref) return same(b instanceof Ref && a.key === b.key);
  if (a instanceof Port) return same(b instanceof Port && a.key === b.key);
  if (a instanceof Export || a instanceof Fun) {
    return same((b instanceof Export || b instanceof Fun) && compareExact(a, b, { structs: walk.structs }) === 0);
  }
  if (a instanceof ImproperList) {
    if (!(b instanceof ImproperList && a.items.length === b.items.length)) return DIFFERENT;
    later(walk, [a.tail], [b.tail], true);
    return later(walk, a.items, b.items, true);
  }
  if (a instanceof NativeRecord) {
    if (!(b instanceof NativeRecord && a.module === b.module && a.name === b.name)) return DIFFERENT;
    if (a.exported !== b.exported || a.fields.length !== b.fields.length) return DIFFERENT;
    return later(walk, a.fields.flat(), b.fields.flat(), true);
  }
  return equalMaps(a, b, walk);
}

function equalMaps(a: object, b: object, walk: PairWalk): number {
  if (isPlainObject(a) && isPlainObject(b)) {
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length || !keys.every((key) => Object.hasOwn(b, key))) return DIFFERENT;
    return later(
      walk,
      keys.map((key) => a[key]),
      keys.map((key) => b[key]),
      true,
    );
  }
  const { structs } = walk;
  if (!isMapTerm(a, structs) || !isMapTerm(b, structs)) return DIFFERENT;
  const entries = entriesOf(a, structs);
  const others = new Map(entriesOf(b, structs).map(([key, value]) => [termKey(key, structs), value]));
  if (entries.length !== others.size) return DIFFERENT;
  const values: unknown[] = [];
  for (const [key] of entries) {
    const canonical = termKey(key, structs);
    if (!others.has(canonical)) return DIFFERENT;
    values.push(others.get(canonical));
  }
  return later(
    walk,
    entries.map(([, value]) => value),
    values,
    true,
  );
}
