import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  atom,
  BitString,
  Export,
  equals,
  Fun,
  float,
  fromJson,
  ImproperList,
  mod,
  NativeRecord,
  Pid,
  Port,
  Ref,
  Structs,
  toJson,
  tuple,
} from "../../src/term/index.ts";
import { canonicalTerm, wildTerm } from "../support/arbitrary-term.ts";

test("every term survives its JSON form as text", () => {
  fc.assert(
    fc.property(wildTerm, (term) => {
      const back = fromJson(JSON.parse(JSON.stringify(toJson(term))));

      expect(equals(back, term), JSON.stringify(toJson(term))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("a term as decoding gives it comes back in the same shape", () => {
  fc.assert(
    fc.property(canonicalTerm, (term) => {
      deepStrictEqual(fromJson(JSON.parse(JSON.stringify(toJson(term)))), term);
    }),
    { numRuns: 300 },
  );
});

test.each<[unknown, unknown]>([
  [{ a: [1, "x", null, true, 1.5] }, { a: [1, "x", null, true, 1.5] }],
  [atom("ok"), { $atom: "ok" }],
  [tuple(atom("ok"), 1), { $tuple: [{ $atom: "ok" }, 1] }],
  [{ $a: 1 }, { $map: [[{ $atom: "$a" }, 1]] }],
  [new Map([["a", 1]]), { $map: [["a", 1]] }],
  [new Map([[atom("a"), 1]]), { a: 1 }],
  [Uint8Array.of(255), { $bin: "/w==" }],
  [Uint8Array.of(97), "a"],
  [new BitString(Uint8Array.of(128), 1), { $bits: ["gA==", 1] }],
  [2n ** 64n, { $big: "18446744073709551616" }],
  [1e300, { $big: String(BigInt(1e300)) }],
  [5n, 5],
  [float(1), { $float: "1" }],
  [-0, { $float: "-0" }],
  [new ImproperList([1], 2), { $improper: [[1], 2] }],
  [new Pid("a@b", 1, 2, 3), { $pid: { node: "a@b", id: 1, serial: 2, creation: 3 } }],
  [new Ref("a@b", 1, [2, 3]), { $ref: { node: "a@b", creation: 1, words: [2, 3] } }],
  [new Port("a@b", 2n ** 40n, 3), { $port: { node: "a@b", id: "1099511627776", creation: 3 } }],
  [new Export("m", "f", 1), { $export: ["m", "f", 1] }],
  [
    new NativeRecord("m", "r", true, [["a", [1]]]),
    { $record: { module: "m", name: "r", exported: true, fields: [["a", [1]]] } },
  ],
])("%s is %j and back", (term, json) => {
  expect(toJson(term)).toEqual(json);
  expect(equals(fromJson(json), term)).toBe(true);
});

test("a closure survives", () => {
  const fun = new Fun({
    arity: 1,
    uniq: Uint8Array.from({ length: 16 }, (_, i) => i * 16),
    index: 2,
    module: "m",
    oldIndex: 2,
    oldUniq: 99n,
    creator: new Pid("a@b", 1, 0, 1),
    freeVariables: [atom("x"), float(1)],
  });

  expect(equals(fromJson(JSON.parse(JSON.stringify(toJson(fun)))), fun)).toBe(true);
});

test("__proto__ is a key like any other", () => {
  const back = fromJson(JSON.parse('{"__proto__": {"a": 1}}'));

  expect(Object.keys(back as object)).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  expect(JSON.stringify(toJson(back))).toBe('{"__proto__":{"a":1}}');
});

test("a registered class is the struct it stands for", () => {
  class Order {
    id = 1;
  }
  const structs = new Structs().register("Shop.Order", Order);

  expect(toJson(new Order(), { structs })).toEqual({ __struct__: { $atom: "Elixir.Shop.Order" }, id: 1 });
  expect(equals(fromJson(toJson(new Order(), { structs })), { __struct__: mod("Shop.Order"), id: 1 })).toBe(true);
});

const circular: unknown[] = [];
circular.push(circular);

test.each<[unknown]>([[new Date()], [() => 1], [Number.NaN], ["\ud800"], [circular], [[new Set()]]])(
  "%s has no JSON form",
  (value) => {
    expect(() => toJson(value)).toThrow(expect.objectContaining({ code: "BADARG" }));
  },
);

test.each<[unknown]>([
  [{ $what: 1 }],
  [{ $atom: 1 }],
  [{ $atom: "a", b: 1 }],
  [{ $atom: "a".repeat(256) }],
  [{ $tuple: 1 }],
  [{ $map: [[1]] }],
  [
    {
      $map: [
        [1, 1],
        [{ $big: "1" }, 2],
      ],
    },
  ],
  [{ $bin: "*" }],
  [{ $bits: ["gA==", 9] }],
  [{ $big: "1x" }],
  [{ $float: "" }],
  [{ $float: "1e999" }],
  [{ $improper: [[], 1] }],
  [{ $pid: { node: "a@b", id: -1, serial: 0, creation: 0 } }],
  [{ $ref: { node: "a@b", creation: 0 } }],
  [{ $port: { node: "a@b", id: 1, creation: 0 } }],
  [{ $export: ["m", "f"] }],
  [{ $fun: { creator: 1 } }],
  [{ constructor: new Date() }],
  ["\ud800"],
  [undefined],
  [circular],
])("%j is no JSON form of a term", (json) => {
  // biome-ignore format: a table
  expect(() => fromJson(json)).toThrow(expect.objectContaining({ code: "BADARG" }));
});
