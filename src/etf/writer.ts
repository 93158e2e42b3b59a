import { utf8Room, writeUtf8 } from "./text.ts";

const DEFAULT_BLOCK_BYTES = 4096;
/** Characters up to which a loop is faster than a call out of JavaScript. */
const MAX_SHORT = 28;

/** Where a {@link Writer} has its blocks from. Their content has no meaning. */
export interface Blocks {
  /** A block of at least so many bytes, from the start of its buffer. */
  take(bytes: number): Uint8Array;
  /** A block that is used no more. */
  give(block: Uint8Array): void;
}

const newBlocks: Blocks = {
  take: (bytes) => new Uint8Array(bytes),
  give() {},
};

/**
 * A growing buffer of big-endian fields. What was written is a range of the block being filled. Nothing is copied when
 * it is taken; a block is copied only when it has to grow.
 */
export class Writer {
  /** The block being filled, from the start of its buffer. Changes whenever room is made: read it again after {@link Writer.reserve}. */
  bytes: Uint8Array;
  /** Where in the block the next byte goes. */
  offset = 0;
  /**
   * Asked for all bytes that would be copied in, with the mark at which they belong: true when they come from elsewhere, so that
   * nothing is written for them.
   */
  lender: ((bytes: Uint8Array, mark: number) => boolean) | undefined;
  /** Where in the block that begins which was not taken. */
  #start = 0;
  readonly #blockBytes: number;
  readonly #blocks: Blocks;
  /** Of the current block. */
  #view: DataView;

  /**
   * @param blockBytes - size of a block; larger ones are made only for larger chunks.
   * @param blocks - where blocks come from; by default they are made anew.
   */
  constructor(blockBytes = DEFAULT_BLOCK_BYTES, blocks: Blocks = newBlocks) {
    this.#blockBytes = blockBytes;
    this.#blocks = blocks;
    this.bytes = blocks.take(blockBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Bytes written and not taken. */
  get size(): number {
    return this.offset - this.#start;
  }

  /** A place to {@link Writer.rewind} to. It is the size, so two marks tell how much was written between them. */
  mark(): number {
    return this.size;
  }

  /** Forgets everything that was written after the mark. */
  rewind(mark: number): void {
    this.offset = this.#start + mark;
  }

  /** Makes room for that many more bytes in the block. */
  reserve(count: number): void {
    if (this.offset + count > this.bytes.length) this.#grow(count);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.offset++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.#view.setUint16(this.offset, value);
    this.offset += 2;
  }

  /** Signed and unsigned alike. */
  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.offset, value);
    this.offset += 4;
  }

  /** A tag and four bytes. */
  tagged32(tag: number, value: number): void {
    this.reserve(5);
    const { bytes, offset } = this;
    bytes[offset] = tag;
    this.#view.setUint32(offset + 1, value);
    this.offset = offset + 5;
  }

  u64(value: bigint): void {
    this.reserve(8);
    this.#view.setBigUint64(this.offset, value);
    this.offset += 8;
  }

  f64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.offset, value);
    this.offset += 8;
  }

  /** Copies the bytes in. */
  copy(bytes: Uint8Array): void {
    if (this.lender?.(bytes, this.size)) return;
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  /** Writes a well-formed text as UTF-8 and gives its bytes. */
  utf8(text: string): number {
    this.reserve(utf8Room(text));
    const written = writeUtf8(this.bytes, this.offset, text);
    this.offset += written;
    return written;
  }

  /**
   * Writes the first `length` bytes of big-endian words, the last of which may be used in part. For a few bytes that
   * is twice as fast as a loop over them, and four times as fast as {@link Writer.copy}.
   */
  words(words: Uint32Array, length: number): void {
    this.reserve(words.length * 4);
    const { offset } = this;
    for (let i = 0; i < words.length; i++) this.#view.setUint32(offset + 4 * i, words[i]!);
    this.offset = offset + length;
  }

  /**
   * Writes a tag, a 32-bit length and a text of up to 28 characters, in UTF-8; false, and nothing written, for longer texts and
   * those with surrogates. For short ones a loop is several times faster than a call out of JavaScript.
   */
  shortText(tag: number, text: string): boolean {
    const { length } = text;
    if (length > MAX_SHORT) return false;
    this.reserve(5 + 3 * length);
    const { bytes } = this;
    const start = this.offset + 5;
    let at = start;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x80) bytes[at++] = code;
      else if (code < 0x800) {
        bytes[at++] = 0xc0 | (code >> 6);
        bytes[at++] = 0x80 | (code & 0x3f);
      } else if ((code & 0xf800) === 0xd800) return false;
      else {
        bytes[at++] = 0xe0 | (code >> 12);
        bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[at++] = 0x80 | (code & 0x3f);
      }
    }
    bytes[start - 5] = tag;
    bytes[start - 4] = 0;
    bytes[start - 3] = 0;
    bytes[start - 2] = 0;
    bytes[start - 1] = at - start;
    this.offset = at;
    return true;
  }

  /** Overwrites the four bytes that were written after a mark. */
  patch32(mark: number, value: number): void {
    this.#view.setUint32(this.#start + mark, value);
  }

  /**
   * Everything that was written, uncopied; the writer is empty afterwards. The bytes stay as they are: what is written
   * later goes to the rest of the block, or to another one.
   */
  take(): Uint8Array {
    const start = this.#start;
    this.#start = this.offset;
    // Not subarray, which looks for a class to make.
    return new Uint8Array(this.bytes.buffer, start, this.offset - start);
  }

  /**
   * Takes what was written after the mark, uncopied. What was written before it moves to another block, so that nothing
   * overwrites what was taken.
   */
  detach(mark: number): Uint8Array {
    const { bytes, offset: end } = this;
    const at = this.#start + mark;
    this.#moveTo(mark, at);
    return bytes.subarray(at, end);
  }

  /** Empties the writer and goes back to the start of its block, which overwrites what was taken from it. */
  reuse(): void {
    this.#start = 0;
    this.offset = 0;
  }

  /**
   * As {@link Writer.reuse}, in another block of at least so many bytes, so that what was taken stays. Gives the block that
   * it is in.
   */
  replace(blockBytes: number): Uint8Array {
    const { bytes } = this;
    this.#moveTo(blockBytes, this.#start);
    return bytes;
  }

  #grow(count: number): void {
    const { bytes } = this;
    const holdsAll = this.#start === 0;
    this.#moveTo(this.size * 2 + count, this.offset);
    if (holdsAll) this.#blocks.give(bytes);
  }

  /** Moves what was not taken, up to `end`, to a block of at least so many bytes. */
  #moveTo(size: number, end: number): void {
    const kept = this.bytes.subarray(this.#start, end);
    const block = this.#blocks.take(Math.max(this.#blockBytes, size));
    block.set(kept);
    this.bytes = block;
    this.#view = new DataView(block.buffer);
    this.#start = 0;
    this.offset = kept.length;
  }
}
