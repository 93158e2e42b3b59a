import { Encoder, type EncoderOptions } from "./encoder.ts";
import type { Deflate } from "./options.ts";
import { Tag, VERSION } from "./tags.ts";
import { Writer } from "./writer.ts";

export interface EncodeOptions extends Omit<EncoderOptions, "atomBudget"> {
  /** Compresses the term where that makes it smaller; without it no term is compressed. */
  readonly deflate?: Deflate;
}

/** Results are cut from blocks of this size, since making a buffer for each takes longer than encoding a message. */
const BLOCK_BYTES = 16_384;

/**
 * The codec for calls without options. Nothing of one call shows in another: it remembers the bytes of atoms, and has
 * a block to write to. Taken while in use, so that a getter may encode too.
 */
let idle: Codec | undefined;

class Codec {
  readonly #encoder: Encoder;
  readonly #writer = new Writer(BLOCK_BYTES);

  constructor(options: EncoderOptions) {
    this.#encoder = new Encoder(options);
  }

  encode(value: unknown): Uint8Array {
    const writer = this.#writer;
    writer.rewind(0); // what a call that failed has left
    writer.u8(VERSION);
    this.#encoder.write(writer, value);
    return writer.take();
  }
}

/**
 * Encodes a term that stands alone, with its version byte: what `binary_to_term` reads.
 *
 * @param value - anything that the table of `docs/terms.md` has a row for, nested as it likes.
 * @returns the bytes; like those of a small `Buffer` they may be a part of a larger `ArrayBuffer`.
 * @throws EncodeError with a code and the path to the part that cannot be encoded.
 */
export function encode(value: unknown, options?: EncodeOptions): Uint8Array {
  if (options !== undefined) {
    const plain = new Codec(options).encode(value);
    return options.deflate === undefined ? plain : compressed(plain, options.deflate);
  }
  const codec = idle ?? new Codec({});
  idle = undefined;
  try {
    return codec.encode(value);
  } finally {
    idle = codec;
  }
}

/** The term in its compressed form if that is smaller. */
function compressed(plain: Uint8Array, deflate: Deflate): Uint8Array {
  const stream = deflate(plain.subarray(1));
  if (stream.length + 6 >= plain.length) return plain;
  const writer = new Writer(stream.length + 6);
  writer.u8(VERSION);
  writer.u8(Tag.Compressed);
  writer.u32(plain.length - 1);
  writer.copy(stream);
  return writer.take();
}
