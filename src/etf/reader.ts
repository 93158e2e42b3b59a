import { DecodeError } from "./errors.ts";

/** Reads big-endian fields from a range of bytes, and nothing beyond it. Reuse one with {@link Reader.reset}. */
export class Reader {
  bytes: Uint8Array;
  offset: number;
  end: number;
  /** True: the bytes are given away, and what is read may be a part of them. Until the next {@link Reader.reset}. */
  givenAway = false;
  /** True: what was read has a part of the bytes that are given away. Until the next {@link Reader.reset}. */
  isHeld = false;
  /** One float: faster than making a view of every range that has one. */
  readonly #scratch = new DataView(new ArrayBuffer(8));

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
    this.isHeld = false;
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
    this.#scratch.setInt32(0, this.i32());
    this.#scratch.setInt32(4, this.i32());
    return this.#scratch.getFloat64(0);
  }

  /** Passes over that many bytes, and gives where they start. */
  skip(count: number): number {
    this.need(count);
    const { offset } = this;
    this.offset = offset + count;
    return offset;
  }

  /**
   * A copy of the next bytes: the range that is read from may be reused. Of bytes that were given away, those are not
   * copied that are most of their buffer.
   */
  copy(count: number): Uint8Array {
    const start = this.skip(count);
    if (this.givenAway && count > this.bytes.buffer.byteLength / 2) {
      this.isHeld = true;
      return this.bytes.subarray(start, this.offset);
    }
    // Not slice: on a Node.js Buffer that is a view.
    return new Uint8Array(this.bytes.subarray(start, this.offset));
  }

  #truncated(count: number): DecodeError {
    return new DecodeError("ETF_TRUNCATED", `${count} bytes are due, ${Math.max(0, this.left)} are left`, this.offset);
  }
}
