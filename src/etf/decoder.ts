import {
  Atom,
  atomText,
  atomTextProblem,
  BitString,
  Export,
  Float,
  Fun,
  ImproperList,
  isAtom,
  NativeRecord,
  Pid,
  Port,
  Ref,
  type Structs,
  type Term,
  TermMap,
  type TermObject,
  TupleValue,
} from "../term/index.ts";
import { DecodeError, isStackOverflow } from "./errors.ts";
import { buildObject, type KeyNode, KeyTree, MAX_SHAPE_KEYS } from "./key-tree.ts";
import { AtomTable, type KnownAtom } from "./known-atoms.ts";
import { DEFAULT_DECODE_LIMITS, type DecodeLimits, type Profile } from "./options.ts";
import type { Reader } from "./reader.ts";
import { MAX_EXPORT_ARITY, MAX_REFERENCE_WORDS, MAX_TUPLE_ARITY, Tag } from "./tags.ts";
import { readLatin1, readUtf8 } from "./text.ts";

export interface DecoderOptions extends Profile {
  readonly limits?: Partial<DecodeLimits>;
}

const NO_REFERENCES: readonly KnownAtom[] = [];

/** Reads terms. Make one per connection, or per kind of options, and keep it: it knows the atoms it has read. */
export class Decoder {
  /** What the atom cache references (tag 82) of the packet that is being read mean, by index. */
  references = NO_REFERENCES;

  readonly #limits: DecodeLimits;
  readonly #exactFloats: boolean;
  readonly #strings: boolean;
  readonly #structs: Structs | undefined;
  readonly #atoms = new AtomTable();
  readonly #keyTree = new KeyTree();
  /** What the term that is being read may still have. */
  #elementsLeft = 0;
  #atomsLeft = 0;
  /** Above 0 inside map keys and closures, where nothing may be lost. */
  #exact = 0;

  constructor(options: DecoderOptions = {}) {
    this.#limits = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
    this.#exactFloats = options.floats === "exact";
    this.#strings = options.binaries !== "bytes";
    this.#structs = options.structs;
  }

  /**
   * Reads one term, without a version byte, and leaves the reader behind it. Nothing of the result refers to the
   * reader's bytes. `maxBytes` is not looked at: the reader's range bounds the term.
   *
   * @throws DecodeError; the reader's offset is then anywhere.
   */
  read(reader: Reader): Term {
    this.#elementsLeft = this.#limits.maxElements;
    this.#atomsLeft = this.#limits.maxAtoms;
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
    this.#atomsLeft = this.#limits.maxAtoms;
    return this.#utf8Atom(reader, length);
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
        return this.#atomOf(reader, tag).term;
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
        return this.#bigint(reader, reader.u8());
      default:
        return this.#rare(reader, tag, at, depth);
    }
  }

  #rare(reader: Reader, tag: number, at: number, depth: number): Term {
    switch (tag) {
      case Tag.NewPid:
      case Tag.Pid:
        return this.#pid(reader, tag, at);
      case Tag.NewerReference:
      case Tag.NewReference:
      case Tag.Reference:
        return this.#ref(reader, tag, at);
      case Tag.V4Port:
      case Tag.NewPort:
      case Tag.Port:
        return this.#port(reader, tag, at);
      case Tag.BitBinary:
        return this.#bitString(reader, at);
      case Tag.Export:
        return this.#export(reader, at);
      case Tag.NewFun:
        return this.#fun(reader, at, depth);
      case Tag.NativeRecord:
        return this.#record(reader, at, depth);
      case Tag.LargeBig:
        return this.#bigint(reader, reader.u32());
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

  #keysTooDeep(at: number): DecodeError {
    return new DecodeError("ETF_DEPTH", `maps in keys of maps, more than ${this.#limits.maxKeyDepth} levels`, at);
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

  #bigint(reader: Reader, length: number): number | bigint {
    if (length > this.#limits.maxBigBytes) {
      throw new DecodeError("ETF_LIMIT", `an integer of ${length} bytes`, reader.offset);
    }
    const negative = reader.u8() !== 0;
    reader.need(length);
    const digits: string[] = new Array(length);
    for (let i = length - 1; i >= 0; i--) digits[i] = reader.u8().toString(16).padStart(2, "0");
    const magnitude = length === 0 ? 0n : BigInt(`0x${digits.join("")}`);
    // Negative zero is zero.
    if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(negative ? -magnitude : magnitude);
    return negative ? -magnitude : magnitude;
  }

  #float(value: number, at: number, tag: number): number | Float {
    if (!Number.isFinite(value)) throw new DecodeError("ETF_FIELD", "a float that is not finite", at, tag);
    if (this.#exact > 0 || (this.#exactFloats && Number.isInteger(value))) return new Float(value);
    return value;
  }

  /** The atom at a place where nothing else may be. */
  #atomField(reader: Reader): KnownAtom {
    return this.#atomOf(reader, reader.u8());
  }

  #atomOf(reader: Reader, tag: number): KnownAtom {
    switch (tag) {
      case Tag.SmallAtomUtf8:
        return this.#utf8Atom(reader, reader.u8());
      case Tag.AtomUtf8:
        return this.#utf8Atom(reader, reader.u16());
      case Tag.SmallAtom:
        return this.#latin1Atom(reader, reader.u8());
      case Tag.Atom:
        return this.#latin1Atom(reader, reader.u16());
      case Tag.AtomCacheRef: {
        const index = reader.u8();
        const known = this.references[index];
        if (known !== undefined) return known;
        throw new DecodeError("ETF_ATOM", `the packet has no atom reference ${index}`, reader.offset - 1, tag);
      }
      default:
        throw new DecodeError("ETF_TAG", `an atom is due, not a term with tag ${tag}`, reader.offset - 1, tag);
    }
  }

  #utf8Atom(reader: Reader, length: number): KnownAtom {
    reader.need(length);
    const { bytes, offset } = reader;
    reader.offset = offset + length;
    const found = this.#atoms.find(bytes, offset, offset + length);
    if (found !== undefined) return found;
    const text = readUtf8(bytes, offset, offset + length);
    if (text === undefined) throw new DecodeError("ETF_UTF8", "an atom that is not UTF-8", offset);
    return this.#atomOfText(text, offset);
  }

  #latin1Atom(reader: Reader, length: number): KnownAtom {
    reader.need(length);
    const { offset } = reader;
    reader.offset = offset + length;
    return this.#atomOfText(readLatin1(reader.bytes, offset, offset + length), offset);
  }

  #atomOfText(text: string, at: number): KnownAtom {
    const known = this.#atoms.get(text);
    if (known !== undefined) return known;
    const problem = atomTextProblem(text);
    if (problem !== undefined) throw new DecodeError("ETF_ATOM", problem, at);
    if (--this.#atomsLeft < 0) throw new DecodeError("ETF_LIMIT", `more than ${this.#limits.maxAtoms} new atoms`, at);
    return this.#atoms.add(text);
  }

  #bytesOrText(reader: Reader, length: number): string | Uint8Array {
    reader.need(length);
    if (this.#strings) {
      const { offset } = reader;
      const text = readUtf8(reader.bytes, offset, offset + length);
      if (text !== undefined) {
        reader.offset = offset + length;
        return text;
      }
    }
    return reader.copy(length);
  }

  #bitString(reader: Reader, at: number): Term {
    const length = reader.u32();
    const bits = reader.u8();
    if (length === 0 || bits < 1 || bits > 8) {
      throw new DecodeError("ETF_FIELD", `a bit string of ${length} bytes with ${bits} bits in the last`, at);
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
    for (let i = 0; i < length; i++) items[i] = this.#term(reader, depth + 1);
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
    if (arity > MAX_TUPLE_ARITY) throw new DecodeError("ETF_FIELD", `a tuple of ${arity} elements`, at);
    this.#count(reader, arity);
    const tuple = new TupleValue(arity);
    for (let i = 0; i < arity; i++) tuple[i] = this.#term(reader, depth + 1);
    return tuple as unknown as Term;
  }

  /** Follows the key tree, see {@link KeyTree}, as long as the keys are atoms. */
  #map(reader: Reader, at: number, depth: number): Term {
    this.#checkDepth(depth, at);
    const size = reader.u32();
    this.#count(reader, size * 2);
    const values: Term[] = new Array(size);
    const { references } = this;
    let node = this.#keyTree.root;
    /** Of a map that does not follow the tree. */
    let keys: Term[] | undefined = size > MAX_SHAPE_KEYS ? [] : undefined;
    for (let i = 0; i < size; i++) {
      if (keys === undefined) {
        let next = node.likely;
        if (next === undefined || !next.atom!.isNext(reader, references)) {
          next = this.#nextKey(reader, node, at);
        }
        if (next === undefined) keys = node.atoms().map(({ term }) => term);
        else node = next;
      }
      if (keys !== undefined) {
        if (this.#exact >= this.#limits.maxKeyDepth) throw this.#keysTooDeep(at);
        this.#exact++;
        keys.push(this.#term(reader, depth + 1));
        this.#exact--;
      }
      values[i] = this.#term(reader, depth + 1);
    }
    if (keys !== undefined) return this.#mapOf(keys, values, at);
    if (this.#structs === undefined || !node.isStruct) return this.#keyTree.build(node, values);
    return this.#object(node.keys, values);
  }

  /** Reads a key that is not the likely one; `undefined`, and nothing read, when it is no atom. */
  #nextKey(reader: Reader, node: KeyNode, at: number): KeyNode | undefined {
    if (!isAtomTag(reader.peek())) return undefined;
    const next = this.#keyTree.after(node, this.#atomField(reader));
    if (next === undefined) throw duplicateKey(at);
    node.likely = next;
    return next;
  }

  #mapOf(keys: readonly Term[], values: readonly Term[], at: number): Term {
    if (keys.every(isAtom)) {
      const texts = keys.map((key) => atomText(key)!);
      if (new Set(texts).size !== keys.length) throw duplicateKey(at);
      return this.#object(texts, values);
    }
    // A Map finds these by value.
    const isPlain = keys.every((key) => typeof key !== "object" || key === null || key instanceof Atom);
    const map = isPlain ? new Map<Term, Term>() : new TermMap();
    for (let i = 0; i < keys.length; i++) map.set(keys[i]!, values[i]!);
    if (map.size !== keys.length) throw duplicateKey(at);
    return map;
  }

  /** An object, or the instance of the class that is registered for the struct. */
  #object(keys: readonly string[], values: readonly Term[]): TermObject {
    const module = values[keys.indexOf("__struct__")];
    const isInstance = this.#exact === 0 && module instanceof Atom;
    const instance = isInstance ? (this.#structs?.create(module.tag) as TermObject | undefined) : undefined;
    if (instance === undefined) return buildObject(keys, values);
    for (let i = 0; i < keys.length; i++) if (keys[i] !== "__struct__") defineField(instance, keys[i]!, values[i]!);
    return instance;
  }

  #pid(reader: Reader, tag: number, at: number): Pid {
    const node = this.#atomField(reader).text;
    const id = reader.u32();
    const serial = reader.u32();
    return new Pid(node, id, serial, tag === Tag.NewPid ? reader.u32() : shortCreation(reader, at, tag));
  }

  #port(reader: Reader, tag: number, at: number): Port {
    const node = this.#atomField(reader).text;
    const id = tag === Tag.V4Port ? reader.u64() : BigInt(reader.u32());
    return new Port(node, id, tag === Tag.Port ? shortCreation(reader, at, tag) : reader.u32());
  }

  #ref(reader: Reader, tag: number, at: number): Ref {
    if (tag === Tag.Reference) {
      const node = this.#atomField(reader).text;
      const word = reader.u32();
      checkFirstWord(word, at, tag);
      return new Ref(node, shortCreation(reader, at, tag), [word]);
    }
    const length = reader.u16();
    if (length > MAX_REFERENCE_WORDS) throw new DecodeError("ETF_FIELD", `a reference of ${length} words`, at, tag);
    const node = this.#atomField(reader).text;
    const creation = tag === Tag.NewerReference ? reader.u32() : shortCreation(reader, at, tag);
    const words: number[] = [];
    for (let i = 0; i < length; i++) words.push(reader.u32());
    if (tag === Tag.NewReference) checkFirstWord(words[0] ?? 0, at, tag);
    return new Ref(node, creation, words);
  }

  #export(reader: Reader, at: number): Export {
    const module = this.#atomField(reader).text;
    const name = this.#atomField(reader).text;
    const arity = this.#integer(reader);
    if (arity < 0 || arity > MAX_EXPORT_ARITY) {
      throw new DecodeError("ETF_FIELD", `a function of arity ${arity}`, at, Tag.Export);
    }
    return new Export(module, name, Number(arity));
  }

  /** NEW_FUN_EXT. Its size field is not trusted: writers put a too large value there. */
  #fun(reader: Reader, at: number, depth: number): Fun {
    this.#checkDepth(depth, at);
    reader.u32();
    const arity = reader.u8();
    const uniq = reader.copy(16);
    const index = reader.u32();
    const freeCount = reader.u32();
    if (freeCount > 255) throw new DecodeError("ETF_FIELD", `a fun of ${freeCount} variables`, at, Tag.NewFun);
    const module = this.#atomField(reader).text;
    const oldIndex = Number(this.#integer(reader));
    const oldUniq = this.#integer(reader);
    const pidTag = reader.u8();
    if (pidTag !== Tag.NewPid && pidTag !== Tag.Pid) {
      throw new DecodeError("ETF_TAG", "the pid of a fun's creator is due", reader.offset - 1, pidTag);
    }
    const creator = this.#pid(reader, pidTag, reader.offset - 1);
    this.#count(reader, freeCount);
    this.#exact++;
    const freeVariables: Term[] = [];
    for (let i = 0; i < freeCount; i++) freeVariables.push(this.#term(reader, depth + 1));
    this.#exact--;
    return new Fun({ arity, uniq, index, module, oldIndex, oldUniq, creator, freeVariables });
  }

  /** An integer at a place where nothing else may be. */
  #integer(reader: Reader): number | bigint {
    const tag = reader.u8();
    switch (tag) {
      case Tag.SmallInteger:
        return reader.u8();
      case Tag.Integer:
        return reader.i32();
      case Tag.SmallBig:
        return this.#bigint(reader, reader.u8());
      case Tag.LargeBig:
        return this.#bigint(reader, reader.u32());
      default:
        throw new DecodeError("ETF_TAG", `an integer is due, not a term with tag ${tag}`, reader.offset - 1, tag);
    }
  }

  #record(reader: Reader, at: number, depth: number): NativeRecord {
    this.#checkDepth(depth, at);
    const size = reader.u32();
    this.#count(reader, size * 2);
    const flags = reader.u8();
    if (flags > 1) throw new DecodeError("ETF_FIELD", `a native record with the flags ${flags}`, at, Tag.NativeRecord);
    const module = this.#atomField(reader).text;
    const name = this.#atomField(reader).text;
    const names: string[] = [];
    for (let i = 0; i < size; i++) names.push(this.#atomField(reader).text);
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

/** Assignment would run setters of the class, which the names that a peer sends must not reach. */
function defineField(instance: TermObject, key: string, value: Term): void {
  Object.defineProperty(instance, key, { value, enumerable: true, configurable: true, writable: true });
}

function duplicateKey(at: number): DecodeError {
  return new DecodeError("ETF_DUPLICATE_KEY", "a key is there twice", at);
}

/** FLOAT_EXT: 31 bytes of text, padded with NUL. */
function readFloatText(reader: Reader): number {
  reader.need(31);
  const { offset } = reader;
  reader.offset = offset + 31;
  const text = readLatin1(reader.bytes, offset, offset + 31);
  const end = text.indexOf("\0");
  const digits = end < 0 ? text : text.slice(0, end);
  return /^\s*[-+]?\d+\.\d+(e[-+]?\d+)?$/i.test(digits) ? Number(digits) : Number.NaN;
}

/** The one-byte creation of the old forms, of which two bits count. */
function shortCreation(reader: Reader, at: number, tag: number): number {
  const creation = reader.u8();
  if (creation > 3) throw new DecodeError("ETF_FIELD", `a creation of ${creation} in an old form`, at, tag);
  return creation;
}

/** The old forms have references whose first word has 18 bits. */
function checkFirstWord(word: number, at: number, tag: number): void {
  if (word >= 0x4_0000) throw new DecodeError("ETF_FIELD", `a reference with the first word ${word}`, at, tag);
}
