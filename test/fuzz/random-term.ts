import {
  atom,
  atomTerm,
  BitString,
  Export,
  float,
  ImproperList,
  NativeRecord,
  Pid,
  Port,
  Ref,
  type Term,
  termKey,
  tupleFrom,
} from "../../src/term/index.ts";
import type { Mutator } from "./mutator.ts";

/** Few enough for shapes to come again, in other orders too. Some are long, some are not what objects like. */
const KEYS = [
  ..."id sku name status price tags a b c constructor toString __proto__ __struct__ größe nil true 0 12 x".split(" "),
  "é".repeat(130),
  "k".repeat(255),
];
const NODES = ["a@127.0.0.1", "shop@host.example.com"];
const TEXTS = ["", "x", "sku-000042", "größer", "日本語", "🙂", "\uFEFF", "\0", "\x7f", "\x80"];
const NUMBERS = [0, -0, 1, 255, 256, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53, 1e300, 0.5, -1.25];
const BIGINTS = [0n, 255n, -1n, 2n ** 31n, 2n ** 53n, -(2n ** 64n), 2n ** 2040n, -(2n ** 2048n)];
/** What has no Erlang form. */
const REFUSED = [Number.NaN, Number.POSITIVE_INFINITY, "\ud800", new Date(0), () => 0, { "\udc00": 1 }, new Map<unknown, unknown>([[1, 1], [1n, 2]])]; // biome-ignore format: a list

const many = <T>(mutator: Mutator, most: number, make: () => T): T[] =>
  Array.from({ length: mutator.below(most + 1) }, make);

/** A value that can be sent; one in fifty of its parts cannot be, when `spoilt`. */
export function randomTerm(mutator: Mutator, spoilt = false, depth = 0, room = { parts: 400 }): unknown {
  if (spoilt && mutator.once(50)) return mutator.pick(REFUSED);
  const inner = () => randomTerm(mutator, spoilt, depth + 1, room);
  room.parts--;
  const kind = mutator.below(depth > 4 || room.parts < 0 ? 8 : 16);
  switch (kind) {
    case 0:
      return mutator.pick(NUMBERS);
    case 1:
      return mutator.below(400);
    case 2:
      return text(mutator);
    case 3:
      return mutator.pick([null, true, false, atom("ok"), atomTerm(mutator.pick(KEYS))]);
    case 4:
      return mutator.pick(BIGINTS);
    case 5:
      return mutator.bytes(mutator.pick([0, 1, 3, 17, 64, 65, 100]));
    case 6:
      return mutator.pick([float(1), float(-0), float(2.5)]);
    case 7:
      return identifier(mutator);
    case 8:
    case 9:
      return object(mutator, inner);
    case 10:
      return many(mutator, mutator.once(20) ? 200 : 4, inner);
    case 11:
      return many(mutator, 150, () => mutator.pick([7, 255, 256, -3, 70_000].slice(0, 1 + mutator.below(5))));
    case 12:
      return tupleFrom(many(mutator, mutator.once(30) ? 300 : 4, inner));
    case 13:
      return map(
        many(mutator, 4, () => [inner(), inner()]),
        spoilt,
      );
    case 14:
      return new ImproperList([inner() as Term, ...(many(mutator, 2, inner) as Term[])], atom("tail"));
    default:
      return record(mutator, inner);
  }
}

/** Of a length at which the ways of reading and writing change, or of any. */
function text(mutator: Mutator): string {
  if (mutator.once(3)) return mutator.pick(TEXTS);
  const length = mutator.once(2) ? mutator.below(32) : mutator.pick([19, 20, 21, 28, 29, 63, 64, 65, 127, 128, 1400]);
  const made = "abcdefghij".repeat(140).slice(0, length);
  if (!mutator.once(3) || length === 0) return made;
  const at = mutator.below(length);
  return made.slice(0, at) + mutator.pick(TEXTS) + made.slice(at + 1);
}

/** Keys in the order of the list, as objects of one kind have them, or in any. */
function object(mutator: Mutator, inner: () => unknown): object {
  const from = mutator.below(KEYS.length);
  const keys = mutator.once(2)
    ? KEYS.slice(from, from + 1 + mutator.below(8))
    : many(mutator, 6, () => mutator.pick(KEYS));
  const made = {};
  for (const key of keys) {
    Object.defineProperty(made, key, { value: inner(), enumerable: true, configurable: true, writable: true });
  }
  return made;
}

/** Without two keys that are the same term, unless there may be anything. */
function map(entries: [unknown, unknown][], spoilt: boolean): Map<unknown, unknown> {
  const seen = new Set<unknown>();
  // A Map makes 0 of the key -0.
  const isNew = (key: unknown) => seen.size < seen.add(termKey(key === 0 ? 0 : key)).size;
  return new Map(spoilt ? entries : entries.filter(([key]) => isNew(key)));
}

function record(mutator: Mutator, inner: () => unknown): NativeRecord {
  const from = mutator.below(KEYS.length);
  const fields = KEYS.slice(from, from + mutator.below(4)).map((name): [string, Term] => [name, inner() as Term]);
  return new NativeRecord("mod", "rec", mutator.once(2), fields);
}

function identifier(mutator: Mutator): unknown {
  const node = mutator.pick(NODES);
  const words = [1, 2, 3, 4, 5].slice(0, 1 + mutator.below(5));
  return mutator.pick([
    new Pid(node, mutator.below(2 ** 20), 0, 1_700_000_000),
    new Ref(node, 7, words),
    new Port(node, 2n ** 33n, 5),
    new Export("lists", "map", mutator.below(256)),
    new BitString(Uint8Array.of(1, 2, 0xf0), 4),
  ]);
}
