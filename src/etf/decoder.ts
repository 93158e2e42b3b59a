import {
  BitString,
  Float,
  Fun,
  ImproperList,
  NativeRecord,
  type Structs,
  type Term,
  TupleValue,
} from "../term/index.ts";
import { AtomReader } from "./atom-reader.ts";
import { DecodeError, isStackOverflow, wrongField } from "./errors.ts";
import { type KeyNode, KeyTree, MAX_SHAPE_KEYS } from "./key-tree.ts";
import type { KnownAtom } from "./known-atoms.ts";
import { duplicateKey, mapFrom, objectFrom } from "./map-value.ts";
import { DEFAULT_DECODE_LIMITS, type DecodeLimits, type Profile } from "./options.ts";
import { readExport, readPid, readPort, readRef } from "./read-identifier.ts";
import { readBig, readFloatText, readInteger, readIntegers } from "./read-number.ts";
import type { Reader } from "./reader.ts";
import { MAX_TUPLE_ARITY, Tag } from "./tags.ts";
import { readUtf8 } from "./text.ts";

/**
 * Levels up to which compiled code reads maps: its frames are larger, and nesting up to the limit has to fit on the
 * stack.
 */
const MAX_COMPILED_DEPTH = 32;

export interface DecoderOptions extends Profile {
  readonly limits?: Partial<DecodeLimits>;
}

/** Reads terms. Make one per connection, or per kind of options, and keep it: it knows the atoms it has read. */
export class Decoder {
  readonly #limits: DecodeLimits;
  readonly #exactFloats: boolean;
  readonly #strings: boolean;
  readonly #structs: Structs | undefined;
  readonly #atoms: AtomReader;
  readonly #keyTree: KeyTree = new KeyTree({
    term: (reader, depth) => this.#term(reader, depth),
    rest: (reader, depth, at, next, count, values) => this.#map(reader, at, depth, next.parent, values, count),
  });
  /** What the term that is being read may still have. */
  #elementsLeft = 0;
  /** Above 0 inside map keys and closures, where nothing may be lost. */
  #exact = 0;

  constructor(options: DecoderOptions = {}) {
    this.#limits = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
    this.#exactFloats = options.floats === "exact";
    this.#strings = options.binaries !== "bytes";
    this.#structs = options.structs;
    this.#atoms = new AtomReader(this.#limits.maxAtoms);
  }

  /** What the atom cache references (tag 82) of the packet that is being read mean, by index. */
  set references(references: readonly KnownAtom[]) {
    this.#atoms.references = references;
  }

  /**
   * Reads one term, without a version byte, and leaves the reader behind it. Nothing of the result refers to the
   * reader's bytes. `maxBytes` is not looked at: the reader's range bounds the term.
   *
   * @throws DecodeError; the reader's offset is then anywhere.
   */
  read(reader: Reader): Term {
    this.#elementsLeft = this.#limits.maxElements;
    this.#atoms.reset();
    this.#exact = 0;
    try {
      return this.#term(reader, 0);
    } catch (error) {
      if (!isStackOverflow(error)) throw error;
      throw new DecodeError("ETF_DEPTH", "the stack is used up", reader.offset, undefined, { cause: error });
    }
  }

  /** The atom whose UTF-8 text is the next `length` bytes: for the headers of packets. */
  atom(reader: Reader, length: number): KnownAtom {
    this.#atoms.reset();
    return this.#atoms.utf8(reader, length);
  }

  #term(reader: Reader, depth: number): Term {
    const at = reader.offset;
    const tag = reader.u8();
    switch (tag) {
      case Tag.SmallInteger:
        return reader.u8();
      case Tag.Integer:
        return reader.i32();
      case Tag.Binary:
        return this.#bytesOrText(reader, reader.u32());
      case Tag.SmallAtomUtf8:
      case Tag.AtomCacheRef:
      case Tag.AtomUtf8:
      case Tag.SmallAtom:
      case Tag.Atom:
        return this.#atoms.read(reader, tag).term;
      case Tag.Map:
        return this.#map(reader, at, depth);
      case Tag.List:
        return this.#list(reader, at, depth);
      case Tag.SmallTuple:
        return this.#tuple(reader, reader.u8(), at, depth);
      case Tag.LargeTuple:
        return this.#tuple(reader, reader.u32(), at, depth);
      case Tag.Nil:
        this.#checkDepth(depth, at);
        return [];
      case Tag.String:
        this.#checkDepth(depth, at);
        return this.#byteList(reader);
      case Tag.NewFloat:
        return this.#float(reader.f64(), at, tag);
      case Tag.SmallBig:
        return readBig(reader, reader.u8(), this.#limits.maxBigBytes);
      case Tag.NewPid:
      case Tag.Pid:
        return readPid(reader, this.#atoms, tag, at);
      case Tag.NewerReference:
      case Tag.NewReference:
      case Tag.Reference:
        return readRef(reader, this.#atoms, tag, at);
      default:
        return this.#rare(reader, tag, at, depth);
    }
  }

  #rare(reader: Reader, tag: number, at: number, depth: number): Term {
    switch (tag) {
      case Tag.V4Port:
      case Tag.NewPort:
      case Tag.Port:
        return readPort(reader, this.#atoms, tag, at);
      case Tag.BitBinary:
        return this.#bitString(reader, at);
      case Tag.Export:
        return readExport(reader, this.#atoms, this.#limits.maxBigBytes, at);
      case Tag.NewFun:
        return this.#fun(reader, at, depth);
      case Tag.NativeRecord:
        return this.#record(reader, at, depth);
      case Tag.LargeBig:
        return readBig(reader, reader.u32(), this.#limits.maxBigBytes);
      case Tag.Float:
        return this.#float(readFloatText(reader), at, tag);
      default:
        throw new DecodeError("ETF_TAG", `${tag} is no tag of a term`, at, tag);
    }
  }

  /** Called by every container for itself. */
  #checkDepth(depth: number, at: number): void {
    if (depth < this.#limits.maxDepth) return;
    throw new DecodeError("ETF_DEPTH", `nested deeper than ${this.#limits.maxDepth} levels`, at);
  }

  /** Takes elements from the term's budget, after checking that the bytes for them can be there. */
  #count(reader: Reader, elements: number): number {
    reader.need(elements);
    this.#elementsLeft -= elements;
    if (this.#elementsLeft < 0) {
      throw new DecodeError("ETF_LIMIT", `more than ${this.#limits.maxElements} elements`, reader.offset);
    }
    return elements;
  }

  #float(value: number, at: number, tag: number): number | Float {
    if (!Number.isFinite(value)) throw wrongField("a float that is not finite", at, tag);
    if (this.#exact > 0 || (this.#exactFloats && Number.isInteger(value))) return new Float(value);
    return value;
  }

  #bytesOrText(reader: Reader, length: number): string | Uint8Array {
    if (this.#strings) {
      const start = reader.skip(length);
      const text = readUtf8(reader.bytes, start, reader.offset);
      if (text !== undefined) return text;
      reader.offset = start;
    }
    return reader.copy(length);
  }

  #bitString(reader: Reader, at: number): Term {
    const length = reader.u32();
    const bits = reader.u8();
    if (length === 0 || bits < 1 || bits > 8) {
      throw wrongField(`a bit string of ${length} bytes with ${bits} bits in the last`, at);
    }
    return bits === 8 ? this.#bytesOrText(reader, length) : new BitString(reader.copy(length), bits);
  }

  #byteList(reader: Reader): number[] {
    const length = this.#count(reader, reader.u16());
    const { bytes, offset } = reader;
    const items: number[] = new Array(length);
    for (let i = 0; i < length; i++) items[i] = bytes[offset + i]!;
    reader.offset = offset + length;
    return items;
  }

  /**
   * LIST_EXT: u32 length, that many elements, then a tail. A tail that is a list itself makes one longer list, and so
   * on, which is followed without recursion.
   */
  #list(reader: Reader, at: number, depth: number): Term {
    this.#checkDepth(depth, at);
    const length = this.#count(reader, reader.u32());
    const items: Term[] = new Array(length);
    for (let i = readIntegers(reader, items, length); i < length; i++) items[i] = this.#term(reader, depth + 1);
    for (;;) {
      const tag = reader.peek();
      if (tag === Tag.Nil) {
        reader.offset++;
        return items;
      }
      if (tag === Tag.String) {
        reader.offset++;
        for (const byte of this.#byteList(reader)) items.push(byte);
        return items;
      }
      if (tag !== Tag.List) {
        const tail = this.#term(reader, depth + 1);
        return items.length === 0 ? tail : new ImproperList(items, tail);
      }
      reader.offset++;
      const more = this.#count(reader, reader.u32());
      for (let i = 0; i < more; i++) items.push(this.#term(reader, depth + 1));
    }
  }

  #tuple(reader: Reader, arity: number, at: number, depth: number): Term {
    this.#checkDepth(depth, at);
    if (arity > MAX_TUPLE_ARITY) throw wrongField(`a tuple of ${arity} elements`, at);
    this.#count(reader, arity);
    const tuple = new TupleValue(arity);
    for (let i = 0; i < arity; i++) tuple[i] = this.#term(reader, depth + 1);
    return tuple as unknown as Term;
  }

  /**
   * Follows the key tree, see {@link KeyTree}, as long as the keys are atoms. All in one frame, for nesting's sake. With
   * `values` of so many keys, of which `count` were read, it goes on where what was compiled for a shape stopped.
   */
  #map(reader: Reader, at: number, depth: number, node = this.#keyTree.root, values?: Term[], count = 0): Term {
    const { references } = this.#atoms;
    if (values === undefined) {
      this.#checkDepth(depth, at);
      const size = reader.u32();
      this.#count(reader, size * 2);
      const likely = size <= MAX_SHAPE_KEYS && depth < MAX_COMPILED_DEPTH ? this.#keyTree.likely[size] : undefined;
      if (likely !== undefined) return likely.read(reader, references, depth, at);
      values = new Array<Term>(size);
    }
    const size = values.length;
    /** Of a map that does not follow the tree. */
    let keys: Term[] | undefined = size > MAX_SHAPE_KEYS ? [] : undefined;
    for (let i = count; i < size; i++) {
      if (keys === undefined) {
        let next = node.likely;
        if (next === undefined || !next.atom!.isNext(reader, references)) next = this.#nextKey(reader, node, at);
        if (next === undefined) keys = node.path().map(({ atom }) => atom!.term);
        else node = next;
      }
      if (keys !== undefined) {
        this.#enterKey(at);
        keys.push(this.#term(reader, depth + 1));
        this.#exact--;
      }
      values[i] = this.#term(reader, depth + 1);
    }
    if (keys !== undefined) return mapFrom(keys, values, this.#structsHere(), at);
    if (this.#structs === undefined || !node.isStruct) return this.#keyTree.build(node, values);
    return objectFrom(node.keys, values, this.#structsHere());
  }

  /** Reads a key that is not the likely one; `undefined`, and nothing read, when it is no atom. */
  #nextKey(reader: Reader, node: KeyNode, at: number): KeyNode | undefined {
    if (!isAtomTag(reader.peek())) return undefined;
    const next = this.#keyTree.after(node, this.#atoms.next(reader));
    if (next === undefined) throw duplicateKey(at);
    node.likely = next;
    return next;
  }

  #enterKey(at: number): void {
    const { maxKeyDepth } = this.#limits;
    if (this.#exact >= maxKeyDepth) {
      throw new DecodeError("ETF_DEPTH", `maps in keys of maps, more than ${maxKeyDepth} levels`, at);
    }
    this.#exact++;
  }

  /** In map keys and closures structs are plain objects. */
  #structsHere(): Structs | undefined {
    return this.#exact === 0 ? this.#structs : undefined;
  }

  /** NEW_FUN_EXT. Its size field is not trusted: writers put a too large value there. */
  #fun(reader: Reader, at: number, depth: number): Fun {
    const { maxBigBytes } = this.#limits;
    this.#checkDepth(depth, at);
    reader.u32();
    const arity = reader.u8();
    const uniq = reader.copy(16);
    const index = reader.u32();
    const freeCount = reader.u32();
    if (freeCount > 255) throw wrongField(`a fun of ${freeCount} variables`, at, Tag.NewFun);
    const module = this.#atoms.next(reader).text;
    const oldIndex = Number(readInteger(reader, maxBigBytes));
    const oldUniq = readInteger(reader, maxBigBytes);
    const pidTag = reader.u8();
    if (pidTag !== Tag.NewPid && pidTag !== Tag.Pid) {
      throw new DecodeError("ETF_TAG", "the pid of a fun's creator is due", reader.offset - 1, pidTag);
    }
    const creator = readPid(reader, this.#atoms, pidTag, reader.offset - 1);
    this.#count(reader, freeCount);
    this.#exact++;
    const freeVariables: Term[] = [];
    for (let i = 0; i < freeCount; i++) freeVariables.push(this.#term(reader, depth + 1));
    this.#exact--;
    return new Fun({ arity, uniq, index, module, oldIndex, oldUniq, creator, freeVariables });
  }

  #record(reader: Reader, at: number, depth: number): NativeRecord {
    this.#checkDepth(depth, at);
    const size = reader.u32();
    this.#count(reader, size * 2);
    const flags = reader.u8();
    if (flags > 1) throw wrongField(`a native record with the flags ${flags}`, at, Tag.NativeRecord);
    const module = this.#atoms.next(reader).text;
    const name = this.#atoms.next(reader).text;
    const names: string[] = [];
    for (let i = 0; i < size; i++) names.push(this.#atoms.next(reader).text);
    if (new Set(names).size !== size) throw duplicateKey(at);
    const fields = names.map((field): [string, Term] => [field, this.#term(reader, depth + 1)]);
    return new NativeRecord(module, name, flags === 1, fields);
  }
}

function isAtomTag(tag: number): boolean {
  switch (tag) {
    case Tag.SmallAtomUtf8:
    case Tag.AtomUtf8:
    case Tag.SmallAtom:
    case Tag.Atom:
    case Tag.AtomCacheRef:
      return true;
    default:
      return false;
  }
}
