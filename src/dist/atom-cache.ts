import { type AtomSink, type Decoder, type KnownAtom, type Reader, type SentAtom, Writer } from "../etf/index.ts";
import { DistributionError } from "./errors.ts";

/** Slots of an atom cache: 8 segments of 256 (erl_ext_dist, "Normal Distribution Header"). */
export const CACHE_SLOTS = 2048;

const NO_ATOMS: readonly KnownAtom[] = [];

/** In the nibble of a reference: the atom's text follows. */
export const NEW_ENTRY = 8;

/** The atoms that a peer has told us, by slot. One per connection, for one direction. */
export class IncomingAtomCache {
  readonly #peer: string;
  readonly #decoder: Decoder;
  readonly #slots: (KnownAtom | undefined)[] = [];

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
    const flagBytes = (count >> 1) + 1;
    reader.need(flagBytes);
    const flagsAt = reader.offset;
    reader.offset += flagBytes;
    const nibble = (i: number) => (reader.bytes[flagsAt + (i >> 1)]! >> ((i & 1) * 4)) & 0xf;
    const longAtoms = (nibble(count) & 1) === 1;
    const atoms: KnownAtom[] = [];
    for (let i = 0; i < count; i++) atoms.push(this.#reference(reader, nibble(i), longAtoms));
    return atoms;
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

/** References in one header, so in one packet. Further atoms are written in full. */
const MAX_REFERENCES = 255;

/**
 * The atoms that we have told a peer, by slot. One per connection, for one direction.
 *
 * Atoms get slots in the order of their appearance. When all are taken, the next atom takes over the slot after the one
 * taken last, unless the packet that is being written refers to it.
 */
export class OutgoingAtomCache implements AtomSink {
  readonly #slots = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [];
  /** The packet that referred to a slot last. */
  readonly #usedBy = new Float64Array(CACHE_SLOTS);
  #lastSlot = -1;
  /** Counts packets. Atoms that were given a reference carry it, so the references of a packet need no table. */
  #packet = 0;
  #count = 0;
  readonly #slotOf = new Uint16Array(MAX_REFERENCES);
  readonly #isNew = new Uint8Array(MAX_REFERENCES);
  readonly #header = new Writer();

  /** Begins a packet, which has no references yet. */
  begin(): void {
    this.#packet++;
    this.#count = 0;
  }

  reference(atom: SentAtom): number {
    if (atom.packet === this.#packet) return atom.index;
    if (this.#count === MAX_REFERENCES) return -1;
    const index = this.#count++;
    let slot = this.#slots.get(atom.text);
    this.#isNew[index] = slot === undefined ? 1 : 0;
    slot ??= this.#take(atom.text);
    this.#slotOf[index] = slot;
    this.#usedBy[slot] = this.#packet;
    atom.packet = this.#packet;
    atom.index = index;
    return index;
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
  }

  /** The references of the packet as its header has them, from their number on. Valid until the next call. */
  header(): Uint8Array {
    const header = this.#header;
    const count = this.#count;
    header.reuse();
    header.u8(count);
    if (count > 0) {
      const longAtoms = this.#hasLongAtom();
      for (let i = 0; i <= count; i += 2) header.u8(this.#nibble(i, longAtoms) | (this.#nibble(i + 1, longAtoms) << 4));
      for (let i = 0; i < count; i++) this.#writeReference(i, longAtoms);
    }
    return header.bytes.subarray(header.offset - header.size, header.offset);
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
