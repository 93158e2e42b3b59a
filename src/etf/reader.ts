import { DecodeError } from "./errors.ts";

/** Reads big-endian fields from a range of bytes, and nothing beyond it. Reuse one with {@link Reader.reset}. */
export class Reader {
  bytes: Uint8Array;
  offset: number;
  end: number;
  /** True: the bytes are given away, and what is read may be a part of them. Until the next {@link Reader.reset}. */
  givenAway = false;
  /** Kept for the next use on the same bytes. */
  #view: DataView | undefined;
  #viewOf: Uint8Array | undefined;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** Starts over on another range. */
  reset(bytes: Uint8Array, offset = 0, end = bytes.length): this {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
    this.givenAway = false;
    return this;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.end - this.offset;
  }

  /** Throws `ETF_TRUNCATED` unless that many bytes are left. Called before anything of that size is allocated. */
  need(count: number): void {
    if (count > this.end - this.offset) throw this.#truncated(count);
  }

  u8(): number {
    if (this.offset >= this.end) throw this.#truncated(1);
    return this.bytes[this.offset++]!;
  }

  /** The next byte, which is not consumed. */
  peek(): number {
    if (this.offset >= this.end) throw this.#truncated(1);
    return this.bytes[this.offset]!;
  }

  u16(): number {
    this.need(2);
    const { bytes, offset } = this;
    this.offset = offset + 2;
    return (bytes[offset]! << 8) | bytes[offset + 1]!;
  }

  i32(): number {
    this.need(4);
    const { bytes, offset } = this;
    this.offset = offset + 4;
    return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  u64(): bigint {
    this.need(8);
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  f64(): number {
    this.need(8);
    const { offset } = this;
    this.offset = offset + 8;
    return this.#viewOfBytes().getFloat64(offset);
  }

  /**
   * Skips the next `length` bytes if they are those of these big-endian words, the last of which may count in part;
   * false, and nothing skipped, otherwise. Twice as fast as comparing a few bytes one by one.
   */
  skipWords(words: Uint32Array, length: number): boolean {
    const { offset } = this;
    const last = words.length - 1;
    if (offset + length > this.end) return false;
    // At the very end of the buffer the last word is not there as a whole.
    if (offset + words.length * 4 > this.bytes.length) return this.#skipBytes(words, length);
    const view = this.#viewOfBytes();
    for (let i = 0; i < last; i++) if (view.getUint32(offset + 4 * i) !== words[i]) return false;
    const unused = 8 * (words.length * 4 - length);
    if ((view.getUint32(offset + 4 * last) ^ words[last]!) >>> unused !== 0) return false;
    this.offset = offset + length;
    return true;
  }

  #skipBytes(words: Uint32Array, length: number): boolean {
    for (let i = 0; i < length; i++) {
      if (this.bytes[this.offset + i] !== ((words[i >> 2]! >>> (24 - 8 * (i & 3))) & 0xff)) return false;
    }
    this.offset += length;
    return true;
  }

  #viewOfBytes(): DataView {
    const { bytes } = this;
    if (this.#view === undefined || this.#viewOf !== bytes) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#viewOf = bytes;
    }
    return this.#view;
  }

  /**
   * A copy of the next bytes: the range that is read from may be reused. Of bytes that were given away, those are not
   * copied that are most of them.
   */
  copy(count: number): Uint8Array {
    this.need(count);
    const start = this.offset;
    this.offset = start + count;
    if (this.givenAway && count > this.bytes.length / 2) return this.bytes.subarray(start, this.offset);
    // Not slice: on a Node.js Buffer that is a view.
    return new Uint8Array(this.bytes.subarray(start, this.offset));
  }

  #truncated(count: number): DecodeError {
    return new DecodeError("ETF_TRUNCATED", `${count} bytes are due, ${this.left} are left`, this.offset);
  }
}
