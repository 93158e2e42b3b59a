import { atomTextProblem } from "../term/index.ts";
import { DecodeError } from "./errors.ts";
import { AtomTable, type KnownAtom } from "./known-atoms.ts";
import type { Reader } from "./reader.ts";
import { Tag } from "./tags.ts";
import { readLatin1, readUtf8 } from "./text.ts";

const NO_REFERENCES: readonly KnownAtom[] = [];

/** Reads atoms in all their forms, and remembers them. */
export class AtomReader {
  /** What the atom cache references (tag 82) of the packet that is being read mean, by index. */
  references = NO_REFERENCES;

  readonly #table = new AtomTable();
  readonly #maxNew: number;
  /** New ones that the term may still have. */
  #newLeft = 0;

  constructor(maxNew: number) {
    this.#maxNew = maxNew;
  }

  /** Starts counting over: another term is read. */
  reset(): void {
    this.#newLeft = this.#maxNew;
  }

  /** The atom at a place where nothing else may be. */
  next(reader: Reader): KnownAtom {
    return this.read(reader, reader.u8());
  }

  /** The atom whose tag was just read. */
  read(reader: Reader, tag: number): KnownAtom {
    switch (tag) {
      case Tag.SmallAtomUtf8:
        return this.utf8(reader, reader.u8());
      case Tag.AtomUtf8:
        return this.utf8(reader, reader.u16());
      case Tag.AtomCacheRef: {
        const index = reader.u8();
        const known = this.references[index];
        if (known !== undefined) return known;
        throw new DecodeError("ETF_ATOM", `the packet has no atom reference ${index}`, reader.offset - 1, tag);
      }
      case Tag.SmallAtom:
        return this.#latin1(reader, reader.u8());
      case Tag.Atom:
        return this.#latin1(reader, reader.u16());
      default:
        throw new DecodeError("ETF_TAG", `an atom is due, not a term with tag ${tag}`, reader.offset - 1, tag);
    }
  }

  /** The atom whose UTF-8 text is the next `length` bytes. */
  utf8(reader: Reader, length: number): KnownAtom {
    const start = reader.skip(length);
    const { bytes, offset: end } = reader;
    const found = this.#table.find(bytes, start, end);
    if (found !== undefined) return found;
    const text = readUtf8(bytes, start, end);
    if (text === undefined) throw new DecodeError("ETF_UTF8", "an atom that is not UTF-8", start);
    return this.#ofText(text, start);
  }

  #latin1(reader: Reader, length: number): KnownAtom {
    const start = reader.skip(length);
    return this.#ofText(readLatin1(reader.bytes, start, reader.offset), start);
  }

  #ofText(text: string, at: number): KnownAtom {
    const known = this.#table.get(text);
    if (known !== undefined) return known;
    const problem = atomTextProblem(text);
    if (problem !== undefined) throw new DecodeError("ETF_ATOM", problem, at);
    if (--this.#newLeft < 0) throw new DecodeError("ETF_LIMIT", `more than ${this.#maxNew} new atoms`, at);
    return this.#table.add(text);
  }
}
