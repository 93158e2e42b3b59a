import { VERSION } from "../etf/index.ts";
import { Header } from "./packet-reader.ts";

/** Messages are cut into pieces of this many bytes, control message included, as a BEAM does. */
export const FRAGMENT_BYTES = 64 * 1024;

/** Messages of up to this many bytes leave whole. Cutting what is just over a fragment costs more than it delays others. */
export const WHOLE_BYTES = 2 * FRAGMENT_BYTES;

/** Length, version, kind, sequence id and fragment id: what precedes a piece of a fragmented message. */
const FRAGMENT_HEADER_BYTES = 4 + 2 + 8 + 8;

/** The most that precedes the terms of a message with a header without atoms; {@link PacketWriter} leaves this room. */
export const HEADROOM_BYTES = FRAGMENT_HEADER_BYTES + 1;

/** An encoded message that waits to leave, in one frame or several. */
export interface OutgoingMessage {
  /** Bytes that have not left, headers aside; 0 when it is over. */
  readonly bytesLeft: number;
  /**
   * The next frame, length included, as a view: its header overwrites the end of the frame before, which must have left
   * or been copied.
   */
  next(): Uint8Array;
}

/** A message in one frame. */
export class WholeMessage implements OutgoingMessage {
  bytesLeft: number;
  readonly #frame: Uint8Array;

  /** @param terms - where the terms begin; {@link HEADROOM_BYTES} at least are free before them. */
  constructor(bytes: Uint8Array, terms: number) {
    this.bytesLeft = bytes.length - terms;
    const start = terms - 7;
    put32(bytes, start, bytes.length - start - 4);
    bytes[start + 4] = VERSION;
    bytes[start + 5] = Header.Normal;
    bytes[start + 6] = 0;
    this.#frame = bytes.subarray(start);
  }

  next(): Uint8Array {
    this.bytesLeft = 0;
    return this.#frame;
  }
}

/** A message in fragments: all of them, or those after a first one that has left already. */
export class FragmentedMessage implements OutgoingMessage {
  readonly #bytes: Uint8Array;
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
    this.#bytes = bytes;
    this.#at = at;
    this.#sequenceId = sequenceId;
    this.#firstBytes = firstBytes;
  }

  get bytesLeft(): number {
    return this.#bytes.length - this.#at;
  }

  next(): Uint8Array {
    const bytes = this.#bytes;
    const first = this.#firstBytes > 0;
    const from = this.#at;
    const to = Math.min(from + (first ? this.#firstBytes : FRAGMENT_BYTES), bytes.length);
    const start = from - (first ? HEADROOM_BYTES : FRAGMENT_HEADER_BYTES);
    put32(bytes, start, to - start - 4);
    bytes[start + 4] = VERSION;
    bytes[start + 5] = first ? Header.FirstFragment : Header.Fragment;
    put64(bytes, start + 6, this.#sequenceId);
    put64(bytes, start + 14, 1 + fragmentsIn(bytes.length - to));
    if (first) bytes[from - 1] = 0;
    this.#firstBytes = 0;
    this.#at = to;
    return bytes.subarray(start, to);
  }
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
