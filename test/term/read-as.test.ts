import { expect, test } from "vitest";
import {
  asBytes,
  asList,
  asMap,
  asObject,
  asString,
  atom,
  charlist,
  ImproperList,
  stringKeys,
  tuple,
} from "../../src/term/index.ts";

test("a map is a Map whatever keys it happened to have", () => {
  expect(asMap({})).toEqual(new Map());
  expect(asMap({ a: 1, nil: 2 })).toEqual(new Map<unknown, unknown>([[atom("a"), 1], [null, 2]])); // biome-ignore format: short
  const map = new Map([["a", 1]]);
  expect(asMap(map)).toBe(map);
});

test("a map is an object when its keys are atoms or strings", () => {
  expect(asObject(new Map([["a", 1]]))).toEqual({ a: 1 });
  expect(asObject({ a: 1 })).toEqual({ a: 1 });
  expect(Object.keys(asObject(new Map([["__proto__", 1]])))).toEqual(["__proto__"]);
});

test("a binary is bytes, text or not", () => {
  expect(asBytes("é")).toEqual(Uint8Array.of(0xc3, 0xa9));
  expect(asBytes(Uint8Array.of(255))).toEqual(Uint8Array.of(255));
});

test("text is text as binary, bytes, charlist or atom", () => {
  expect(asString("a")).toBe("a");
  expect(asString(Uint8Array.of(0xc3, 0xa9))).toBe("é");
  expect(asString(charlist("é😀"))).toBe("é😀");
  expect(asString(atom("ok"))).toBe("ok");
  expect(asString([])).toBe("");
});

test("a list is a list", () => {
  expect(asList([1])).toEqual([1]);
});

test("an object gets string keys by stringKeys", () => {
  expect(stringKeys({ a: 1 })).toEqual(new Map([["a", 1]]));
});

test.each<[string, () => unknown]>([
  ["asMap of a list", () => asMap([])],
  ["asMap of a Date", () => asMap(new Date())],
  ["asObject with a number as key", () => asObject(new Map([[1, 1]]))],
  [
    "asObject with an atom and a string of one text",
    () =>
      asObject(
        new Map<unknown, unknown>([
          [atom("a"), 1],
          ["a", 1],
        ]),
      ),
  ],
  ["asObject of nil", () => asObject(null)],
  ["asBytes of a charlist", () => asBytes([97])],
  ["asString of bytes that are not UTF-8", () => asString(Uint8Array.of(255))],
  ["asString of nil", () => asString(null)],
  ["asString of a list that is no text", () => asString([-1])],
  ["asString of a surrogate's code", () => asString([0xd800])],
  ["asList of a tuple", () => asList(tuple(1))],
  ["asList of an improper list", () => asList(new ImproperList([1], 2))],
  ["stringKeys of a Map", () => stringKeys(new Map() as never)],
])("%s is BADARG", (_name, read) => {
  // biome-ignore format: a table
  expect(read).toThrow(expect.objectContaining({ code: "BADARG" }));
});
