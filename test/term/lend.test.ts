import { expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import { copyTerm, equals, inspect, Lent, lend } from "../../src/term/index.ts";

const BYTES = new Uint8Array(20_000).fill(0xff);

test("what is lent is a view of the same memory, and bytes like any others", () => {
  const lent = lend(BYTES);

  expect(lent.buffer).toBe(BYTES.buffer);
  expect(equals(lent, BYTES)).toBe(true);
  expect(inspect(lent)).toBe(inspect(BYTES));
  expect(encode([lent])).toEqual(encode([BYTES]));
  expect(decode(encode(lent))).toEqual(BYTES);
});

test("a part of a buffer can be lent", () => {
  const buffer = Buffer.from("some text");

  expect(encode(lend(buffer.subarray(5)))).toEqual(encode("text"));
});

test("what is made of lent bytes is not lent", () => {
  const lent = lend(BYTES);

  for (const made of [lent.slice(), lent.subarray(1), lent.map((byte) => byte), lent.filter(() => true)]) {
    expect(made).not.toBeInstanceOf(Lent);
  }
  expect(lend(lent.subarray(1))).toBeInstanceOf(Lent);
});

test("what stays in this process is copied, so that it may be changed at once", () => {
  const bytes = BYTES.slice();
  const [copy] = copyTerm([lend(bytes)]) as Uint8Array[];
  bytes.fill(0);

  expect(copy).toEqual(BYTES);
  expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
});

test("what is no Uint8Array, or has lost its buffer, cannot be lent", () => {
  const gone = new Uint8Array(8);
  structuredClone(gone, { transfer: [gone.buffer] });
  for (const value of ["text", [1, 2], new ArrayBuffer(8), undefined, gone]) {
    expect(() => lend(value as unknown as Uint8Array)).toThrow(expect.objectContaining({ code: "BADARG" }));
  }
});
