import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import {
  atom,
  copyTerm,
  DEFAULT_MAX_DEPTH,
  EncodeError,
  Float,
  float,
  ImproperList,
  mod,
  Structs,
  tuple,
} from "../../src/term/index.ts";
import { canonicalTerm, wildTerm } from "../support/arbitrary-term.ts";

const PROFILES = [{}, { floats: "exact" }, { binaries: "bytes" }, { floats: "exact", binaries: "bytes" }] as const;

test.each(PROFILES)("a copy is what decoding gives for the encoded value, under the profile %j", (profile) => {
  fc.assert(
    fc.property(wildTerm, (value) => {
      deepStrictEqual(copyTerm(value, profile), decode(encode(value), profile));
    }),
    { numRuns: 250 },
  );
});

test("a term as decoding gives it is copied to the same", () => {
  fc.assert(
    fc.property(canonicalTerm, (term) => {
      deepStrictEqual(copyTerm(term), term);
    }),
    { numRuns: 250 },
  );
});

const circular: unknown[] = [];
circular.push(circular);
const deep = (levels: number) => {
  let term: unknown = 1;
  for (let i = 0; i < levels; i++) term = [term];
  return term;
};

describe("refusals are those of the encoder, path and all", () => {
  test.each<[string, unknown, string, string]>([
    ["a Date", { a: [new Date()] }, "ETF_UNSUPPORTED", "a[0]"],
    ["a Set", new Set(), "ETF_UNSUPPORTED", ""],
    ["a function", tuple(1, () => 1), "ETF_UNSUPPORTED", "[1]"],
    ["a symbol", [Symbol("x")], "ETF_UNSUPPORTED", "[0]"],
    ["NaN", { price: Number.NaN }, "ETF_UNSUPPORTED", "price"],
    ["infinity", [Number.POSITIVE_INFINITY], "ETF_UNSUPPORTED", "[0]"],
    ["a lone surrogate", ["ok", "\ud800"], "ETF_SURROGATE", "[1]"],
    ["a key that is too long for an atom", { a: { ["k".repeat(256)]: 1 } }, "ETF_ATOM", "a"],
    [
      "the same key twice",
      {
        m: new Map<unknown, unknown>([
          [1, 1],
          [1n, 2],
        ]),
      },
      "ETF_DUPLICATE_KEY",
      "m",
    ],
    ["a value that contains itself", circular, "ETF_DEPTH", ""],
    ["a value under a Map's key", new Map([["sku", new Date()]]), "ETF_UNSUPPORTED", '["sku"]'],
    ["something in a Map's key", new Map([[[new Date()], 1]]), "ETF_UNSUPPORTED", ""],
  ])("%s", (_name, value, code, path) => {
    // biome-ignore format: a table
    const refusal = (attempt: () => unknown) => {
      try {
        attempt();
      } catch (error) {
        if (error instanceof EncodeError) return error;
        throw error;
      }
      throw new Error("it was not refused");
    };
    const copied = refusal(() => copyTerm(value, { maxDepth: 100 }));
    const encoded = refusal(() => encode(value, { maxDepth: 100 }));

    expect(copied.code).toBe(code);
    expect(encoded.code).toBe(code);
    expect(copied.path).toBe(encoded.path);
    if (code !== "ETF_DEPTH" && path !== "") expect(copied.path).toContain(path);
  });

  test("the same depth is the last that is sent", () => {
    for (const send of [copyTerm, encode]) {
      expect(() => send(deep(500), { maxDepth: 500 })).not.toThrow();
      expect(() => send(deep(501), { maxDepth: 500 })).toThrow(expect.objectContaining({ code: "ETF_DEPTH" }));
    }
    expect(() => copyTerm(deep(DEFAULT_MAX_DEPTH))).not.toThrow();
    expect(() => copyTerm(deep(DEFAULT_MAX_DEPTH + 1))).toThrow(expect.objectContaining({ code: "ETF_DEPTH" }));
  });
});

test("nothing that can be changed is shared", () => {
  const bytes = Uint8Array.of(255);
  const value = { list: [1, bytes], tail: new ImproperList([bytes], atom("t")) };

  const copy = copyTerm(value) as typeof value;
  value.list.push(2);
  bytes[0] = 0;

  expect(copy.list).toEqual([1, Uint8Array.of(255)]);
  expect(copy.tail.items).toEqual([Uint8Array.of(255)]);
});

test("a registered class arrives as an instance whose constructor has not run", () => {
  let made = 0;
  class Order {
    id = 7;
    constructor() {
      made++;
    }
  }
  const structs = new Structs().register("Shop.Order", Order);

  const copy = copyTerm([new Order()], { structs }) as unknown[];

  expect(copy[0]).toBeInstanceOf(Order);
  expect(copy[0]).toEqual({ id: 7 });
  expect(made).toBe(1);
  expect(copyTerm({ __struct__: mod("Shop.Order"), id: 8 }, { structs })).toBeInstanceOf(Order);
  expect(copyTerm(new Order(), { structs })).toStrictEqual(decode(encode(new Order(), { structs }), { structs }));
});

test("keys keep their floats whatever the profile", () => {
  const copy = copyTerm(new Map([[float(1), float(1)]])) as Map<unknown, unknown>;

  expect([...copy]).toEqual([[new Float(1), 1]]);
});
