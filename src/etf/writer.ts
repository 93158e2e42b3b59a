import { utf8Room, writeUtf8 } from "./text.ts";

const DEFAULT_BLOCK_BYTES = 4096;
/** Characters up to which a loop is faster than a call out of JavaScript. */
const MAX_SHORT = 28;

/** A finished piece: a range of a block, or bytes that were lent. `before` is the size of all pieces before it. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly before: number;
  readonly lent: boolean;
}

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
 * A growing buffer of big-endian fields.
 *
 * What was written is a sequence of chunks: the block being filled, and, where {@link Writer.lend} was used, the bytes
 * that were lent with the parts of blocks between them. Without it there is one chunk. Nothing is copied when the
 * chunks are taken; a block is copied only when it has to grow.
 */
export class Writer {
  /** The block being filled, from the start of its buffer. Changes whenever room is made: read it again after {@link Writer.reserve}. */
  bytes: Uint8Array;
  /** Where in the block the next byte goes. */
  offset = 0;
  /** Where in the block the current chunk begins. */
  #start = 0;
  /** Size of the finished pieces. */
  #before = 0;
  readonly #pieces: Piece[] = [];
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
    return this.#before + this.offset - this.#start;
  }

  /** A place to {@link Writer.rewind} to. It is the size, so two marks tell how much was written between them. */
  mark(): number {
    return this.size;
  }

  /** Forgets everything that was written after the mark. */
  rewind(mark: number): void {
    while (mark < this.#before) {
      const piece = this.#pieces.pop()!;
      this.#before = piece.before;
      if (piece.lent) {
        this.#start = this.offset;
      } else {
        this.#fill(piece.bytes);
        this.#start = piece.start;
        this.offset = piece.end;
      }
    }
    this.offset = this.#start + (mark - this.#before);
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
    const { bytes, offset } = this;
    bytes[offset] = value >>> 8;
    bytes[offset + 1] = value;
    this.offset = offset + 2;
  }

  /** Signed and unsigned alike. */
  u32(value: number): void {
    this.reserve(4);
    const { bytes, offset } = this;
    bytes[offset] = value >>> 24;
    bytes[offset + 1] = value >>> 16;
    bytes[offset + 2] = value >>> 8;
    bytes[offset + 3] = value;
    this.offset = offset + 4;
  }

  /** A tag and four bytes. */
  tagged32(tag: number, value: number): void {
    this.reserve(5);
    const { bytes, offset } = this;
    bytes[offset] = tag;
    bytes[offset + 1] = value >>> 24;
    bytes[offset + 2] = value >>> 16;
    bytes[offset + 3] = value >>> 8;
    bytes[offset + 4] = value;
    this.offset = offset + 5;
  }

  u64(value: bigint): void {
    this.u32(Number((value >> 32n) & 0xffff_ffffn));
    this.u32(Number(value & 0xffff_ffffn));
  }

  f64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.offset, value);
    this.offset += 8;
  }

  /** Copies the bytes in. */
  copy(bytes: Uint8Array): void {
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
   * Writes a tag, a 32-bit length and a text of up to 28 ASCII characters; false, and nothing written, for any other
   * text. For such ones a loop is several times faster than a call out of JavaScript.
   */
  shortAscii(tag: number, text: string): boolean {
    const { length } = text;
    if (length > MAX_SHORT) return false;
    this.reserve(5 + length);
    const { bytes } = this;
    const start = this.offset + 5;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[start + i] = code;
    }
    bytes[start - 5] = tag;
    bytes[start - 4] = 0;
    bytes[start - 3] = 0;
    bytes[start - 2] = 0;
    bytes[start - 1] = length;
    this.offset = start + length;
    return true;
  }

  /** Overwrites the four bytes that were written after a mark. */
  patch32(mark: number, value: number): void {
    let bytes = this.bytes;
    let at = this.#start + mark - this.#before;
    if (mark < this.#before) {
      const piece = this.#pieces.findLast(({ before }) => before <= mark)!;
      bytes = piece.bytes;
      at = piece.start + mark - piece.before;
    }
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /** Takes the bytes as a chunk of their own, uncopied. They must not change until the chunk has been used. */
  lend(bytes: Uint8Array): void {
    this.#finishPiece();
    this.#pieces.push({ bytes, start: 0, end: bytes.length, before: this.#before, lent: true });
    this.#before += bytes.length;
  }

  /**
   * Everything that was written, in order and uncopied; the writer is empty afterwards. The chunks stay as they are:
   * what is written later goes to the rest of the block, or to another one.
   */
  take(): Uint8Array[] {
    if (this.#pieces.length === 0) {
      const chunk = this.bytes.subarray(this.#start, this.offset);
      this.#start = this.offset;
      return chunk.length === 0 ? [] : [chunk];
    }
    this.#finishPiece();
    const chunks = this.#pieces.map(({ bytes, start, end }) => bytes.subarray(start, end));
    this.#pieces.length = 0;
    this.#before = 0;
    return chunks;
  }

  /** Everything that was written, as one chunk, as {@link Writer.take} gives it. Nothing may have been lent. */
  takeWhole(): Uint8Array {
    const { offset: end } = this;
    const start = this.#start;
    this.#start = end;
    // Not subarray, which looks for a class to make.
    return new Uint8Array(this.bytes.buffer, start, end - start);
  }

  /**
   * Takes what was written after the mark as one piece, uncopied. What was written before it moves to another block, so
   * that nothing overwrites the piece. Since the mark nothing may have been lent.
   */
  detach(mark: number): Uint8Array {
    const { bytes, offset: end } = this;
    const at = this.#start + mark - this.#before;
    const kept = bytes.subarray(this.#start, at);
    this.#fill(this.#blocks.take(Math.max(this.#blockBytes, kept.length)));
    this.bytes.set(kept);
    this.offset = kept.length;
    this.#start = 0;
    return bytes.subarray(at, end);
  }

  /** Empties the writer and goes back to the start of its block, which overwrites chunks that were taken from it. */
  reuse(): void {
    this.#pieces.length = 0;
    this.#before = 0;
    this.#start = 0;
    this.offset = 0;
  }

  /** As {@link Writer.reuse}, in another block, so that chunks which were taken stay. Gives the block that they are in. */
  replace(): Uint8Array {
    const { bytes } = this;
    this.#fill(this.#blocks.take(this.#blockBytes));
    this.reuse();
    return bytes;
  }

  /** Writes to this block from now on. */
  #fill(block: Uint8Array): void {
    this.bytes = block;
    this.#view = new DataView(block.buffer);
  }

  #finishPiece(): void {
    const { bytes, offset: end } = this;
    if (end === this.#start) return;
    this.#pieces.push({ bytes, start: this.#start, end, before: this.#before, lent: false });
    this.#before += end - this.#start;
    this.#start = end;
  }

  /** Moves the current chunk to a larger block. */
  #grow(count: number): void {
    const { bytes } = this;
    const chunk = bytes.subarray(this.#start, this.offset);
    const grown = this.#blocks.take(Math.max(this.#blockBytes, chunk.length * 2 + count));
    grown.set(chunk);
    if (this.#start === 0) this.#blocks.give(bytes);
    this.#fill(grown);
    this.offset = chunk.length;
    this.#start = 0;
  }
}
