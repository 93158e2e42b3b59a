import { atomTextProblem } from "../term/index.ts";
import { atomBytes, wordsOf } from "./atom-bytes.ts";
import { Problem } from "./encode-problem.ts";
import { Tag } from "./tags.ts";
import type { Writer } from "./writer.ts";

/** An atom that an encoder has written. `packet` and `index` belong to its {@link AtomSink}, and start at -1. */
export interface SentAtom {
  readonly text: string;
  packet: number;
  index: number;
}

/** Where a connection collects the atoms of a packet for its header. */
export interface AtomSink {
  /**
   * The index (0 to 254) of the packet's reference to this atom; or -1, to have its text written in full. What is
   * referred to by a term that then fails to encode is not taken back: an unused reference is legal.
   */
  reference(atom: SentAtom): number;
}

/** Without a budget nothing bounds the atoms, so those written before are forgotten at this many. */
const MAX_REMEMBERED_ATOMS = 4096;

/** An atom with its bytes, tag and length included, as {@link Writer.words} takes them. */
export class CodedAtom implements SentAtom {
  readonly text: string;
  readonly words: Uint32Array;
  readonly length: number;
  packet = -1;
  index = -1;
  /** The key that came after this one in the object that had it last. */
  next: CodedAtom | undefined;
  /** A term that added it failed: it may still be somebody's `next`, but does not count against the budget. */
  isForgotten = false;

  constructor(text: string) {
    const bytes = atomBytes(text);
    this.text = text;
    this.length = bytes.length;
    this.words = wordsOf(bytes);
  }
}

/** Writes atoms, remembers their bytes, and counts them against a budget. */
export class AtomWriter {
  /** Set while packets with an atom cache are written. */
  sink: AtomSink | undefined;
  /** Stands before the first key of every object: its `next` is the first key of the last one. */
  readonly firstKey = new CodedAtom("");

  readonly #budget: number;
  /** With a budget, the atoms that count against it; without, those that were written lately. */
  readonly #atoms = new Map<string, CodedAtom>();
  /** Those of them that the current term added: they are given back when it fails. */
  readonly #ofTerm: CodedAtom[] = [];

  constructor(budget: number) {
    this.#budget = budget;
  }

  write(writer: Writer, text: string): void {
    this.writeCoded(writer, this.coded(text));
  }

  writeCoded(writer: Writer, atom: CodedAtom): void {
    const reference = this.sink === undefined ? -1 : this.sink.reference(atom);
    if (reference < 0) writer.words(atom.words, atom.length);
    else writer.u16((Tag.AtomCacheRef << 8) | reference);
  }

  /**
   * The key that follows `before`. Objects come in shapes: a key is most likely followed by the one that followed it
   * last time, whose bytes are then at hand.
   */
  keyAfter(before: CodedAtom, text: string): CodedAtom {
    const likely = before.next;
    if (likely !== undefined && likely.text === text && !likely.isForgotten) return likely;
    const atom = this.coded(text);
    before.next = atom;
    return atom;
  }

  coded(text: string): CodedAtom {
    return this.#atoms.get(text) ?? this.#add(text);
  }

  #add(text: string): CodedAtom {
    const problem = atomTextProblem(text);
    if (problem !== undefined) throw new Problem("ETF_ATOM", problem);
    if (this.#atoms.size >= this.#budget) {
      throw new Problem("ETF_ATOM_BUDGET", `the budget of ${this.#budget} distinct atoms is used up`);
    }
    const hasBudget = this.#budget !== Number.POSITIVE_INFINITY;
    if (!hasBudget && this.#atoms.size >= MAX_REMEMBERED_ATOMS) this.#atoms.clear();
    const atom = new CodedAtom(text);
    this.#atoms.set(text, atom);
    if (hasBudget) this.#ofTerm.push(atom);
    return atom;
  }

  /** The term is written. Its atoms stay, or do not count when it failed. */
  endTerm(failed: boolean): void {
    // Setting the length costs more than encoding a small term, even when it changes nothing.
    if (this.#ofTerm.length === 0) return;
    if (failed) {
      for (const atom of this.#ofTerm) {
        atom.isForgotten = true;
        this.#atoms.delete(atom.text);
      }
    }
    this.#ofTerm.length = 0;
  }
}
