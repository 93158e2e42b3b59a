import type { Term } from "./term.ts";
import { utf8Text } from "./utf8.ts";
import { BitString } from "./values.ts";

/** Puts bits one after another. */
export class BitBuilder {
  readonly #bytes: number[] = [];
  /** Bits of the byte that is not full yet. */
  #open = 0;
  #openBits = 0;

  /** Appends the lowest `size` bits of an integer. */
  integer(value: bigint, size: number): void {
    let left = size;
    while (left > 0) {
      const take = Math.min(8 - this.#openBits, left);
      left -= take;
      this.#open = (this.#open << take) | Number((value >> BigInt(left)) & BigInt((1 << take) - 1));
      this.#openBits += take;
      if (this.#openBits === 8) {
        this.#bytes.push(this.#open);
        this.#open = 0;
        this.#openBits = 0;
      }
    }
  }

  bytes(bytes: Iterable<number>): void {
    for (const byte of bytes) {
      if (this.#openBits === 0) this.#bytes.push(byte);
      else this.integer(BigInt(byte), 8);
    }
  }

  /** A string when the bytes are UTF-8, bytes when they are not, a bit string when the last is not full. */
  term(): Term {
    if (this.#openBits > 0) {
      return new BitString(Uint8Array.from([...this.#bytes, this.#open << (8 - this.#openBits)]), this.#openBits);
    }
    const bytes = Uint8Array.from(this.#bytes);
    return utf8Text(bytes) ?? bytes;
  }
}

/** The longest segment of bits that is read: more is a mistake, or an attack. */
export const MAX_SEGMENT_BITS = 65_536;
