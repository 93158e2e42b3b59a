import { type AtomTerm, atomTerm, utf8Bytes } from "../term/index.ts";
import type { Reader } from "./reader.ts";
import { Tag } from "./tags.ts";

/** An atom as a decoder knows it: its text, for keys and names, its value, and its bytes, by which it is recognised. */
export class KnownAtom {
  readonly text: string;
  readonly term: AtomTerm;
  readonly utf8: Uint8Array;

  /** @throws ArgumentError `BADARG` for more than 255 characters. */
  constructor(text: string) {
    this.text = text;
    this.term = atomTerm(text);
    this.utf8 = utf8Bytes(text);
  }

  /** Reads this atom if it comes next, in one of the two forms that peers write; false, and nothing read, otherwise. */
  isNext(reader: Reader, references: readonly KnownAtom[]): boolean {
    const { bytes, offset, end } = reader;
    const { utf8 } = this;
    const { length } = utf8;
    if (offset + 2 > end) return false;
    if (bytes[offset] === Tag.AtomCacheRef && references[bytes[offset + 1]!] === this) {
      reader.offset = offset + 2;
      return true;
    }
    if (bytes[offset] !== Tag.SmallAtomUtf8 || bytes[offset + 1] !== length || offset + 2 + length > end) return false;
    if (!startsWith(bytes, offset + 2, utf8)) return false;
    reader.offset = offset + 2 + length;
    return true;
  }
}

function startsWith(bytes: Uint8Array, at: number, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[at + i] !== start[i]) return false;
  return true;
}

/** Atoms that are remembered; the table starts over when they are more. */
const MAX_ATOMS = 4096;
/** A power of two. */
const SLOTS = 512;

/** The atoms that one decoder has read. A known one is found by its bytes, without making a string of them. */
export class AtomTable {
  readonly #byText = new Map<string, KnownAtom>();
  /** By hash of the bytes; of two with the same hash the later one is here. */
  readonly #slots: (KnownAtom | undefined)[] = new Array(SLOTS).fill(undefined);

  /** The known atom with these bytes as its UTF-8 text, or `undefined`: it may be known all the same. */
  find(bytes: Uint8Array, start: number, end: number): KnownAtom | undefined {
    const found = this.#slots[hash(bytes, start, end)];
    return found !== undefined && found.utf8.length === end - start && startsWith(bytes, start, found.utf8)
      ? found
      : undefined;
  }

  get(text: string): KnownAtom | undefined {
    const known = this.#byText.get(text);
    if (known !== undefined) this.#slots[hash(known.utf8, 0, known.utf8.length)] = known;
    return known;
  }

  add(text: string): KnownAtom {
    if (this.#byText.size >= MAX_ATOMS) this.#byText.clear();
    const atom = new KnownAtom(text);
    this.#byText.set(text, atom);
    this.#slots[hash(atom.utf8, 0, atom.utf8.length)] = atom;
    return atom;
  }
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum = (Math.imul(sum, 31) + bytes[i]!) | 0;
  return (sum ^ (sum >>> 9)) & (SLOTS - 1);
}
