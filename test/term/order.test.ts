import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/etf/index.ts";
import {
  atom,
  BitString,
  compare,
  compareExact,
  compareText,
  equals,
  Float,
  Fun,
  float,
  ImproperList,
  mod,
  NativeRecord,
  Pid,
  Ref,
  Structs,
  tuple,
} from "../../src/term/index.ts";
import { wildTerm } from "../support/arbitrary-term.ts";
// Made by test/vectors/record-order.escript on OTP 25.
import recorded from "../vectors/order.json" with { type: "json" };

const fromHex = (hex: string) => decode(Uint8Array.from(Buffer.from(hex, "hex")), { floats: "exact" });
const sign = (value: number) => Math.sign(value);

function nested(depth: number): unknown {
  let term: unknown = 1;
  for (let i = 0; i < depth; i++) term = i % 2 === 0 ? [term] : tuple(atom("x"), { a: term });
  return term;
}

describe("the order of a BEAM", () => {
  const terms = recorded.sorted.map(fromHex);
  const same = new Set(recorded.same);

  test("1500 terms that lists:sort/1 sorted stay where they are, and those that are == there are 0 here", () => {
    const wrong = terms.slice(1).filter((term, i) => {
      const result = compare(terms[i], term);
      return same.has(i + 1) ? result !== 0 : !(result < 0);
    });

    expect(wrong).toEqual([]);
  });

  test("sorted again from another order, they come out the same", () => {
    const shuffled = terms.map((term, i) => ({ term, at: (i * 7919) % terms.length })).sort((a, b) => a.at - b.at);

    const sorted = shuffled.map(({ term }) => term).sort((a, b) => compare(a, b));

    expect(sorted.every((term, i) => compare(term, terms[i]) === 0)).toBe(true);
  });
});

describe("properties", () => {
  test("the order is total: it is antisymmetric and transitive", () => {
    fc.assert(
      fc.property(wildTerm, wildTerm, wildTerm, (a, b, c) => {
        expect(sign(compare(a, b)) + sign(compare(b, a))).toBe(0);
        // In boxes, because Array.prototype.sort puts undefined last without asking.
        const [x, y, z] = [[a], [b], [c]].sort((l, r) => compare(l[0], r[0]));
        expect(compare(x, z)).toBeLessThanOrEqual(0);
        expect(compare(x, y)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 300 },
    );
  });

  test("the exact order is 0 exactly for terms that equals calls the same", () => {
    fc.assert(
      fc.property(wildTerm, wildTerm, (a, b) => {
        expect(compareExact(a, b) === 0).toBe(equals(a, b));
        expect(compareExact(a, a)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  ["numbers before atoms", 1, atom("a")],
  ["atoms before references", atom("z"), new Ref("a@b", 1, [1])],
  ["tuples before records, records before maps", tuple(1, 2, 3), new NativeRecord("m", "r", true, [])],
  ["maps before nil, nil before lists", { a: 1 }, []],
  ["an empty list before any other", [], [1]],
  ["lists before binaries", [1], ""],
  ["a shorter tuple before a longer one", tuple(9), tuple(1, 1)],
  ["a prefix before the whole list", [1, 2], [1, 2, 0]],
  ["an improper tail by what it is: a number before nil", new ImproperList([1], 2), [1]],
  ["U+FFFF before U+10000, though JavaScript has it the other way", "\uffff", "\u{10000}"],
  ["atoms by code points too", atom("\uffff"), atom("\u{10000}")],
  ["a bit string before the byte it begins", new BitString(Uint8Array.of(0b10100000), 3), Uint8Array.of(0b10100000)],
  ["2^53 + 1 after the float 2^53", float(2 ** 53), 2n ** 53n + 1n],
  ["a map with the integer 1 before one with the float 1", new Map([[1, 0]]), new Map([[float(1), 0]])],
  ["a smaller map before a larger one", new Map([["z", 9]]), { a: 1, b: 1 }],
  ["atom keys before values", { a: 9, b: 1 }, { a: 1, c: 1 }],
  ["a lower serial before a lower id", new Pid("z@z", 9, 1, 1), new Pid("a@a", 1, 2, 1)],
])("%s", (_name, lower, higher) => {
  expect(compare(lower, higher)).toBeLessThan(0);
  expect(compare(higher, lower)).toBeGreaterThan(0);
});

test("integers and floats of one value are equal in order, and told apart exactly", () => {
  expect(compare(1, float(1))).toBe(0);
  expect(compare([1n], [float(1)])).toBe(0);
  expect(compare(-0, 0)).toBe(0);
  expect(compareExact(1, float(1))).toBeLessThan(0);
  expect(compareExact(5, float(1))).toBeLessThan(0);
  expect(compareExact(-0, float(0))).toBeLessThan(0);
});

test("closures come before exports and are compared by what they captured", () => {
  const closure = (free: number) =>
    new Fun({
      arity: 0,
      uniq: new Uint8Array(16),
      index: 1,
      module: "m",
      oldIndex: 1,
      oldUniq: 5,
      creator: new Pid("a@b", 1, 0, 1),
      freeVariables: [free],
    });

  expect(compare(closure(1), closure(2))).toBeLessThan(0);
  expect(equals(closure(1), closure(1))).toBe(true);
  expect(equals(closure(1), closure(2))).toBe(false);
});

test("terms nested a hundred thousand deep are compared without using up the stack", () => {
  expect(compare(nested(100_000), nested(100_000))).toBe(0);
  expect(equals(nested(100_000), nested(100_000))).toBe(true);
  expect(equals(nested(100_000), nested(100_001))).toBe(false);
});

test("maps as keys of maps of maps, deeper than anyone means it, are refused by code", () => {
  let a: unknown = 0;
  for (let i = 0; i < 200; i++) {
    a = new Map<unknown, unknown>([
      [a, 0],
      [new Map([[1, i], [2, i]]), 0],
    ]); // biome-ignore format: one entry a line
  }

  expect(() => compare(a, new Map([[0, 0], [1, 1]]))).toThrow(expect.objectContaining({ code: "BADARG" })); // biome-ignore format: short
});

test.each([new Date(), () => 1, Symbol("x"), Number.NaN, new Set()])("what is no term has no order: %s", (value) => {
  expect(() => compare(value, 1)).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(() => compare([value], [{}])).toThrow(expect.objectContaining({ code: "BADARG" }));
});

test("an instance of a registered class is the struct that it is sent as", () => {
  class Order {
    id = 1;
  }
  const structs = new Structs().register("Shop.Order", Order);

  expect(compare(new Order(), { __struct__: mod("Shop.Order"), id: 1 }, { structs })).toBe(0);
  expect(equals(new Order(), { __struct__: mod("Shop.Order"), id: 1 }, { structs })).toBe(true);
});

test("texts compare by code points", () => {
  expect(["\u{10000}", "\ue000", "\ud7ff", "a", ""].sort(compareText)).toEqual([
    "",
    "a",
    "\ud7ff",
    "\ue000",
    "\u{10000}",
  ]);
});

describe("equals", () => {
  test.each<[string, unknown, unknown]>([
    ["a number and a bigint of the same value", 1, 1n],
    ["a large integral number and its bigint", 2 ** 60, 2n ** 60n],
    ["a text and its bytes", "é", Uint8Array.of(0xc3, 0xa9)],
    [
      "an object and a Map with atom keys",
      { a: 1, nil: 2 },
      new Map<unknown, unknown>([
        [null, 2],
        [atom("a"), 1n],
      ]),
    ],
    ["undefined and null", undefined, null],
    ["a fraction and its wrapper", 1.5, float(1.5)],
    ["references that differ in trailing zeros", new Ref("a@b", 1, [1, 2]), new Ref("a@b", 1, [1, 2, 0, 0])],
    ["Maps whose keys are equal by structure", new Map([[tuple(1, "a"), 1]]), new Map([[tuple(1n, "a"), 1]])],
  ])("holds for %s", (_name, a, b) => {
    // biome-ignore format: a table
    expect(equals(a, b)).toBe(true);
  });

  test.each<[string, unknown, unknown]>([
    ["an integer and a float", 1, float(1)],
    ["0.0 and -0.0, as from OTP 27 on", float(0), -0],
    ["a tuple and a list", tuple(1), [1]],
    ["a string and an atom", "a", atom("a")],
    ["a string and a charlist", "a", [97]],
    ["maps that differ in a key", { a: null }, { b: null }],
    ["a Date and itself made anew", new Date(0), new Date(0)],
    ["pids that differ in creation", new Pid("a@b", 1, 0, 1), new Pid("a@b", 1, 0, 2)],
    ["bit strings of different length", new BitString(Uint8Array.of(0), 1), new BitString(Uint8Array.of(0), 2)],
  ])("does not hold for %s", (_name, a, b) => {
    expect(equals(a, b)).toBe(false);
  });

  test("is == when it need not be exact", () => {
    expect(equals([1, tuple(float(2))], [float(1), tuple(2)], { exact: false })).toBe(true);
    expect(equals(new Map([[1, 1]]), new Map([[new Float(1), 1]]), { exact: false })).toBe(false);
  });
});
