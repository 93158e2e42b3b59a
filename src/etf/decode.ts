import type { Term } from "../term/index.ts";
import { Decoder } from "./decoder.ts";
import { DecodeError } from "./errors.ts";
import { DEFAULT_DECODE_LIMITS, type DecodeLimits, type Inflate, type Profile } from "./options.ts";
import { Reader } from "./reader.ts";
import { Tag, VERSION } from "./tags.ts";

export interface DecodeOptions extends Profile {
  /** Bounds that differ from {@link DEFAULT_DECODE_LIMITS}. */
  readonly limits?: Partial<DecodeLimits>;
  /** For compressed terms, which are refused with `ETF_INFLATE` without it. */
  readonly inflate?: Inflate;
}

/**
 * The decoder for calls without options. Nothing of one call shows in another: it remembers the bytes of atoms and the
 * order of keys. Calls cannot overlap, since decoding runs none of the user's code without `inflate`.
 */
let plain: { readonly decoder: Decoder; readonly reader: Reader } | undefined;
const NO_BYTES = new Uint8Array();

/**
 * Decodes a term that stands alone: what `term_to_binary` made. Like `binary_to_term`, it ignores what follows the term.
 *
 * @param bytes - the term with its version byte, 131. The result does not refer to them.
 * @throws DecodeError with a code and the offset. Nothing else, whatever the bytes are.
 */
export function decode(bytes: Uint8Array, options?: DecodeOptions): Term {
  if (options !== undefined) return decodeWith(new Decoder(options), new Reader(bytes), options);
  plain ??= { decoder: new Decoder(), reader: new Reader(NO_BYTES) };
  const { decoder, reader } = plain;
  try {
    return decodeWith(decoder, reader.reset(bytes), {});
  } finally {
    reader.reset(NO_BYTES);
  }
}

function decodeWith(decoder: Decoder, reader: Reader, { limits, inflate }: DecodeOptions): Term {
  const maxBytes = limits?.maxBytes ?? DEFAULT_DECODE_LIMITS.maxBytes;
  if (reader.left > maxBytes) throw new DecodeError("ETF_LIMIT", `${reader.left} bytes`, 0);
  const version = reader.u8();
  if (version !== VERSION) throw new DecodeError("ETF_VERSION", `a term starts with ${VERSION}, not ${version}`, 0);
  if (reader.peek() !== Tag.Compressed) return decoder.read(reader);
  const maxInflatedBytes = limits?.maxInflatedBytes ?? DEFAULT_DECODE_LIMITS.maxInflatedBytes;
  return decoder.read(new Reader(inflated(reader, inflate, maxInflatedBytes)));
}

/** What a compressed term inflates to. Its size is checked before, and again after inflating. */
function inflated(reader: Reader, inflate: Inflate | undefined, maxBytes: number): Uint8Array {
  const at = reader.offset;
  reader.u8();
  const size = reader.u32();
  const fail = (problem: string, options?: ErrorOptions) =>
    new DecodeError("ETF_INFLATE", problem, at, Tag.Compressed, options);
  if (size > maxBytes) throw new DecodeError("ETF_LIMIT", `a term that inflates to ${size} bytes`, at, Tag.Compressed);
  if (inflate === undefined) throw fail("a compressed term, and no inflate was given");
  let bytes: Uint8Array;
  try {
    bytes = inflate(reader.bytes.subarray(reader.offset), size);
  } catch (error) {
    throw fail("inflating failed", { cause: error });
  }
  if (bytes.length !== size) throw fail(`${bytes.length} bytes came out, ${size} were announced`);
  return bytes;
}
