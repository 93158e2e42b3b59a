import { type AtomSink, type Decoder, type KnownAtom, type Reader, type SentAtom, Writer } from "../etf/index.ts";
import { DistributionError } from "./errors.ts";

/** Slots of an atom cache: 8 segments of 256 (erl_ext_dist, "Normal Distribution Header"). */
export const CACHE_SLOTS = 2048;

const NO_ATOMS: readonly KnownAtom[] = [];
const NO_BYTES = new Uint8Array(0);

/** References in one header, so in one packet. */
const MAX_REFERENCES = 255;

/** Enough for most headers; one with many new entries makes more room. */
const HEADER_BYTES = 64;

/** In the nibble of a reference: the atom's text follows. */
export const NEW_ENTRY = 8;

/**
 * The atoms that a peer has told us, by slot. One per connection, for one direction.
 *
 * Packets of one kind follow each other, with the same references: those that the one before had are not looked up again.
 */
export class IncomingAtomCache {
  readonly #peer: string;
  readonly #decoder: Decoder;
  readonly #slots: (KnownAtom | undefined)[] = [];
  /** The last header's bytes after the number of references, if it had no new entries and none came since. */
  #lastBytes = NO_BYTES;
  #lastLength = 0;
  #lastAtoms = NO_ATOMS;

  constructor(peer: string, decoder: Decoder) {
    this.#peer = peer;
    this.#decoder = decoder;
  }

  /**
   * Reads the references of a header: from their number to the last one. New entries take effect in order, whether or
   * not anything uses them. Gives the atom of each reference.
   */
  readHeader(reader: Reader): readonly KnownAtom[] {
    const count = reader.u8();
    if (count === 0) return NO_ATOMS;
    if (count === this.#lastAtoms.length && this.#skipLast(reader)) return this.#lastAtoms;
    const flagBytes = (count >> 1) + 1;
    reader.need(flagBytes);
    const flagsAt = reader.offset;
    reader.offset += flagBytes;
    const nibble = (i: number) => (reader.bytes[flagsAt + (i >> 1)]! >> ((i & 1) * 4)) & 0xf;
    const longAtoms = (nibble(count) & 1) === 1;
    const atoms: KnownAtom[] = [];
    for (let i = 0; i < count; i++) atoms.push(this.#reference(reader, nibble(i), longAtoms));
    this.#keepLast(reader, flagsAt, atoms);
    return atoms;
  }

  #skipLast(reader: Reader): boolean {
    const { bytes, offset, end } = reader;
    const length = this.#lastLength;
    if (length === 0 || offset + length > end) return false;
    for (let i = 0; i < length; i++) if (bytes[offset + i] !== this.#lastBytes[i]) return false;
    reader.offset = offset + length;
    return true;
  }

  /** A header without new entries has a byte for each reference; one with any has more. */
  #keepLast(reader: Reader, from: number, atoms: readonly KnownAtom[]): void {
    const length = reader.offset - from;
    const isPlain = length === (atoms.length >> 1) + 1 + atoms.length;
    this.#lastLength = isPlain ? length : 0;
    this.#lastAtoms = isPlain ? atoms : NO_ATOMS;
    if (!isPlain) return;
    if (length > this.#lastBytes.length) this.#lastBytes = new Uint8Array(2 * length);
    this.#lastBytes.set(reader.bytes.subarray(from, reader.offset));
  }

  #reference(reader: Reader, flags: number, longAtoms: boolean): KnownAtom {
    const slot = (flags & 7) * 256 + reader.u8();
    if (flags & NEW_ENTRY) {
      const length = longAtoms ? reader.u16() : reader.u8();
      const atom = this.#decoder.atom(reader, length);
      this.#slots[slot] = atom;
      return atom;
    }
    const atom = this.#slots[slot];
    if (atom !== undefined) return atom;
    throw new DistributionError(
      "DIST_PROTOCOL",
      this.#peer,
      `it refers to slot ${slot} of the atom cache, which is empty`,
    );
  }
}

/**
 * The atoms that we have told a peer, by slot. One per connection, for one direction.
 *
 * Atoms get slots in the order of their appearance. When all are taken, the next atom takes over the slot after the one
 * taken last, unless the packet that is being written refers to it. A packet has at most 255 references; further atoms are
 * written in full.
 *
 * Packets of one kind follow each other: an atom that the one before referred to is not looked up, and a header that would be
 * the same is not made again.
 *
 * All tables grow with what is written: most connections use a few slots.
 */
export class OutgoingAtomCache implements AtomSink {
  readonly #slots = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [];
  /** The packet that referred to a slot last. */
  readonly #usedBy: number[] = [];
  #lastSlot = -1;
  /** Counts packets. Atoms that were given a reference carry it, so the references of a packet need no table. */
  #packet = 0;
  #count = 0;
  #slotOf: number[] = [];
  readonly #isNew: number[] = [];
  readonly #header = new Writer(HEADER_BYTES);
  #headerBytes: Uint8Array = NO_BYTES;
  /** The references of the packet before. */
  #countBefore = 0;
  #slotOfBefore: number[] = [];
  /** So far no reference of this packet is to a new entry, or differs from that of the packet before. */
  #isPlain = true;
  #isSame = true;
  /** What {@link header} gave last is the header of the packet before, and has no new entries. */
  #headerIsPlain = false;

  /** Begins a packet, which has no references yet. */
  begin(): void {
    this.#packet++;
    [this.#slotOf, this.#slotOfBefore] = [this.#slotOfBefore, this.#slotOf];
    this.#countBefore = this.#count;
    this.#count = 0;
    this.#isPlain = true;
    this.#isSame = true;
  }

  reference(atom: SentAtom): number {
    if (atom.packet === this.#packet) return atom.index;
    if (this.#count === MAX_REFERENCES) return -1;
    const index = this.#count++;
    const slot = this.#slotBefore(atom) ?? this.#slots.get(atom.text);
    this.#isNew[index] = slot === undefined ? 1 : 0;
    if (slot === undefined) this.#isPlain = false;
    else if (slot !== this.#slotOfBefore[index]) this.#isSame = false;
    const taken = slot ?? this.#take(atom.text);
    this.#slotOf[index] = taken;
    this.#usedBy[taken] = this.#packet;
    atom.packet = this.#packet;
    atom.index = index;
    return index;
  }

  /** The slot of an atom that the packet before referred to. */
  #slotBefore(atom: SentAtom): number | undefined {
    if (atom.packet !== this.#packet - 1) return undefined;
    const slot = this.#slotOfBefore[atom.index]!;
    return this.#texts[slot] === atom.text ? slot : undefined;
  }

  /** The packet is not sent: the peer does not learn its new atoms. */
  cancel(): void {
    for (let i = 0; i < this.#count; i++) {
      if (this.#isNew[i] === 0) continue;
      const slot = this.#slotOf[i]!;
      this.#slots.delete(this.#texts[slot]!);
      this.#texts[slot] = undefined;
    }
    // The atoms' references are of no packet any more.
    this.begin();
    this.#headerIsPlain = false;
  }

  /** The references of the packet as its header has them, from their number on. Valid until the next call. */
  header(): Uint8Array {
    const isKept = this.#headerIsPlain && this.#isPlain && this.#isSame && this.#count === this.#countBefore;
    if (isKept) return this.#headerBytes;
    this.#writeHeader();
    this.#headerIsPlain = this.#isPlain;
    this.#headerBytes = this.#header.bytes.subarray(0, this.#header.offset);
    return this.#headerBytes;
  }

  #writeHeader(): void {
    const header = this.#header;
    const count = this.#count;
    header.reuse();
    header.u8(count);
    if (count === 0) return;
    const longAtoms = this.#hasLongAtom();
    for (let i = 0; i <= count; i += 2) header.u8(this.#nibble(i, longAtoms) | (this.#nibble(i + 1, longAtoms) << 4));
    for (let i = 0; i < count; i++) this.#writeReference(i, longAtoms);
  }

  #writeReference(i: number, longAtoms: boolean): void {
    const header = this.#header;
    const slot = this.#slotOf[i]!;
    header.u8(slot & 0xff);
    if (this.#isNew[i] === 0) return;
    const lengthMark = header.offset;
    if (longAtoms) header.u16(0);
    else header.u8(0);
    const written = header.utf8(this.#texts[slot]!);
    // The block may have grown, but there is only one chunk, from its start on.
    if (longAtoms) header.bytes[lengthMark] = written >> 8;
    header.bytes[lengthMark + (longAtoms ? 1 : 0)] = written & 0xff;
  }

  /** Four bits for each reference, four more for the packet, and a filler when that is an odd number. */
  #nibble(i: number, longAtoms: boolean): number {
    if (i < this.#count) return (this.#slotOf[i]! >> 8) | (this.#isNew[i] === 1 ? NEW_ENTRY : 0);
    return i === this.#count && longAtoms ? 1 : 0;
  }

  /** True when the length of a new atom does not fit into a byte: then all of the packet have two. */
  #hasLongAtom(): boolean {
    for (let i = 0; i < this.#count; i++) {
      if (this.#isNew[i] === 0) continue;
      const text = this.#texts[this.#slotOf[i]!]!;
      if (text.length * 3 > 255 && Buffer.byteLength(text) > 255) return true;
    }
    return false;
  }

  #take(text: string): number {
    let slot = this.#lastSlot;
    do slot = (slot + 1) % CACHE_SLOTS;
    while (this.#usedBy[slot] === this.#packet);
    this.#lastSlot = slot;
    const evicted = this.#texts[slot];
    if (evicted !== undefined) this.#slots.delete(evicted);
    this.#slots.set(text, slot);
    this.#texts[slot] = text;
    return slot;
  }
}
