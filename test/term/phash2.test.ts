import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import {
  atom,
  float,
  ImproperList,
  NativeRecord,
  phash2,
  Structs,
  type Term,
  TermMap,
  tuple,
  tupleFrom,
} from "../../src/term/index.ts";
import { wildTerm } from "../support/arbitrary-term.ts";
// Made by test/vectors/record-phash2.escript on OTP 25; the interop suite of terms holds OTP 23, 27 and 29 to them too.
import recorded from "../vectors/phash2.json" with { type: "json" };

const RANGE = 2 ** 32;
const fromHex = (hex: string) => decode(Uint8Array.from(Buffer.from(hex, "hex")), { floats: "exact" });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("the hashes of a BEAM", () => {
  test("every recorded term has its hash", () => {
    const wrong = recorded.terms.filter(({ hex, hash }) => phash2(fromHex(hex), RANGE) !== hash);

    expect(wrong).toEqual([]);
    expect(recorded.terms.length).toBeGreaterThan(400);
  });

  // erlang:phash2(Term) and erlang:phash2(Term, Range) on OTP 25
  test.each([
    ["sku-1", undefined, 84426203],
    ["sku-1", 16, 11],
    [tuple(atom("order"), 7), 1_000, 520],
    [1, undefined, 2614250],
    [float(1), undefined, 77147068],
    ["anything", 1, 0],
  ])("%o in the range %o", (term, range, hash) => {
    expect(phash2(term, range)).toBe(hash);
  });

  // Hashed with the range 1 bsl 32 on OTP 25: so large that a BEAM hashes them in several turns.
  test.each([
    ["a binary of 1.5 MB", "käse".repeat(300_000), 2661753458],
    ["lists:seq(1, 100000)", numbers(100_000), 922387032],
    ["a charlist of 1000003 bytes", Array<number>(1_000_003).fill(97), 1305871404],
    ["a map of 50000 integers to their squares", new Map(numbers(50_000).map((i) => [i, i * i])), 283169733],
    ["a tuple of 50000", tupleFrom(numbers(50_000)), 3900592312],
  ])("%s", (_name, term, hash) => {
    expect(phash2(term, RANGE)).toBe(hash);
  });

  test("lists, tuples and maps inside each other, 100,000 levels deep", () => {
    let term: unknown = [];
    for (let k = 100_000; k > 0; k--) {
      if (k % 3 === 0) term = [term];
      else if (k % 3 === 1) term = tuple(term as object, k);
      else term = new Map([[k, term]]);
    }

    expect(phash2(term, RANGE)).toBe(3158615964);
  });

  test("maps that are keys of maps", () => {
    let term: Term = atom("x");
    for (let i = 0; i < 3; i++) {
      term = new TermMap([
        [term, term],
        [atom("k"), 1],
      ]);
    }

    expect(phash2(term, RANGE)).toBe(1026634823);
  });

  test("an instance of a registered class is hashed as its struct", () => {
    class Order {
      id = 7;
      total = 2;
    }
    const structs = new Structs().register("Shop.Order", Order);

    // erlang:phash2(#{'__struct__' => 'Elixir.Shop.Order', id => 7, total => 2}, 1 bsl 32) on OTP 25
    expect(phash2(new Order(), RANGE, { structs })).toBe(3983605177);
  });
});

describe("values of one term", () => {
  test("a value and what decoding gives for it have one hash, in every profile", () => {
    fc.assert(
      fc.property(wildTerm, (value) => {
        const bytes = encode(value);
        const hash = phash2(value);

        expect(phash2(decode(bytes, { floats: "exact" }))).toBe(hash);
        expect(phash2(decode(bytes, { floats: "exact", binaries: "bytes" }))).toBe(hash);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["a text and its bytes", "größe", new TextEncoder().encode("größe")],
    ["a short ASCII text and its bytes", "sku-1", Buffer.from("sku-1")],
    ["a number and a bigint", 5, 5n],
    ["a large number and a bigint", 2 ** 70, 2n ** 70n],
    ["a charlist of numbers and of bigints", [1, 2, 3, 4, 5], [1n, 2n, 3n, 4n, 5n]],
    ["undefined and nil", undefined, null],
    ["an object and a Map", { a: 1, b: [2] }, new Map<unknown, unknown>([[atom("b"), [2]]]).set(atom("a"), 1)],
    ["a fraction and a Float", 1.5, float(1.5)],
    ["the zeros of floats, which are one key to phash2 on every release", -0, float(0)],
  ])("%s", (_name, a, b) => {
    expect(phash2(a, RANGE)).toBe(phash2(b, RANGE));
    expect(phash2([a], RANGE)).toBe(phash2([b], RANGE));
  });

  test.each([
    ["1 and 1.0", 1, float(1)],
    ["a list and a tuple", [1, 2], tuple(1, 2)],
    ["a binary and an atom", "ok", atom("ok")],
    ["a list and an improper one", [1, 2], new ImproperList([1], 2)],
    ["a -0.0 among bytes, which is no byte", [1, -0, 2], [1, 0, 2]],
  ])("not %s", (_name, a, b) => {
    expect(phash2(a, RANGE)).not.toBe(phash2(b, RANGE));
  });
});

describe("refused", () => {
  test.each([0, -1, 1.5, RANGE + 1, Number.NaN, Number.POSITIVE_INFINITY])("the range %o", (range) => {
    expect(() => phash2(1, range)).toThrow(expect.objectContaining({ code: "BADARG", argument: "range" }));
  });

  test.each([
    ["a Date", new Date(0)],
    ["NaN", Number.NaN],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a lone surrogate", "\ud800"],
    ["a key that is no atom", { "\ud800": 1 }],
    ["a native record, whose hash depends on the numbers of atoms in a VM", new NativeRecord("m", "r", true, [])],
  ])("%s, alone and inside", (_name, value) => {
    for (const term of [value, [value], new Map([[1, value]])]) {
      expect(() => phash2(term)).toThrow(expect.objectContaining({ code: "BADARG", argument: "term" }));
    }
  });
});
