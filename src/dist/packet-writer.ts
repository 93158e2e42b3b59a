import { type AtomSink, type Blocks, type Encoder, VERSION, Writer } from "../etf/index.ts";
import { Lent } from "../term/index.ts";
import type { Abilities } from "./abilities.ts";
import { OutgoingAtomCache } from "./atom-cache.ts";
import { ControlWriter, NO_PAYLOAD, NOT_SENT } from "./control-writer.ts";
import { LentMessage, type LentPiece } from "./lent-message.ts";
import {
  FRAGMENT_BYTES,
  FragmentedMessage,
  fragmentsIn,
  HEADROOM_BYTES,
  type OutgoingMessage,
  WHOLE_BYTES,
  WholeMessage,
} from "./outgoing-message.ts";
import { Header, PASS_THROUGH } from "./packet-reader.ts";
import type { Signal } from "./signals.ts";

/** Bytes of the length before a body. */
const LENGTH_BYTES = 4;

/** Bytes before the references of a header. */
const HEADER_START_BYTES = 2;

/** Fewer bytes are copied although they are lent: that costs less than a part of their own. */
const LENT_BYTES = 16 * 1024;

/** Blocks that frames are written to become this large, since longer messages are taken out of them. */
const USUAL_BLOCK_BYTES = 2 * WHOLE_BYTES;

/** Writes signals as whole frames, length included, or as fragments. It keeps the state of one direction of a connection. */
export class PacketWriter {
  readonly #abilities: Abilities;
  readonly #encoder: Encoder;
  readonly #controls: ControlWriter;
  readonly #cache: OutgoingAtomCache | undefined;
  readonly #blocks: Blocks | undefined;
  #sequences = 0;
  /** What is left free for the references of a header: as much as the last one took. */
  #headerRoom = 1;
  /** Of the signal written last: bytes of its control message, 0 when it has no payload and cannot be cut. */
  #controlBytes = 0;
  /** The signal that is being written has bytes that are lent. */
  #lends = false;

  /**
   * The encoder is the connection's own: it collects atoms for this connection's cache. Messages that leave later are in blocks
   * of their own.
   */
  constructor(abilities: Abilities, encoder: Encoder, blocks?: Blocks) {
    this.#blocks = blocks;
    this.#abilities = abilities;
    this.#encoder = encoder;
    this.#controls = new ControlWriter(abilities, encoder);
    if (abilities.atomCache) {
      this.#cache = new OutgoingAtomCache();
      encoder.atomSink = this.#cache;
    }
  }

  /**
   * Appends the frame of a signal; of a large one, the first fragment, and gives the others. With bytes that are lent it appends
   * nothing, and gives what leaves later. False, and nothing appended, when the peer has no form for it.
   *
   * @throws EncodeError; the writer is then as it was.
   */
  write(writer: Writer, signal: Signal): boolean | FragmentedMessage | LentMessage {
    const mark = writer.mark();
    this.#cache?.begin();
    this.#lends = false;
    let written = false;
    try {
      this.#begin(writer);
      written = this.#terms(writer, signal, this.#finder) && !this.#lends;
    } finally {
      if (!written) {
        this.#rewind(writer, mark);
        this.#cache?.cancel();
      }
    }
    if (this.#lends) return this.writeApart(signal) as LentMessage;
    if (!written) return false;
    const terms = LENGTH_BYTES + HEADER_START_BYTES + this.#headerRoom;
    const firstBytes = this.#firstBytes(writer.mark() - mark - terms);
    if (firstBytes > 0) return this.#fragment(writer, mark, terms, firstBytes);
    if (this.#cache !== undefined) this.#putReferences(writer, mark + terms, this.#cache.header());
    writer.patch32(mark, writer.mark() - mark - LENGTH_BYTES);
    return true;
  }

  /**
   * Encodes a signal that leaves later: it has no part in the atom cache, so it may be overtaken. For connections with
   * fragments only. Undefined when the peer has no form for it.
   *
   * @throws EncodeError
   */
  writeApart(signal: Signal): OutgoingMessage | undefined {
    const writer = new Writer(undefined, this.#blocks);
    for (let i = 0; i < HEADROOM_BYTES; i++) writer.u8(0);
    const lent: LentPiece[] = [];
    const lender = (bytes: Uint8Array, at: number) => isLent(bytes) && lent.push({ bytes, at }) > 0;
    if (!this.#withoutCache(() => this.#terms(writer, signal, lender))) return undefined;
    const bytes = writer.take();
    const lentBytes = lent.reduce((sum, piece) => sum + piece.bytes.length, 0);
    const firstBytes = this.#firstBytes(bytes.length - HEADROOM_BYTES + lentBytes);
    const sequenceId = firstBytes === 0 ? 0 : this.#nextSequence();
    if (lentBytes > 0) return new LentMessage(bytes, HEADROOM_BYTES, lent, sequenceId, firstBytes);
    if (firstBytes === 0) return new WholeMessage(bytes, HEADROOM_BYTES);
    return new FragmentedMessage(bytes, HEADROOM_BYTES, sequenceId, firstBytes);
  }

  /** As the writer's own, but a block that has grown beyond what is written to it otherwise is not kept. */
  #rewind(writer: Writer, mark: number): void {
    writer.rewind(mark);
    if (writer.bytes.length <= USUAL_BLOCK_BYTES) return;
    const block = writer.detach(mark);
    this.#blocks?.give(block);
  }

  /** Finds out whether a signal has bytes that are lent; if so it is written anew. A peer without fragments gets them copied. */
  readonly #finder = (bytes: Uint8Array): boolean => {
    const found = this.#abilities.fragments && isLent(bytes);
    this.#lends ||= found;
    return found;
  };

  #withoutCache<T>(write: () => T): T {
    const sink: AtomSink | undefined = this.#encoder.atomSink;
    this.#encoder.atomSink = undefined;
    try {
      return write();
    } finally {
      this.#encoder.atomSink = sink;
    }
  }

  #begin(writer: Writer): void {
    writer.u32(0);
    if (!this.#abilities.header) {
      writer.u8(PASS_THROUGH);
      writer.u8(VERSION);
      return;
    }
    writer.u8(VERSION);
    writer.u8(Header.Normal);
    // With the cache, the references are known once the terms are written.
    for (let i = 0; i < this.#headerRoom; i++) writer.u8(0);
  }

  /** Puts the references before the terms, which begin at the mark. These move only when they differ in size from the last ones. */
  #putReferences(writer: Writer, terms: number, references: Uint8Array): void {
    const { length } = references;
    const size = writer.mark() - terms;
    const moved = length - this.#headerRoom;
    if (moved !== 0) {
      if (moved > 0) writer.reserve(moved);
      const at = writer.offset - size;
      writer.bytes.copyWithin(at + moved, at, writer.offset);
      writer.offset += moved;
      this.#headerRoom = length;
    }
    const at = writer.offset - size - length;
    for (let i = 0; i < length; i++) writer.bytes[at + i] = references[i]!;
  }

  /** Writes control message and payload. In the payload, `lender` is asked for bytes. */
  #terms(writer: Writer, signal: Signal, lender: Writer["lender"]): boolean {
    const mark = writer.mark();
    writer.lender = undefined;
    const payload = this.#controls.write(writer, signal);
    this.#controlBytes = 0;
    if (payload === NOT_SENT) return false;
    if (payload !== NO_PAYLOAD) {
      this.#controlBytes = writer.mark() - mark;
      if (!this.#abilities.header) writer.u8(VERSION);
      writer.lender = lender;
      this.#encoder.write(writer, payload);
    }
    return true;
  }

  /** Size of the first fragment of so many bytes of terms, 0 when they go in one frame. It has the whole control message. */
  #firstBytes(bytes: number): number {
    if (bytes <= WHOLE_BYTES || this.#controlBytes === 0 || !this.#abilities.fragments) return 0;
    const first = Math.max(FRAGMENT_BYTES, this.#controlBytes);
    return first < bytes ? first : 0;
  }

  /** Replaces what was written after the mark, where the terms begin after so many bytes, by the first fragment. */
  #fragment(writer: Writer, mark: number, terms: number, firstBytes: number): FragmentedMessage {
    const bytes = writer.detach(mark);
    const rest = terms + firstBytes;
    const sequenceId = this.#nextSequence();
    writer.u32(0);
    writer.u8(VERSION);
    writer.u8(Header.FirstFragment);
    writer.u64(BigInt(sequenceId));
    writer.u64(BigInt(1 + fragmentsIn(bytes.length - rest)));
    if (this.#cache === undefined) writer.u8(0);
    else writer.copy(this.#cache.header());
    writer.copy(bytes.subarray(terms, rest));
    writer.patch32(mark, writer.mark() - mark - LENGTH_BYTES);
    return new FragmentedMessage(bytes, rest, sequenceId, 0);
  }

  /** Never 0, which ends a BEAM (observed on OTP 25 to 29). */
  #nextSequence(): number {
    return ++this.#sequences;
  }
}

function isLent(bytes: Uint8Array): boolean {
  return bytes.length >= LENT_BYTES && bytes instanceof Lent;
}
