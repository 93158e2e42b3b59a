import { type AtomTerm, atomTerm } from "../term/index.ts";
import { atomBytes, wordsOf } from "./atom-bytes.ts";
import type { Reader } from "./reader.ts";
import { Tag } from "./tags.ts";

/** An atom as a decoder knows it: its text, for keys and names, its value, and its bytes, by which it is recognised. */
export class KnownAtom {
  readonly text: string;
  readonly term: AtomTerm;
  /** Tag, length and text. */
  readonly encoded: Uint8Array;
  readonly textStart: number;
  /** The same as big-endian words, without the bytes after the last whole one. */
  readonly #words: Int32Array;

  /** @throws ArgumentError `BADARG` for more than 255 characters. */
  constructor(text: string) {
    this.text = text;
    this.term = atomTerm(text);
    this.encoded = atomBytes(text);
    this.#words = new Int32Array(wordsOf(this.encoded).subarray(0, this.encoded.length >> 2));
    this.textStart = this.encoded[0] === Tag.SmallAtomUtf8 ? 2 : 3;
  }

  /** True when these bytes are the text. */
  hasText(bytes: Uint8Array, start: number, end: number): boolean {
    const { encoded, textStart } = this;
    if (encoded.length - textStart !== end - start) return false;
    for (let i = start; i < end; i++) if (bytes[i] !== encoded[textStart + i - start]) return false;
    return true;
  }

  /** Reads this atom if it comes next, in one of the two forms that peers write; false, and nothing read, otherwise. */
  isNext(reader: Reader, references: readonly KnownAtom[]): boolean {
    const { bytes, offset, end } = reader;
    let length = 2;
    if (bytes[offset] === Tag.AtomCacheRef) {
      if (offset + 2 > end || references[bytes[offset + 1]!] !== this) return false;
    } else {
      const { encoded } = this;
      length = encoded.length;
      if (offset + length > end) return false;
      const words = this.#words;
      let at = offset;
      for (let i = 0; i < words.length; i++, at += 4) {
        const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
        if (word !== words[i]) return false;
      }
      for (let i = at - offset; i < length; i++, at++) if (bytes[at] !== encoded[i]) return false;
    }
    reader.offset = offset + length;
    return true;
  }
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
    return found?.hasText(bytes, start, end) === true ? found : undefined;
  }

  get(text: string): KnownAtom | undefined {
    const known = this.#byText.get(text);
    if (known !== undefined) this.#place(known);
    return known;
  }

  add(text: string): KnownAtom {
    if (this.#byText.size >= MAX_ATOMS) this.#byText.clear();
    const atom = new KnownAtom(text);
    this.#byText.set(text, atom);
    this.#place(atom);
    return atom;
  }

  #place(atom: KnownAtom): void {
    this.#slots[hash(atom.encoded, atom.textStart, atom.encoded.length)] = atom;
  }
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum = (Math.imul(sum, 31) + bytes[i]!) | 0;
  return (sum ^ (sum >>> 9)) & (SLOTS - 1);
}
