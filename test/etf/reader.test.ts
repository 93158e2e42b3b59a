import { expect, test } from "vitest";
import { Reader } from "../../src/etf/index.ts";

test("fields are read big-endian, within the range only", () => {
  const bytes = Uint8Array.of(9, 1, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfd, 0, 0, 0, 1, 0, 0, 0, 2, 9);
  const reader = new Reader(bytes, 1, 16);

  expect(reader.peek()).toBe(1);
  expect(reader.u8()).toBe(1);
  expect(reader.u16()).toBe(0xfffe);
  expect(reader.i32()).toBe(-3);
  expect(reader.u64()).toBe(0x1_0000_0002n);
  expect(reader.left).toBe(0);
  expect(() => reader.u8()).toThrow(expect.objectContaining({ code: "ETF_TRUNCATED", offset: 16 }));
});

test("a double is read as the BEAM writes it", () => {
  // term_to_binary(-0.1) on OTP 25, without its first two bytes
  expect(new Reader(Buffer.from("bfb999999999999a", "hex")).f64()).toBe(-0.1);
});

test("copied bytes are plain and do not follow the buffer they came from", () => {
  const buffer = Buffer.from([1, 2, 3]);
  const copy = new Reader(buffer).copy(2);
  buffer.fill(9);

  expect(copy).toEqual(Uint8Array.of(1, 2));
  expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
});

test("nothing is allocated for a length that cannot be there", () => {
  expect(() => new Reader(new Uint8Array(4)).copy(2 ** 32)).toThrow(expect.objectContaining({ code: "ETF_TRUNCATED" }));
});
