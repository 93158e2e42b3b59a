import { unsupported } from "./encode-problem.ts";
import { Tag } from "./tags.ts";
import type { Writer } from "./writer.ts";

const MAX_STRING_LENGTH = 65_535;

/** Integral numbers are integers, whatever their size; -0 is a float, since no integer is. */
export function writeNumber(writer: Writer, value: number): void {
  if (value === (value | 0) && (value !== 0 || 1 / value > 0)) writeInt32(writer, value);
  else if (!Number.isFinite(value)) throw unsupported(String(value));
  else if (Number.isInteger(value) && value !== 0) writeBigint(writer, BigInt(value));
  else writeFloat(writer, value);
}

export function writeInt32(writer: Writer, value: number): void {
  if (value >= 0 && value <= 255) writer.u16((Tag.SmallInteger << 8) | value);
  else writer.tagged32(Tag.Integer, value);
}

export function writeFloat(writer: Writer, value: number): void {
  writer.u8(Tag.NewFloat);
  writer.f64(value);
}

export function writeBigint(writer: Writer, value: bigint): void {
  if (BigInt.asIntN(32, value) === value) {
    writeInt32(writer, Number(value));
    return;
  }
  const negative = value < 0n;
  let hex = (negative ? -value : value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const length = hex.length / 2;
  if (length <= 255) writer.u16((Tag.SmallBig << 8) | length);
  else writer.tagged32(Tag.LargeBig, length);
  writer.u8(negative ? 1 : 0);
  writer.reserve(length);
  for (let at = hex.length - 2; at >= 0; at -= 2) writer.u8(Number.parseInt(hex.slice(at, at + 2), 16));
}

/** Writes a list of bytes in its short form; false, and nothing written, when it holds anything else. */
export function writeByteList(writer: Writer, items: readonly unknown[]): boolean {
  const { length } = items;
  if (length > MAX_STRING_LENGTH || !isByte(items[0])) return false;
  writer.reserve(3 + length);
  const { bytes, offset } = writer;
  for (let i = 0; i < length; i++) {
    const item = items[i];
    if (!isByte(item)) return false;
    bytes[offset + 3 + i] = item;
  }
  bytes[offset] = Tag.String;
  bytes[offset + 1] = length >> 8;
  bytes[offset + 2] = length;
  writer.offset = offset + 3 + length;
  return true;
}

/** Integers for which room is made at once. */
const RUN = 64;

/** Writes the integers of up to 32 bits that a list starts with, and gives how many there are: faster than one by one. */
export function writeIntegers(writer: Writer, items: readonly unknown[]): number {
  let count = 0;
  for (;;) {
    writer.reserve(5 * RUN);
    const { bytes } = writer;
    let { offset } = writer;
    const end = Math.min(count + RUN, items.length);
    for (; count < end; count++) {
      const item = items[count];
      if (typeof item !== "number" || item !== (item | 0) || (item === 0 && 1 / item < 0)) break;
      if (item >= 0 && item <= 255) {
        bytes[offset] = Tag.SmallInteger;
        bytes[offset + 1] = item;
        offset += 2;
      } else {
        bytes[offset] = Tag.Integer;
        bytes[offset + 1] = item >> 24;
        bytes[offset + 2] = item >> 16;
        bytes[offset + 3] = item >> 8;
        bytes[offset + 4] = item;
        offset += 5;
      }
    }
    writer.offset = offset;
    if (count < end || count === items.length) return count;
  }
}

/** -0 is none, but a float. */
function isByte(value: unknown): value is number {
  return typeof value === "number" && (value & 0xff) === value && (value !== 0 || 1 / value > 0);
}
