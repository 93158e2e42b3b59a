import type { Term } from "../term/index.ts";
import { DecodeError } from "./errors.ts";
import type { Reader } from "./reader.ts";
import { Tag } from "./tags.ts";
import { readLatin1 } from "./text.ts";

/** The sign and the digits, least significant first, of an integer of that many bytes. */
export function readBig(reader: Reader, length: number, maxBytes: number): number | bigint {
  if (length > maxBytes) throw new DecodeError("ETF_LIMIT", `an integer of ${length} bytes`, reader.offset);
  const negative = reader.u8() !== 0;
  const start = reader.skip(length);
  let hex = "";
  for (let at = reader.offset - 1; at >= start; at--) hex += reader.bytes[at]!.toString(16).padStart(2, "0");
  const magnitude = BigInt(`0x${hex || 0}`);
  // Negative zero is zero.
  if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(negative ? -magnitude : magnitude);
  return negative ? -magnitude : magnitude;
}

/** An integer at a place where nothing else may be. */
export function readInteger(reader: Reader, maxBytes: number): number | bigint {
  const tag = reader.u8();
  switch (tag) {
    case Tag.SmallInteger:
      return reader.u8();
    case Tag.Integer:
      return reader.i32();
    case Tag.SmallBig:
      return readBig(reader, reader.u8(), maxBytes);
    case Tag.LargeBig:
      return readBig(reader, reader.u32(), maxBytes);
    default:
      throw new DecodeError("ETF_TAG", `an integer is due, not a term with tag ${tag}`, reader.offset - 1, tag);
  }
}

/**
 * Reads the integers of up to 32 bits that come next, up to `most`, into `items`, and gives how many there are: twice
 * as fast as one by one.
 */
export function readIntegers(reader: Reader, items: Term[], most: number): number {
  const { bytes, end } = reader;
  let { offset } = reader;
  let count = 0;
  for (; count < most; count++) {
    const tag = bytes[offset];
    if (tag === Tag.Integer && offset + 5 <= end) {
      items[count] =
        (bytes[offset + 1]! << 24) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 8) | bytes[offset + 4]!;
      offset += 5;
    } else if (tag === Tag.SmallInteger && offset + 2 <= end) {
      items[count] = bytes[offset + 1]!;
      offset += 2;
    } else {
      break;
    }
  }
  reader.offset = offset;
  return count;
}

/** FLOAT_EXT: 31 bytes of text, padded with NUL. NaN when it is no number. */
export function readFloatText(reader: Reader): number {
  const start = reader.skip(31);
  const digits = readLatin1(reader.bytes, start, reader.offset).replace(/\0.*/s, "");
  return /^\s*[-+]?\d+\.\d+(e[-+]?\d+)?$/i.test(digits) ? Number(digits) : Number.NaN;
}
