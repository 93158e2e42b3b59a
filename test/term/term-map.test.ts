import fc from "fast-check";
import { expect, test } from "vitest";
import {
  atom,
  equals,
  Float,
  float,
  mod,
  Ref,
  Structs,
  type Term,
  TermMap,
  termKey,
  tuple,
} from "../../src/term/index.ts";
import { wildTerm } from "../support/arbitrary-term.ts";

const key = (value: unknown) => value as Term;

test("two terms have the same key exactly when they are the same term", () => {
  fc.assert(
    fc.property(wildTerm, wildTerm, (a, b) => {
      expect(new Map([[termKey(a), 1]]).has(termKey(b))).toBe(equals(a, b));
      expect(new Map([[termKey([a]), 1]]).has(termKey([b]))).toBe(equals(a, b));
    }),
    { numRuns: 300 },
  );
});

test("a TermMap finds its keys by value and gives them back as they were set", () => {
  const sku = tuple(atom("sku"), 1);
  const map = new TermMap([[key(sku), "first"]]);

  expect(map.get(key(tuple(atom("sku"), 1n)))).toBe("first");
  map.set(key(tuple(atom("sku"), 1)), "second");

  expect([...map]).toEqual([[sku, "second"]]);
  expect([...map.keys()][0]).toBe(sku);
  expect(map.delete(key(tuple(atom("sku"), 1)))).toBe(true);
  expect(map.delete(key(sku))).toBe(false);
  expect(map.size).toBe(0);
});

test("1, 1.0, 0.0 and -0.0 are keys of their own; 1 and 1n are one", () => {
  const map = new TermMap([
    [1, "int"],
    [float(1), "float"],
    [float(0), "plus"],
    [-0, "minus"],
    [0, "zero"],
  ]);

  expect(map.size).toBe(5);
  expect(map.get(1n)).toBe("int");
  expect(map.get(new Float(1))).toBe("float");
  expect(map.get(float(-0))).toBe("minus");
  expect(map.get(0)).toBe("zero");
});

test("references with trailing zero words are one key", () => {
  const map = new TermMap([[new Ref("a@b", 1, [1, 2, 3]), 1]]);

  expect(map.has(new Ref("a@b", 1, [1, 2, 3, 0, 0]))).toBe(true);
  map.clear();
  expect(map.has(new Ref("a@b", 1, [1, 2, 3]))).toBe(false);
});

test("instances of registered classes are keys by their fields", () => {
  class Sku {
    id = 1;
  }
  const structs = new Structs().register("Shop.Sku", Sku);
  const map = new TermMap([[key([new Sku()]), 1]], structs);

  expect(map.get(key([{ __struct__: mod("Shop.Sku"), id: 1 }]))).toBe(1);
});

test("a key nested a hundred thousand deep does not use up the stack", () => {
  let deep: Term = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep, { a: 1 }];

  expect(typeof termKey(deep)).toBe("string");
});

test("a class stands for one struct and a struct for one class", () => {
  class A {}
  class B {}
  const structs = new Structs().register("Shop.A", A);

  expect(structs.moduleOf(new A())).toBe("Elixir.Shop.A");
  expect(structs.classFor("Elixir.Shop.A")).toBe(A);
  expect(structs.create("Shop.A")).toBeInstanceOf(A);
  expect(structs.moduleOf(new B())).toBeUndefined();
  expect(structs.create("Shop.B")).toBeUndefined();
  expect(() => structs.register("Shop.B", A)).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(() => structs.register("Elixir.Shop.A", B)).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(structs.register("b", B).moduleOf(new B())).toBe("b");
});
