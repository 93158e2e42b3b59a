import { DEFAULT_MAX_DEPTH, type Structs } from "../term/index.ts";

/** How terms look in JavaScript, where there is a choice. The table of shapes is in `docs/terms.md`. */
export interface Profile {
  /**
   * `"natural"` (default): a float is a number, so `1.0` comes back as the integer 1. `"exact"`: an integral float
   * (and `-0.0`) is a `Float`, and nothing is lost. In map keys and in closures floats are always `Float`.
   */
  readonly floats?: "natural" | "exact";
  /** `"strings"` (default): a binary that is valid UTF-8 is a string. `"bytes"`: every binary is a `Uint8Array`. */
  readonly binaries?: "strings" | "bytes";
  /** Classes whose instances stand for structs. Map keys and closures hold plain objects all the same. */
  readonly structs?: Structs;
}

/** Bounds on what one term may hold. Exceeding one is a {@link DecodeError}; the term is not built. */
export interface DecodeLimits {
  /** Size of the encoded term; default none, since a connection bounds its packets already. */
  readonly maxBytes: number;
  /**
   * Levels of nesting, default 2,000. On Node.js 20's default stack of 984 KiB, with nothing compiled yet, 2,089 levels
   * of the costliest kind fit when the stack is otherwise empty. A caller deep in the stack, or a raised limit, gets
   * the same `ETF_DEPTH` from where the stack ends.
   */
  readonly maxDepth: number;
  /**
   * Levels of maps that are in keys of maps, default 16. Such a key is found by the text of all it holds, at each of
   * these levels anew, so without a bound a message of some kilobytes takes minutes.
   */
  readonly maxKeyDepth: number;
  /** Elements of all lists, tuples, maps (keys and values) and records of the term together, default 16,777,216. */
  readonly maxElements: number;
  /** Distinct atoms of the term that this decoder did not know before, default 100,000. */
  readonly maxAtoms: number;
  /** Bytes of one integer, default 65,536: printing a larger one takes seconds. */
  readonly maxBigBytes: number;
  /** Size of a compressed term once inflated, default 64 MiB. */
  readonly maxInflatedBytes: number;
}

export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  maxBytes: Number.POSITIVE_INFINITY,
  maxDepth: DEFAULT_MAX_DEPTH,
  maxKeyDepth: 16,
  maxElements: 16_777_216,
  maxAtoms: 100_000,
  maxBigBytes: 65_536,
  maxInflatedBytes: 64 * 1024 * 1024,
};

/** Distinct atoms that a connection may make its peer remember, unless its options say otherwise. */
export const DEFAULT_ATOM_BUDGET = 10_000;

/**
 * Inflates the zlib stream (RFC 1950) at the start of `bytes`; what follows the stream is ignored. It must not give,
 * nor allocate, more than `size` bytes: it throws, or returns fewer, when the stream has another size.
 * In Node.js: `(bytes, size) => inflateSync(bytes, { maxOutputLength: size })`.
 */
export type Inflate = (bytes: Uint8Array, size: number) => Uint8Array;

/** Makes a zlib stream (RFC 1950). In Node.js: `deflateSync`. */
export type Deflate = (bytes: Uint8Array) => Uint8Array;

/** What the peer that will read the bytes can carry. What it cannot is refused with `ETF_PEER`. */
export interface PeerAbilities {
  /** V4_NC: pids of 32-bit id and serial, ports of 64 bits, references of 4 and 5 words. */
  readonly wideIds: boolean;
  /** NATIVE_RECORDS: records of OTP 29. */
  readonly nativeRecords: boolean;
}

/** Everything that the format has: what a reader of stand-alone terms of a current release understands. */
export const ALL_ABILITIES: PeerAbilities = { wideIds: true, nativeRecords: true };
