import { ArgumentError } from "../base/index.ts";

/** Bytes that may leave without being copied. Made with {@link lend}. */
export class Lent extends Uint8Array {
  /** What is made of them, such as a copy or a part, is not lent: its maker may do with it what it likes. */
  static readonly [Symbol.species] = Uint8Array;
}

/**
 * Bytes as a part of a message that goes to another node: from 16 KiB on they leave as they are, where a message's other bytes are
 * encoded, and so copied, when `send` returns. They are not to be changed, nor their buffer transferred, until they have left:
 * until the promise that `send` gives has resolved; never, when the connection is ended before that by `disconnect` or `stop`.
 * When `send` gives no promise they were copied. Wherever else it goes, what is lent is bytes like any others.
 *
 * @param bytes - they are not copied: the result is a view of the same memory.
 * @throws ArgumentError `BADARG` when it is no `Uint8Array`, or its buffer was transferred.
 */
export function lend(bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new ArgumentError("bytes", "what is lent is a Uint8Array");
  try {
    return new Lent(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  } catch (error) {
    throw new ArgumentError("bytes", `cannot be lent: ${(error as Error).message}`);
  }
}
