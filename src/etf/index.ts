export { DEFAULT_MAX_DEPTH, EncodeError, type EncodeErrorCode } from "../term/index.ts";
export type { AtomSink, SentAtom } from "./atom-writer.ts";
export { type DecodeOptions, decode } from "./decode.ts";
export { Decoder, type DecoderOptions } from "./decoder.ts";
export { type EncodeOptions, encode } from "./encode.ts";
export { Encoder, type EncoderOptions } from "./encoder.ts";
export { DecodeError, type DecodeErrorCode } from "./errors.ts";
export type { KnownAtom } from "./known-atoms.ts";
export {
  ALL_ABILITIES,
  DEFAULT_ATOM_BUDGET,
  DEFAULT_DECODE_LIMITS,
  type DecodeLimits,
  type Deflate,
  type Inflate,
  type PeerAbilities,
  type Profile,
} from "./options.ts";
export { Reader } from "./reader.ts";
export { Tag, VERSION } from "./tags.ts";
export { type Blocks, Writer } from "./writer.ts";
