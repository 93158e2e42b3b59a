import {
  Atom,
  atomTextProblem,
  BitString,
  DEFAULT_MAX_DEPTH,
  EncodeError,
  type EncodeErrorCode,
  Export,
  Float,
  Fun,
  ImproperList,
  isPlainObject,
  isTuple,
  NativeRecord,
  type PathStep,
  Pid,
  Port,
  Ref,
  type Structs,
  TermMap,
  termKey,
} from "../term/index.ts";
import { atomBytes, wordsOf } from "./atom-bytes.ts";
import { isStackOverflow } from "./errors.ts";
import { ALL_ABILITIES, type PeerAbilities } from "./options.ts";
import { MAX_EXPORT_ARITY, MAX_REFERENCE_WORDS, MAX_TUPLE_ARITY, Tag } from "./tags.ts";
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

export interface EncoderOptions {
  /** Classes whose instances are sent as structs. */
  readonly structs?: Structs | undefined;
  /** What the reader can carry; by default everything. */
  readonly peer?: PeerAbilities;
  /** Distinct atoms that this encoder may write in its life; by default any number. */
  readonly atomBudget?: number;
  /** Levels of nesting, default {@link DEFAULT_MAX_DEPTH}. */
  readonly maxDepth?: number;
}

const MAX_U32 = 0xffff_ffff;
const MAX_STRING_LENGTH = 65_535;
/** Without a budget nothing bounds the atoms, so those written before are forgotten at this many. */
const MAX_REMEMBERED_ATOMS = 4096;
/** In a loop over an object's keys this form costs nothing: V8 knows it. */
const isOwn = Object.prototype.hasOwnProperty;

/** An atom with its bytes, tag and length included, as {@link Writer.words} takes them. */
class CodedAtom implements SentAtom {
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

/** Writes terms. Make one per connection, or per kind of options, and keep it: it knows the atoms it has written. */
export class Encoder {
  /** Set while packets with an atom cache are written. */
  atomSink: AtomSink | undefined;

  readonly #structs: Structs | undefined;
  readonly #peer: PeerAbilities;
  readonly #atomBudget: number;
  readonly #maxDepth: number;
  /** With a budget, the atoms that count against it; without, those that were written lately. */
  readonly #atoms = new Map<string, CodedAtom>();
  /** Those of them that the current term added: they are given back when it fails. */
  readonly #atomsOfTerm: CodedAtom[] = [];
  /** Stands before the first key of every object: its `next` is the first key of the last one. */
  readonly #firstKey = new CodedAtom("");
  #busy = false;
  /** The way to the part that is being written: a step per level. Steps deeper than the current level are stale. */
  readonly #path: PathStep[] = [];

  constructor(options: EncoderOptions = {}) {
    this.#structs = options.structs;
    this.#peer = options.peer ?? ALL_ABILITIES;
    this.#atomBudget = options.atomBudget ?? Number.POSITIVE_INFINITY;
    this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
  }

  /**
   * Writes one term, without the version byte. When it throws, the writer is as it was before, and the atoms of the
   * term do not count.
   *
   * @throws EncodeError, and whatever a getter of the value throws.
   */
  write(writer: Writer, value: unknown): void {
    if (this.#busy) throw new EncodeError("ETF_UNSUPPORTED", "a getter of a value being encoded encodes another one");
    const mark = writer.mark();
    this.#busy = true;
    try {
      this.#term(writer, value, 0);
    } catch (error) {
      writer.rewind(mark);
      for (const atom of this.#atomsOfTerm) this.#forget(atom);
      if (isStackOverflow(error)) throw new EncodeError("ETF_DEPTH", "the stack is used up", [], { cause: error });
      throw error;
    } finally {
      // Setting the length costs more than encoding a small term, even when it changes nothing.
      if (this.#atomsOfTerm.length > 0) this.#atomsOfTerm.length = 0;
      this.#busy = false;
    }
  }

  /** `depth` is also the length of the path to the value. */
  #term(writer: Writer, value: unknown, depth: number): void {
    // Not a switch: V8 has an instruction for each of these comparisons.
    if (typeof value === "string") this.#string(writer, value, depth);
    else if (typeof value === "number") this.#number(writer, value, depth);
    else if (value instanceof Atom) this.#atom(writer, value.tag, depth);
    else if (isTuple(value)) this.#tuple(writer, value, depth);
    else if (Array.isArray(value)) this.#list(writer, value, depth);
    else if (isPlainObject(value)) this.#fields(writer, value, undefined, depth);
    else if (value instanceof Map) this.#map(writer, value, depth);
    else if (value === null || value === undefined) this.#atom(writer, "nil", depth);
    else if (typeof value === "boolean") this.#atom(writer, value ? "true" : "false", depth);
    else if (typeof value === "bigint") this.#bigint(writer, value, depth);
    else if (typeof value === "object") this.#instance(writer, value, depth);
    else throw this.#error("ETF_UNSUPPORTED", `a ${typeof value} has no Erlang form`, depth);
  }

  #instance(writer: Writer, value: object, depth: number): void {
    if (value instanceof Uint8Array) this.#binary(writer, value, depth);
    else if (value instanceof Pid) this.#pid(writer, value, depth);
    else if (value instanceof Ref) this.#ref(writer, value, depth);
    else if (value instanceof Float) this.#float(writer, value.value);
    else if (value instanceof ImproperList) this.#improperList(writer, value, depth);
    else if (value instanceof BitString) this.#bitString(writer, value, depth);
    else if (value instanceof Port) this.#port(writer, value, depth);
    else if (value instanceof Export) this.#export(writer, value, depth);
    else if (value instanceof Fun) this.#fun(writer, value, depth);
    else if (value instanceof NativeRecord) this.#record(writer, value, depth);
    else this.#struct(writer, value, depth);
  }

  #struct(writer: Writer, value: object, depth: number): void {
    const module = this.#structs?.moduleOf(value);
    if (module === undefined) throw this.#error("ETF_UNSUPPORTED", `${describe(value)} has no Erlang form`, depth);
    this.#fields(writer, value as Record<string, unknown>, module, depth);
  }

  /** Integral numbers are integers, whatever their size; -0 is a float, since no integer is. */
  #number(writer: Writer, value: number, depth: number): void {
    if (value === (value | 0) && (value !== 0 || 1 / value > 0)) {
      this.#int32(writer, value);
      return;
    }
    if (!Number.isFinite(value)) throw this.#error("ETF_UNSUPPORTED", `${value} has no Erlang form`, depth);
    if (Number.isInteger(value) && value !== 0) this.#bigint(writer, BigInt(value), depth);
    else this.#float(writer, value);
  }

  #int32(writer: Writer, value: number): void {
    if (value >= 0 && value <= 255) {
      writer.u16((Tag.SmallInteger << 8) | value);
    } else {
      writer.tagged32(Tag.Integer, value);
    }
  }

  #bigint(writer: Writer, value: bigint, depth: number): void {
    if (value >= -0x8000_0000n && value <= 0x7fff_ffffn) {
      this.#int32(writer, Number(value));
      return;
    }
    const negative = value < 0n;
    let hex = (negative ? -value : value).toString(16);
    if (hex.length % 2 === 1) hex = `0${hex}`;
    const length = hex.length / 2;
    if (length <= 255) {
      writer.u8(Tag.SmallBig);
      writer.u8(length);
    } else {
      writer.u8(Tag.LargeBig);
      this.#length(writer, length, "digits", depth);
    }
    writer.u8(negative ? 1 : 0);
    writer.reserve(length);
    for (let at = hex.length - 2; at >= 0; at -= 2) writer.u8(Number.parseInt(hex.slice(at, at + 2), 16));
  }

  #float(writer: Writer, value: number): void {
    writer.u8(Tag.NewFloat);
    writer.f64(value);
  }

  #string(writer: Writer, text: string, depth: number): void {
    if (writer.shortAscii(Tag.Binary, text)) return;
    if (!text.isWellFormed()) throw this.#error("ETF_SURROGATE", "a lone surrogate has no UTF-8 form", depth);
    writer.u8(Tag.Binary);
    const start = writer.mark();
    writer.u32(0);
    writer.patch32(start, writer.utf8(text));
  }

  #binary(writer: Writer, bytes: Uint8Array, depth: number): void {
    writer.u8(Tag.Binary);
    this.#length(writer, bytes.length, "bytes", depth);
    writer.copy(bytes);
  }

  #bitString(writer: Writer, value: BitString, depth: number): void {
    writer.u8(Tag.BitBinary);
    this.#length(writer, value.bytes.length, "bytes", depth);
    writer.u8(value.bitsInLastByte);
    writer.copy(value.bytes);
  }

  #atom(writer: Writer, text: string, depth: number): void {
    this.#codedAtom(writer, this.#atoms.get(text) ?? this.#newAtom(text, depth));
  }

  #codedAtom(writer: Writer, atom: CodedAtom): void {
    const reference = this.atomSink === undefined ? -1 : this.atomSink.reference(atom);
    if (reference < 0) {
      writer.words(atom.words, atom.length);
    } else {
      writer.u8(Tag.AtomCacheRef);
      writer.u8(reference);
    }
  }

  #newAtom(text: string, depth: number): CodedAtom {
    const problem = atomTextProblem(text);
    if (problem !== undefined) throw this.#error("ETF_ATOM", problem, depth);
    if (this.#atoms.size >= this.#atomBudget) {
      throw this.#error("ETF_ATOM_BUDGET", `the budget of ${this.#atomBudget} distinct atoms is used up`, depth);
    }
    const hasBudget = this.#atomBudget !== Number.POSITIVE_INFINITY;
    if (!hasBudget && this.#atoms.size >= MAX_REMEMBERED_ATOMS) this.#atoms.clear();
    const atom = new CodedAtom(text);
    this.#atoms.set(text, atom);
    if (hasBudget) this.#atomsOfTerm.push(atom);
    return atom;
  }

  #forget(atom: CodedAtom): void {
    atom.isForgotten = true;
    this.#atoms.delete(atom.text);
  }

  #tuple(writer: Writer, elements: readonly unknown[], depth: number): void {
    this.#checkDepth(depth);
    const arity = elements.length;
    if (arity <= 255) {
      writer.u8(Tag.SmallTuple);
      writer.u8(arity);
    } else {
      if (arity > MAX_TUPLE_ARITY) throw this.#error("ETF_LIMIT", `a tuple of ${arity} elements`, depth);
      writer.u8(Tag.LargeTuple);
      writer.u32(arity);
    }
    // As in #list, the loop is not shared: a frame less per level is a third of the stack that nesting takes.
    for (let i = 0; i < arity; i++) {
      this.#path[depth] = i;
      this.#term(writer, elements[i], depth + 1);
    }
  }

  #list(writer: Writer, items: readonly unknown[], depth: number): void {
    this.#checkDepth(depth);
    const { length } = items;
    if (length > 0) {
      if (isByte(items[0]) && length <= MAX_STRING_LENGTH && this.#byteList(writer, items)) return;
      // A JavaScript array is never longer than the format can say.
      writer.tagged32(Tag.List, length);
      for (let i = 0; i < length; i++) {
        this.#path[depth] = i;
        this.#term(writer, items[i], depth + 1);
      }
    }
    writer.u8(Tag.Nil);
  }

  /** Writes a list of bytes in its short form; false, and nothing written, when it holds anything else. */
  #byteList(writer: Writer, items: readonly unknown[]): boolean {
    const mark = writer.mark();
    writer.u8(Tag.String);
    writer.u16(items.length);
    writer.reserve(items.length);
    const { bytes, offset } = writer;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (!isByte(item)) {
        writer.rewind(mark);
        return false;
      }
      bytes[offset + i] = item;
    }
    writer.offset = offset + items.length;
    return true;
  }

  #improperList(writer: Writer, { items, tail }: ImproperList, depth: number): void {
    this.#checkDepth(depth);
    const { length } = items;
    writer.u8(Tag.List);
    this.#length(writer, length, "elements", depth);
    for (let i = 0; i <= length; i++) {
      this.#path[depth] = i;
      this.#term(writer, i < length ? items[i] : tail, depth + 1);
    }
  }

  /** Called by every container for itself, as decoding counts the levels. */
  #checkDepth(depth: number): void {
    if (depth < this.#maxDepth) return;
    throw this.#error("ETF_DEPTH", `nested deeper than ${this.#maxDepth} levels, or containing itself`, depth);
  }

  /**
   * A map with the atoms of the object's own enumerable keys; with `module`, a struct of it. Objects come in shapes:
   * a key is most likely followed by the one that followed it last time, whose bytes are then at hand.
   */
  #fields(writer: Writer, object: Record<string, unknown>, module: string | undefined, depth: number): void {
    this.#checkDepth(depth);
    writer.u8(Tag.Map);
    const start = writer.mark();
    writer.u32(0);
    let size = 0;
    if (module !== undefined) {
      this.#atom(writer, "__struct__", depth);
      this.#atom(writer, module, depth);
      size++;
    }
    let before = this.#firstKey;
    for (const key in object) {
      if (!isOwn.call(object, key) || (key === "__struct__" && module !== undefined)) continue;
      this.#path[depth] = key;
      let atom = before.next;
      if (atom === undefined || atom.text !== key || atom.isForgotten) {
        atom = this.#atoms.get(key) ?? this.#newAtom(key, depth + 1);
        before.next = atom;
      }
      before = atom;
      this.#codedAtom(writer, atom);
      this.#term(writer, object[key], depth + 1);
      size++;
    }
    writer.patch32(start, size);
  }

  #map(writer: Writer, map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#checkDepth(depth);
    writer.u8(Tag.Map);
    this.#length(writer, map.size, "entries", depth);
    const seen = map instanceof TermMap ? undefined : new Set<unknown>();
    for (const [key, value] of map) {
      this.#path[depth] = { inKey: key };
      this.#term(writer, key, depth + 1);
      this.#path[depth] = { key };
      if (seen?.has(termKey(key, this.#structs))) {
        throw this.#error("ETF_DUPLICATE_KEY", "two keys of a Map are the same term", depth + 1);
      }
      seen?.add(termKey(key, this.#structs));
      this.#term(writer, value, depth + 1);
    }
  }

  #pid(writer: Writer, pid: Pid, depth: number): void {
    this.#checkU32(pid, "id", pid.id, depth);
    this.#checkU32(pid, "serial", pid.serial, depth);
    this.#checkU32(pid, "creation", pid.creation, depth);
    if (!this.#peer.wideIds && (pid.id >= 0x8000 || pid.serial >= 0x2000)) {
      throw this.#error("ETF_PEER", `the peer's release cannot carry the wide ${pid}`, depth);
    }
    writer.u8(Tag.NewPid);
    this.#atom(writer, pid.node, depth);
    writer.u32(pid.id);
    writer.u32(pid.serial);
    writer.u32(pid.creation);
  }

  #ref(writer: Writer, ref: Ref, depth: number): void {
    const { words } = ref;
    this.#checkU32(ref, "creation", ref.creation, depth);
    if (words.length > MAX_REFERENCE_WORDS) {
      throw this.#error("ETF_UNSUPPORTED", `a reference of ${words.length} words has no Erlang form`, depth);
    }
    if (!this.#peer.wideIds && words.length > 3) {
      throw this.#error("ETF_PEER", `the peer's release cannot carry a reference of ${words.length} words`, depth);
    }
    writer.u8(Tag.NewerReference);
    writer.u16(words.length);
    this.#atom(writer, ref.node, depth);
    writer.u32(ref.creation);
    for (const word of words) {
      this.#checkU32(ref, "word", word, depth);
      writer.u32(word);
    }
  }

  #port(writer: Writer, port: Port, depth: number): void {
    this.#checkU32(port, "creation", port.creation, depth);
    if (BigInt.asUintN(64, port.id) !== port.id) {
      throw this.#error("ETF_UNSUPPORTED", `a port with the id ${port.id} has no Erlang form`, depth);
    }
    if (this.#peer.wideIds) {
      writer.u8(Tag.V4Port);
      this.#atom(writer, port.node, depth);
      writer.u64(port.id);
    } else {
      if (port.id >= 0x1000_0000n) {
        throw this.#error("ETF_PEER", `the peer's release cannot carry the wide ${port}`, depth);
      }
      writer.u8(Tag.NewPort);
      this.#atom(writer, port.node, depth);
      writer.u32(Number(port.id));
    }
    writer.u32(port.creation);
  }

  #export(writer: Writer, value: Export, depth: number): void {
    const { arity } = value;
    if (!(Number.isInteger(arity) && arity >= 0 && arity <= MAX_EXPORT_ARITY)) {
      throw this.#error("ETF_UNSUPPORTED", `a function of arity ${arity} has no Erlang form`, depth);
    }
    writer.u8(Tag.Export);
    this.#atom(writer, value.module, depth);
    this.#atom(writer, value.function, depth);
    this.#int32(writer, arity);
  }

  #fun(writer: Writer, fun: Fun, depth: number): void {
    const { freeVariables } = fun;
    if (fun.uniq.length !== 16 || (fun.arity & 0xff) !== fun.arity || freeVariables.length > 255) {
      throw this.#error("ETF_UNSUPPORTED", "a fun that no BEAM made has no Erlang form", depth);
    }
    this.#checkU32(fun, "index", fun.index, depth);
    this.#checkDepth(depth);
    writer.u8(Tag.NewFun);
    const start = writer.mark();
    writer.u32(0);
    writer.u8(fun.arity);
    writer.copy(fun.uniq);
    writer.u32(fun.index);
    writer.u32(freeVariables.length);
    this.#atom(writer, fun.module, depth);
    this.#number(writer, fun.oldIndex, depth);
    this.#term(writer, fun.oldUniq, depth);
    this.#pid(writer, fun.creator, depth);
    for (let i = 0; i < freeVariables.length; i++) {
      this.#path[depth] = i;
      this.#term(writer, freeVariables[i], depth + 1);
    }
    writer.patch32(start, writer.mark() - start);
  }

  #record(writer: Writer, record: NativeRecord, depth: number): void {
    const { fields } = record;
    if (!this.#peer.nativeRecords) {
      throw this.#error("ETF_PEER", "the peer's release cannot carry a native record", depth);
    }
    if (new Set(fields.map(([name]) => name)).size !== fields.length) {
      throw this.#error("ETF_DUPLICATE_KEY", "two fields of a record have the same name", depth);
    }
    this.#checkDepth(depth);
    writer.u8(Tag.NativeRecord);
    this.#length(writer, fields.length, "fields", depth);
    writer.u8(record.exported ? 1 : 0);
    this.#atom(writer, record.module, depth);
    this.#atom(writer, record.name, depth);
    for (const [name] of fields) this.#atom(writer, name, depth);
    for (const [name, value] of fields) {
      this.#path[depth] = name;
      this.#term(writer, value, depth + 1);
    }
  }

  #length(writer: Writer, length: number, what: string, depth: number): void {
    if (length > MAX_U32) throw this.#error("ETF_LIMIT", `${length} ${what} are more than the format can say`, depth);
    writer.u32(length);
  }

  #checkU32(value: object, field: string, number: number, depth: number): void {
    if (number >>> 0 !== number) {
      throw this.#error("ETF_UNSUPPORTED", `${describe(value)} with the ${field} ${number} has no Erlang form`, depth);
    }
  }

  #error(code: EncodeErrorCode, problem: string, depth: number): EncodeError {
    return new EncodeError(code, problem, this.#path.slice(0, depth));
  }
}

/** -0 is none, but a float. */
function isByte(value: unknown): value is number {
  return typeof value === "number" && (value & 0xff) === value && (value !== 0 || 1 / value > 0);
}

/** `a Date`, `an instance of Order`. */
function describe(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `a value of class ${name}` : "a value of an unnamed class";
}
