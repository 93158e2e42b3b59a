import type { Decoder, KnownAtom, Reader } from "../etf/index.ts";
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
