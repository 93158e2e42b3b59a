/** 2^32 by the golden ratio, whose multiples keep the kinds of terms apart. */
const GOLDEN = 0x9e3779b9 | 0;

/** What is added to the words of each kind of term before they are mixed in. */
export const Salt = {
  Small: GOLDEN,
  Nil: Math.imul(GOLDEN, 2),
  Atom: Math.imul(GOLDEN, 3),
  ListBytes: Math.imul(GOLDEN, 4),
  Pid: Math.imul(GOLDEN, 5),
  Port: Math.imul(GOLDEN, 6),
  Ref: Math.imul(GOLDEN, 7),
  Tuple: Math.imul(GOLDEN, 9),
  NegativeBig: Math.imul(GOLDEN, 10),
  PositiveBig: Math.imul(GOLDEN, 11),
  Float: Math.imul(GOLDEN, 12),
  Binary: Math.imul(GOLDEN, 13),
  ExportName: Math.imul(GOLDEN, 14),
  BitsInLastByte: Math.imul(GOLDEN, 15),
  MapSize: Math.imul(GOLDEN, 16),
  MapEntries: Math.imul(GOLDEN, 19),
} as const;

/** Bytes that one mix takes in. */
const BLOCK_BYTES = 12;

/**
 * A hash of 32 bits that words and bytes are mixed into, as Bob Jenkins described it in "A Hash Function for Hash Table
 * Lookup" (1996). All words are kept as int32, with which V8 calculates fastest.
 */
export class Mixer {
  /** The hash of all that was mixed in. */
  hash = 0;
  #a = 0;
  #b = 0;

  /** Mixes in two words, each with the salt added. */
  words(x: number, y: number, salt: number): void {
    this.#a = (x + salt) | 0;
    this.#b = (y + salt) | 0;
    this.#mix();
  }

  /** Mixes in the first `length` bytes, and how many they are. */
  bytes(bytes: Uint8Array, length: number): void {
    this.#a = GOLDEN;
    this.#b = GOLDEN;
    let at = 0;
    for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) {
      this.#a = (this.#a + wordAt(bytes, at)) | 0;
      this.#b = (this.#b + wordAt(bytes, at + 4)) | 0;
      this.hash = (this.hash + wordAt(bytes, at + 8)) | 0;
      this.#mix();
    }
    // Of the last block, the lowest byte of the third word is taken by the length.
    this.#a = (this.#a + wordUpTo(bytes, at, length)) | 0;
    this.#b = (this.#b + wordUpTo(bytes, at + 4, length)) | 0;
    this.hash = (this.hash + (wordUpTo(bytes, at + 8, length) << 8) + length) | 0;
    this.#mix();
  }

  #mix(): void {
    // A difference of three int32 is exact in a number, and ^ cuts it to 32 bits.
    let a = this.#a;
    let b = this.#b;
    let c = this.hash;
    a = (a - b - c) ^ (c >>> 13);
    b = (b - c - a) ^ (a << 8);
    c = (c - a - b) ^ (b >>> 13);
    a = (a - b - c) ^ (c >>> 12);
    b = (b - c - a) ^ (a << 16);
    c = (c - a - b) ^ (b >>> 5);
    a = (a - b - c) ^ (c >>> 3);
    b = (b - c - a) ^ (a << 10);
    c = (c - a - b) ^ (b >>> 15);
    this.#a = a;
    this.#b = b;
    this.hash = c;
  }
}

/** The word of four bytes, the first the lowest. */
const wordAt = (bytes: Uint8Array, at: number) =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** The same of the bytes before `end`, of which there may be fewer than four, or none. */
function wordUpTo(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = Math.min(at + 4, end) - 1; i >= at; i--) word = (word << 8) | bytes[i]!;
  return word;
}
