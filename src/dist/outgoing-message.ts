import { VERSION } from "../etf/index.ts";
import { Header } from "./packet-reader.ts";

/** Messages are cut into pieces of this many bytes, control message included, as a BEAM does. */
export const FRAGMENT_BYTES = 64 * 1024;

/** Messages of up to this many bytes leave whole. Cutting what is just over a fragment costs more than it delays others. */
export const WHOLE_BYTES = 2 * FRAGMENT_BYTES;

/** Length, version, kind, and no atoms: what precedes the terms of a message in one frame. */
export const WHOLE_HEAD_BYTES = 4 + 2 + 1;

/** Length, version, kind, sequence id and fragment id: what precedes a piece of a fragmented message. */
export const FRAGMENT_HEAD_BYTES = 4 + 2 + 8 + 8;

/** The most that precedes the terms of a message with a header without atoms; {@link PacketWriter} leaves this room. */
export const HEADROOM_BYTES = FRAGMENT_HEAD_BYTES + 1;

/** An encoded message that waits to leave, in one frame or several. */
export interface OutgoingMessage {
  /** Bytes that have not left, headers aside; 0 when it is over. */
  readonly bytesLeft: number;
  /** Where it was encoded to; can be used again once its last frame has left. */
  readonly block: Uint8Array;
  /** It has bytes that belong to its sender until they have left. */
  readonly lends: boolean;
  /**
   * The parts of the next frame, length included, as views: its head may overwrite the end of the frame before, which must have
   * left or been copied.
   */
  next(): readonly Uint8Array[];
}

/** A message in one frame. */
export class WholeMessage implements OutgoingMessage {
  bytesLeft: number;
  readonly block: Uint8Array;
  readonly lends = false;
  readonly #frame: Uint8Array;

  /** @param terms - where the terms begin; {@link HEADROOM_BYTES} at least are free before them. */
  constructor(bytes: Uint8Array, terms: number) {
    this.bytesLeft = bytes.length - terms;
    this.block = bytes;
    const start = terms - WHOLE_HEAD_BYTES;
    putWholeHead(bytes, start, this.bytesLeft);
    this.#frame = bytes.subarray(start);
  }

  next(): readonly Uint8Array[] {
    this.bytesLeft = 0;
    return [this.#frame];
  }
}

/** A message in fragments: all of them, or those after a first one that has left already. */
export class FragmentedMessage implements OutgoingMessage {
  readonly block: Uint8Array;
  readonly lends = false;
  readonly #sequenceId: number;
  /** Size of the first fragment, 0 once it has left. */
  #firstBytes: number;
  #at: number;

  /**
   * @param bytes - the terms, from `at` on; what is before them may be overwritten.
   * @param sequenceId - not 0, and of no other message that is under way.
   * @param firstBytes - what the first fragment must hold, 0 when it has left.
   */
  constructor(bytes: Uint8Array, at: number, sequenceId: number, firstBytes: number) {
    this.block = bytes;
    this.#at = at;
    this.#sequenceId = sequenceId;
    this.#firstBytes = firstBytes;
  }

  get bytesLeft(): number {
    return this.block.length - this.#at;
  }

  next(): readonly Uint8Array[] {
    const bytes = this.block;
    const isFirst = this.#firstBytes > 0;
    const from = this.#at;
    const to = Math.min(from + (isFirst ? this.#firstBytes : FRAGMENT_BYTES), bytes.length);
    const start = from - (isFirst ? HEADROOM_BYTES : FRAGMENT_HEAD_BYTES);
    this.#firstBytes = 0;
    this.#at = to;
    putFragmentHead(bytes, start, {
      isFirst,
      sequenceId: this.#sequenceId,
      bytes: to - from,
      bytesAfter: this.bytesLeft,
    });
    return [bytes.subarray(start, to)];
  }
}

/** What a head says of the fragment after it. */
interface FragmentFacts {
  readonly isFirst: boolean;
  readonly sequenceId: number;
  /** Of its terms, and of those of all fragments after it. */
  readonly bytes: number;
  readonly bytesAfter: number;
}

/** Writes the {@link WHOLE_HEAD_BYTES} that precede so many bytes of terms in one frame. */
export function putWholeHead(bytes: Uint8Array, at: number, termBytes: number): void {
  put32(bytes, at, WHOLE_HEAD_BYTES - 4 + termBytes);
  bytes[at + 4] = VERSION;
  bytes[at + 5] = Header.Normal;
  bytes[at + 6] = 0;
}

/** Writes the {@link FRAGMENT_HEAD_BYTES}, or for a first fragment the {@link HEADROOM_BYTES}, that precede a fragment. */
export function putFragmentHead(bytes: Uint8Array, at: number, fragment: FragmentFacts): void {
  const headBytes = fragment.isFirst ? HEADROOM_BYTES : FRAGMENT_HEAD_BYTES;
  put32(bytes, at, headBytes - 4 + fragment.bytes);
  bytes[at + 4] = VERSION;
  bytes[at + 5] = fragment.isFirst ? Header.FirstFragment : Header.Fragment;
  put64(bytes, at + 6, fragment.sequenceId);
  put64(bytes, at + 14, 1 + fragmentsIn(fragment.bytesAfter));
  if (fragment.isFirst) bytes[at + FRAGMENT_HEAD_BYTES] = 0;
}

/** Fragments that so many bytes after the first fragment make. Ids count down to 1, so it is an id as well. */
export function fragmentsIn(bytes: number): number {
  return Math.ceil(bytes / FRAGMENT_BYTES);
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function put64(bytes: Uint8Array, at: number, value: number): void {
  put32(bytes, at, Math.floor(value / 0x1_0000_0000));
  put32(bytes, at + 4, value);
}
