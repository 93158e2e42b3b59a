import fc, { type Arbitrary } from "fast-check";
import {
  asMap,
  atom,
  atomTerm,
  BitString,
  Export,
  Float,
  float,
  ImproperList,
  isPlainObject,
  isTuple,
  mapOf,
  Pid,
  Port,
  Ref,
  type Term,
  termKey,
  tupleFrom,
  utf8Text,
} from "../../src/term/index.ts";

/** Texts as binaries and atoms have them: any code point, astral ones, NUL and a byte order mark included. */
export const text: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 8 }) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
  fc.constantFrom("", "\ufeffbom", "\u{10000}", "\uffff", "é", "日本", "a#{b}", '"\\', "__proto__", "$atom", "nil"),
);

const atomText: Arbitrary<string> = fc.oneof(
  fc.constantFrom("ok", "error", "Elixir.Shop.Orders", "a b", "", "\u{1F600}", "ÿ", "if", "Foo", "+", "constructor"),
  text,
);

export const anyAtom: Arbitrary<Term> = fc.oneof(fc.constantFrom(true, false, null), atomText.map(atomTerm));

const nodeName = fc.constantFrom("a@127.0.0.1", "b@127.0.0.1", "ü@host.example");
const word = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffff_ffff }));

export const pid: Arbitrary<Pid> = fc
  .tuple(nodeName, word, fc.nat(3), fc.nat(2))
  .map(([node, id, serial, creation]) => new Pid(node, id, serial, creation));

export const ref: Arbitrary<Ref> = fc
  .tuple(nodeName, fc.nat(2), fc.array(word, { minLength: 1, maxLength: 5 }))
  .map(([node, creation, words]) => new Ref(node, creation, words));

export const port: Arbitrary<Port> = fc
  .tuple(nodeName, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(2))
  .map(([node, id, creation]) => new Port(node, id, creation));

const safeInteger = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER),
);

const bigInteger = fc
  .bigInt({ min: -(2n ** 200n), max: 2n ** 200n })
  .filter((value) => value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER);

const fraction = fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true });

/** Bytes that are no UTF-8, and so are decoded as bytes. */
const rawBytes = fc.uint8Array({ maxLength: 8 }).filter((bytes) => utf8Text(bytes) === undefined);

const bitString = fc
  .tuple(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 7 }))
  .map(([bytes, bits]) => new BitString(bytes, bits));

const anyExport = fc
  .tuple(atomText, atomText, fc.nat(255))
  .map(([module, name, arity]) => new Export(module, name, arity));

const canonicalScalar: Arbitrary<Term> = fc.oneof(
  { weight: 4, arbitrary: safeInteger },
  { weight: 4, arbitrary: text },
  { weight: 4, arbitrary: anyAtom },
  { weight: 2, arbitrary: fraction },
  bigInteger,
  rawBytes,
  bitString,
  pid,
  ref,
  port,
  anyExport,
);

/** What only senders have: several values for the same term, and floats that stay floats. */
const wildScalar: Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: canonicalScalar },
  fc.constantFrom(undefined, -0, float(1), float(0), float(-0), float(1.5), 1e300, 2 ** 53, 1n, -5n, 2n ** 53n),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(float),
  text.map((value) => new TextEncoder().encode(value)),
  text.map((value) => Buffer.from(value)),
);

/** A term as decoding gives it inside a map's key: floats are `Float` there. */
function keyOf(term: Term): Term {
  if (typeof term === "number") return Number.isInteger(term) ? term : new Float(term);
  if (isTuple(term)) return tupleFrom((term as readonly Term[]).map(keyOf)) as unknown as Term;
  if (Array.isArray(term)) return term.map(keyOf);
  if (term instanceof ImproperList) return new ImproperList(term.items.map(keyOf), keyOf(term.tail));
  if (term instanceof Map || isPlainObject(term)) {
    return mapOf(Array.from(asMap(term), ([key, value]) => [key, keyOf(value)] as const));
  }
  return term;
}

const containers = <T>(part: Arbitrary<T>): readonly Arbitrary<unknown>[] => [
  fc.array(part, { maxLength: 5 }),
  fc.array(part, { maxLength: 4 }).map((items) => tupleFrom(items)),
  fc.tuple(anyAtom, part).map(([tag, value]) => tupleFrom([tag, value])),
  fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 6 }),
  fc.string({ maxLength: 5 }).map((value) => Array.from(value, (character) => character.codePointAt(0)!)),
  fc.dictionary(atomText, part, { maxKeys: 4, noNullPrototype: true }),
];

const isTail = (tail: unknown) =>
  !(tail instanceof ImproperList) && !(Array.isArray(tail) && tail.constructor === Array);

const improper = (part: Arbitrary<Term>, tail: Arbitrary<Term>) =>
  fc
    .tuple(fc.array(part, { minLength: 1, maxLength: 4 }), tail)
    .map(([items, end]) => new ImproperList(items, isTail(end) ? end : atom("tail")));

/**
 * Terms exactly as decoding gives them under the default profile, so that they can be compared with what comes back.
 * No closures: those come from a BEAM only.
 */
export const canonicalTerm: Arbitrary<Term> = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 5, arbitrary: canonicalScalar },
    ...(containers(tie("term")) as Arbitrary<Term>[]),
    improper(tie("term"), tie("term")),
    fc
      .uniqueArray(fc.tuple(tie("term").map(keyOf), tie("term")), { maxLength: 4, selector: ([key]) => termKey(key) })
      .map((entries) => mapOf(entries)),
  ),
})).term;

/**
 * Values that a user may send: besides canonical terms also bytes that are text, small bigints, wrapped floats,
 * `undefined`, Maps whose keys are atoms. All of them can be encoded.
 */
export const wildTerm: Arbitrary<unknown> = fc.letrec<{ term: unknown }>((tie) => ({
  term: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 5, arbitrary: wildScalar },
    ...containers(tie("term")),
    improper(tie("term") as Arbitrary<Term>, wildScalar as Arbitrary<Term>),
    fc
      .uniqueArray(fc.tuple(tie("term"), tie("term")), { maxLength: 4, selector: ([key]) => termKey(key) })
      .map((entries) => new Map(entries)),
  ),
})).term;
