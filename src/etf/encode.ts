import { Encoder, type EncoderOptions } from "./encoder.ts";
import type { Deflate } from "./options.ts";
import { Tag, VERSION } from "./tags.ts";
import { Writer } from "./writer.ts";

export interface EncodeOptions extends Omit<EncoderOptions, "atomBudget"> {
  /** Compresses the term where that makes it smaller; without it no term is compressed. */
  readonly deflate?: Deflate;
}

/**
 * Encodes a term that stands alone, with its version byte: what `binary_to_term` reads.
 *
 * @param value - anything that the table of `docs/terms.md` has a row for, nested as it likes.
 * @throws EncodeError with a code and the path to the part that cannot be encoded.
 */
export function encode(value: unknown, options: EncodeOptions = {}): Uint8Array {
  const writer = new Writer();
  writer.u8(VERSION);
  new Encoder(options).write(writer, value);
  const plain = joined(writer.take());
  return options.deflate === undefined ? plain : compressed(plain, options.deflate);
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
