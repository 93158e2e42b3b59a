import { ArgumentError } from "../base/index.ts";
import { Atom, atomTerm, atomText } from "./atom.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { isMapTerm, objectFields } from "./objects.ts";
import { later, type PairWalk, walkPairs } from "./pairs.ts";
import {
  type BitsTerm,
  compareBits,
  compareNumbers,
  comparePids,
  comparePorts,
  compareRefs,
  compareText,
  type NumberTerm,
} from "./scalar-order.ts";
import type { Structs } from "./structs.ts";
import { TupleValue } from "./tuple.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/** How terms are held against each other. */
export interface OrderOptions {
  /** Classes whose instances may be among the terms. */
  readonly structs?: Structs | undefined;
}

/**
 * Erlang's order of terms, as `lists:sort/1` has it: negative, 0 or positive, for `Array.prototype.sort`.
 *
 * number < atom < reference < fun < port < pid < tuple < record < map < nil < list < bit string. Numbers by value, so
 * `compare(1, float(1))` is 0; atoms and texts by code points; tuples and maps by size first. Any depth.
 *
 * @throws ArgumentError `BADARG` for what is no term (a Date, a function, NaN), and for maps that are keys of maps that
 * are keys of maps, more than {@link MAX_KEY_DEPTH} times over.
 */
export function compare(a: unknown, b: unknown, options: OrderOptions = {}): number {
  return walkPairs(a, b, false, compareStep, { stack: [], structs: options.structs, keyDepth: 0 });
}

/**
 * Like {@link compare}, but as the keys of maps are ordered: integers come before floats, and 0 is only returned for
 * terms that are the same key.
 */
export function compareExact(a: unknown, b: unknown, options: OrderOptions = {}): number {
  return walkPairs(a, b, true, compareStep, { stack: [], structs: options.structs, keyDepth: 0 });
}

/** How deep maps may be keys of maps when they are compared. Nobody does it; peers could, to use up the stack. */
export const MAX_KEY_DEPTH = 100;

const Rank = {
  Number: 0,
  Atom: 1,
  Ref: 2,
  Fun: 3,
  Port: 4,
  Pid: 5,
  Tuple: 6,
  Record: 7,
  Map: 8,
  Nil: 9,
  List: 10,
  Bits: 11,
} as const;
type Rank = (typeof Rank)[keyof typeof Rank];

function rankOf(term: unknown, structs: Structs | undefined): Rank {
  switch (typeof term) {
    case "number":
      if (!Number.isFinite(term)) throw new ArgumentError("term", `${term} is no term and has no order`);
      return Rank.Number;
    case "bigint":
      return Rank.Number;
    case "string":
      return Rank.Bits;
    case "boolean":
    case "undefined":
      return Rank.Atom;
    case "object":
      return term === null ? Rank.Atom : rankOfObject(term, structs);
    default:
      throw new ArgumentError("term", `a ${typeof term} is no term and has no order`);
  }
}

function rankOfObject(term: object, structs: Structs | undefined): Rank {
  if (term instanceof TupleValue) return Rank.Tuple;
  if (Array.isArray(term)) return term.length === 0 ? Rank.Nil : Rank.List;
  if (term instanceof Atom) return Rank.Atom;
  if (term instanceof Float) return Rank.Number;
  if (term instanceof Pid) return Rank.Pid;
  if (term instanceof Ref) return Rank.Ref;
  if (term instanceof Uint8Array || term instanceof BitString) return Rank.Bits;
  if (term instanceof ImproperList) return Rank.List;
  if (term instanceof Port) return Rank.Port;
  if (term instanceof Export || term instanceof Fun) return Rank.Fun;
  if (term instanceof NativeRecord) return Rank.Record;
  if (isMapTerm(term, structs)) return Rank.Map;
  throw new ArgumentError("term", `an instance of ${term.constructor?.name ?? "an unknown class"} is no term`);
}

function compareStep(a: unknown, b: unknown, exact: boolean, walk: PairWalk): number {
  if (typeof a === "number" && typeof b === "number" && !exact && Number.isFinite(a) && Number.isFinite(b)) {
    return a - b;
  }
  const rank = rankOf(a, walk.structs);
  const difference = rank - rankOf(b, walk.structs);
  if (difference !== 0) return difference;
  switch (rank) {
    case Rank.Number:
      return compareNumbers(a as NumberTerm, b as NumberTerm, exact);
    case Rank.Atom:
      return compareText(atomText(a ?? null)!, atomText(b ?? null)!);
    case Rank.Bits:
      return compareBits(a as BitsTerm, b as BitsTerm);
    case Rank.Pid:
      return comparePids(a as Pid, b as Pid);
    case Rank.Ref:
      return compareRefs(a as Ref, b as Ref);
    case Rank.Port:
      return comparePorts(a as Port, b as Port);
    case Rank.Tuple:
      return compareTuples(a as TupleValue, b as TupleValue, exact, walk);
    case Rank.Nil:
      return 0;
    case Rank.List:
      return compareLists(a as ListTerm, b as ListTerm, exact, walk);
    case Rank.Map:
      return compareMaps(a as object, b as object, exact, walk);
    case Rank.Fun:
      return compareFuns(a as Fun | Export, b as Fun | Export, exact, walk);
    case Rank.Record:
      return compareRecords(a as NativeRecord, b as NativeRecord, exact, walk);
  }
}

function compareTuples(a: TupleValue, b: TupleValue, exact: boolean, walk: PairWalk): number {
  return a.length - b.length || later(walk, a, b, exact);
}

type ListTerm = readonly unknown[] | ImproperList;

function compareLists(a: ListTerm, b: ListTerm, exact: boolean, walk: PairWalk): number {
  const left = a instanceof ImproperList ? a.items : a;
  const right = b instanceof ImproperList ? b.items : b;
  const tailOf = (list: ListTerm) => (list instanceof ImproperList ? list.tail : []);
  const length = Math.min(left.length, right.length);
  if (left.length > length) return later(walk, left, right, exact, length, Rank.List - rankOf(tailOf(b), walk.structs));
  if (right.length > length)
    return later(walk, left, right, exact, length, rankOf(tailOf(a), walk.structs) - Rank.List);
  if (a instanceof ImproperList || b instanceof ImproperList) later(walk, [tailOf(a)], [tailOf(b)], exact);
  return later(walk, left, right, exact);
}

function compareMaps(a: object, b: object, exact: boolean, walk: PairWalk): number {
  const left = entriesOf(a, walk.structs);
  const right = entriesOf(b, walk.structs);
  if (left.length !== right.length) return left.length - right.length;
  sortByKey(left, walk);
  sortByKey(right, walk);
  later(walk, left.map(entryValue), right.map(entryValue), exact);
  return later(walk, left.map(entryKey), right.map(entryKey), true);
}

type Entry = readonly [key: unknown, value: unknown];
const entryKey = (entry: Entry) => entry[0];
const entryValue = (entry: Entry) => entry[1];

function sortByKey(entries: Entry[], walk: PairWalk): void {
  if (entries.length < 2) return;
  const { structs } = walk;
  const keyDepth = walk.keyDepth + 1;
  if (keyDepth > MAX_KEY_DEPTH) {
    throw new ArgumentError("term", `maps are keys of maps more than ${MAX_KEY_DEPTH} levels deep`);
  }
  entries.sort(([a], [b]) => walkPairs(a, b, true, compareStep, { stack: [], structs, keyDepth }));
}

/** The entries of any term that is a map, keys as terms. Throws `BADARG` for an object that is no term. */
export function entriesOf(map: object, structs: Structs | undefined): Entry[] {
  if (map instanceof Map) return [...map];
  const fields = objectFields(map, structs);
  if (fields === undefined) {
    throw new ArgumentError("term", `an instance of ${map.constructor?.name ?? "an unknown class"} is no term`);
  }
  const entries: Entry[] = fields.keys.map((key) => [atomTerm(key), (map as Record<string, unknown>)[key]]);
  if (fields.module !== undefined) entries.push([atomTerm("__struct__"), atomTerm(fields.module)]);
  return entries;
}

function compareFuns(a: Fun | Export, b: Fun | Export, exact: boolean, walk: PairWalk): number {
  if (a instanceof Export) {
    if (b instanceof Fun) return 1;
    return compareText(a.module, b.module) || compareText(a.function, b.function) || a.arity - b.arity;
  }
  if (b instanceof Export) return -1;
  return (
    compareText(a.module, b.module) ||
    a.index - b.index ||
    compareNumbers(a.oldUniq, b.oldUniq, true) ||
    compareBits(a.uniq, b.uniq) ||
    a.freeVariables.length - b.freeVariables.length ||
    later(walk, a.freeVariables, b.freeVariables, exact)
  );
}

/** Native records have an order among themselves only on the BEAM; here it is by name, then fields. */
function compareRecords(a: NativeRecord, b: NativeRecord, exact: boolean, walk: PairWalk): number {
  const own = compareText(a.module, b.module) || compareText(a.name, b.name) || a.fields.length - b.fields.length;
  if (own !== 0) return own;
  later(
    walk,
    a.fields.map(([, value]) => value),
    b.fields.map(([, value]) => value),
    exact,
  );
  return later(
    walk,
    a.fields.map(([name]) => name),
    b.fields.map(([name]) => name),
    true,
  );
}
