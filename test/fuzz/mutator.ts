import { SeededRandom } from "../../src/testing/index.ts";

/** Bytes and lengths at which readers go wrong. */
const EDGE_BYTES = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, 70, 82, 97, 104, 108, 116, 131];
const EDGE_LENGTHS = [0, 1, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Spoils bytes, repeatably: everything it does follows from its seed. */
export class Mutator extends SeededRandom {
  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.u32() >>> 24;
    return bytes;
  }

  /** A copy with one to four things wrong; sometimes with none. */
  mutate(original: Uint8Array): Uint8Array {
    let bytes = new Uint8Array(original);
    for (let wrongs = this.below(5); wrongs > 0; wrongs--) bytes = this.#spoil(bytes);
    return bytes;
  }

  /** Packets of which some are mutated, missing, doubled, out of order, or those of another conversation. */
  mutateAll(packets: readonly Uint8Array[], others: readonly Uint8Array[]): Uint8Array[] {
    const result = [...packets];
    for (let wrongs = this.below(4); wrongs > 0 && result.length > 0; wrongs--) {
      const [at, to] = [this.below(result.length), this.below(result.length)];
      switch (this.below(6)) {
        case 0:
          result.splice(at, 1);
          break;
        case 1:
          result.splice(at, 0, result[to]!);
          break;
        case 2:
          result.splice(to, 0, ...result.splice(at, 1));
          break;
        case 3:
          result.splice(at, 0, this.pick(others));
          break;
        default:
          result[at] = this.mutate(result[at]!);
      }
    }
    return result;
  }

  /** The same bytes in pieces: as one, at every byte, or anywhere. */
  split(bytes: Uint8Array): Uint8Array[] {
    const kind = this.below(3);
    if (kind === 0) return [bytes];
    const most = kind === 1 ? 1 : 1 + this.below(bytes.length + 1);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + 1 + this.below(most));
      pieces.push(piece);
      at += piece.length;
    }
    return pieces;
  }

  #spoil(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const at = this.below(bytes.length + 1);
    switch (this.below(8)) {
      case 0:
        return bytes.slice(0, at);
      case 1:
        if (at < bytes.length) bytes[at]! ^= 1 << this.below(8);
        return bytes;
      case 2:
        if (at < bytes.length) bytes[at] = this.pick(EDGE_BYTES);
        return bytes;
      case 3:
        return this.#lie(bytes, at);
      case 4:
        return joined(bytes.subarray(0, at), this.bytes(1 + this.below(8)), bytes.subarray(at));
      case 5:
        return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + this.below(4)));
      case 6: {
        const part = bytes.subarray(at, at + 1 + this.below(16));
        return joined(bytes.subarray(0, at), part, bytes.subarray(at));
      }
      default:
        if (at < bytes.length) bytes[at] = this.u32() >>> 24;
        return bytes;
    }
  }

  /** A length of 1, 2 or 4 bytes that is not true. */
  #lie(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
    const size = this.pick([1, 2, 4]);
    if (at + size > bytes.length) return bytes;
    const length = this.once(2) ? this.pick(EDGE_LENGTHS) : bytes.length + this.below(9) - 4;
    for (let i = 0; i < size; i++) bytes[at + i] = (length >>> (8 * (size - 1 - i))) & 0xff;
    return bytes;
  }
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes with their length before them. */
export function framed(bytes: Uint8Array, lengthBytes: 2 | 4): Uint8Array {
  const length = new Uint8Array(lengthBytes);
  for (let i = 0; i < lengthBytes; i++) length[i] = (bytes.length >>> (8 * (lengthBytes - 1 - i))) & 0xff;
  return joined(length, bytes);
}
