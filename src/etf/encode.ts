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
  readonly encoder: Encoder;
  readonly writer = new Writer(BLOCK_BYTES);

  constructor(options: EncoderOptions) {
    this.encoder = new Encoder(options);
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
  if (options !== undefined) return encodeWith(new Codec(options), value, options.deflate);
  const codec = idle ?? new Codec({});
  idle = undefined;
  try {
    return encodeWith(codec, value, undefined);
  } finally {
    idle = codec;
  }
}

function encodeWith({ encoder, writer }: Codec, value: unknown, deflate: Deflate | undefined): Uint8Array {
  const mark = writer.mark();
  writer.u8(VERSION);
  try {
    encoder.write(writer, value);
  } catch (error) {
    writer.rewind(mark);
    throw error;
  }
  const plain = joined(writer.take());
  return deflate === undefined ? plain : compressed(plain, deflate);
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
  return joined(writer.take());
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
