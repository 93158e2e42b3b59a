import {
  Atom,
  BitString,
  DEFAULT_MAX_DEPTH,
  EncodeError,
  Export,
  Float,
  Fun,
  ImproperList,
  isPlainObject,
  isTuple,
  NativeRecord,
  Pid,
  Port,
  Ref,
  type Structs,
  TermMap,
  termKey,
} from "../term/index.ts";
import { type AtomSink, AtomWriter } from "./atom-writer.ts";
import { at, describe, Problem, peerCannot, unsupported } from "./encode-problem.ts";
import { isStackOverflow } from "./errors.ts";
import { ALL_ABILITIES, type PeerAbilities } from "./options.ts";
import { MAX_TUPLE_ARITY, Tag } from "./tags.ts";
import { checkU32, writeExport, writePid, writePort, writeRef } from "./write-identifier.ts";
import { writeBigint, writeByteList, writeFloat, writeIntegers, writeNumber } from "./write-number.ts";
import type { Writer } from "./writer.ts";

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

/** In a loop over an object's keys this form costs nothing: V8 knows it. */
const isOwn = Object.prototype.hasOwnProperty;

/** Writes terms. Make one per connection, or per kind of options, and keep it: it knows the atoms it has written. */
export class Encoder {
  readonly #structs: Structs | undefined;
  readonly #peer: PeerAbilities;
  readonly #maxDepth: number;
  readonly #atoms: AtomWriter;
  #busy = false;

  constructor(options: EncoderOptions = {}) {
    this.#structs = options.structs;
    this.#peer = options.peer ?? ALL_ABILITIES;
    this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
    this.#atoms = new AtomWriter(options.atomBudget ?? Number.POSITIVE_INFINITY);
  }

  /** Set while packets with an atom cache are written. */
  get atomSink(): AtomSink | undefined {
    return this.#atoms.sink;
  }

  set atomSink(sink: AtomSink | undefined) {
    this.#atoms.sink = sink;
  }

  /**
   * Writes one term, without the version byte. When it throws, the writer is as it was before, and the atoms of the
   * term do not count.
   *
   * @throws EncodeError, and whatever a getter of the value throws.
   */
  write(writer: Writer, value: unknown): void {
    if (this.#busy) throw new EncodeError("ETF_UNSUPPORTED", "a getter of the value encodes another one");
    const mark = writer.mark();
    this.#busy = true;
    let failed = true;
    try {
      this.#term(writer, value, 0);
      failed = false;
    } catch (error) {
      writer.rewind(mark);
      if (error instanceof Problem) throw new EncodeError(error.code, error.message, error.steps.reverse());
      if (isStackOverflow(error)) throw new EncodeError("ETF_DEPTH", "the stack is used up", [], { cause: error });
      throw error;
    } finally {
      this.#atoms.endTerm(failed);
      this.#busy = false;
    }
  }

  #term(writer: Writer, value: unknown, depth: number): void {
    // Not a switch: V8 has an instruction for each of these comparisons.
    if (typeof value === "string") writeText(writer, value);
    else if (typeof value === "number") writeNumber(writer, value);
    else if (Array.isArray(value)) {
      if (isTuple(value)) this.#tuple(writer, value, depth);
      else this.#list(writer, value, depth);
    } else if (value instanceof Atom) this.#atoms.write(writer, value.tag);
    else if (isPlainObject(value)) this.#fields(writer, value, undefined, depth);
    else if (value instanceof Map) this.#map(writer, value, depth);
    else if (value === null || value === undefined) this.#atoms.write(writer, "nil");
    else if (typeof value === "boolean") this.#atoms.write(writer, value ? "true" : "false");
    else if (typeof value === "bigint") writeBigint(writer, value);
    else if (typeof value === "object") this.#instance(writer, value, depth);
    else throw unsupported(`a ${typeof value}`);
  }

  #instance(writer: Writer, value: object, depth: number): void {
    if (value instanceof Uint8Array) writeBytes(writer, value);
    else if (value instanceof Pid) writePid(writer, this.#atoms, value, this.#peer);
    else if (value instanceof Ref) writeRef(writer, this.#atoms, value, this.#peer);
    else if (value instanceof Float) writeFloat(writer, value.value);
    else if (value instanceof ImproperList) this.#improperList(writer, value, depth);
    else if (value instanceof BitString) writeBitString(writer, value);
    else if (value instanceof Port) writePort(writer, this.#atoms, value, this.#peer);
    else if (value instanceof Export) writeExport(writer, this.#atoms, value);
    else if (value instanceof Fun) this.#fun(writer, value, depth);
    else if (value instanceof NativeRecord) this.#record(writer, value, depth);
    else this.#struct(writer, value, depth);
  }

  #struct(writer: Writer, value: object, depth: number): void {
    const module = this.#structs?.moduleOf(value);
    if (module === undefined) throw unsupported(describe(value));
    this.#fields(writer, value as Record<string, unknown>, module, depth);
  }

  /** Called by every container for itself. */
  #checkDepth(depth: number): void {
    if (depth < this.#maxDepth) return;
    throw new Problem("ETF_DEPTH", `nested deeper than ${this.#maxDepth} levels, or containing itself`);
  }

  #tuple(writer: Writer, elements: readonly unknown[], depth: number): void {
    this.#checkDepth(depth);
    const arity = elements.length;
    if (arity > MAX_TUPLE_ARITY) throw new Problem("ETF_LIMIT", `a tuple of ${arity} elements`);
    if (arity <= 255) writer.u16((Tag.SmallTuple << 8) | arity);
    else writer.tagged32(Tag.LargeTuple, arity);
    // As in #list, the loop is not shared: a frame less per level is a third of the stack that nesting takes.
    let i = 0;
    try {
      for (; i < arity; i++) this.#term(writer, elements[i], depth + 1);
    } catch (error) {
      throw at(i, error);
    }
  }

  #list(writer: Writer, items: readonly unknown[], depth: number): void {
    this.#checkDepth(depth);
    const { length } = items;
    if (length > 0) {
      if (writeByteList(writer, items)) return;
      writer.tagged32(Tag.List, length);
      let i = writeIntegers(writer, items);
      try {
        for (; i < length; i++) this.#term(writer, items[i], depth + 1);
      } catch (error) {
        throw at(i, error);
      }
    }
    writer.u8(Tag.Nil);
  }

  #improperList(writer: Writer, { items, tail }: ImproperList, depth: number): void {
    this.#checkDepth(depth);
    const { length } = items;
    writer.tagged32(Tag.List, length);
    let i = 0;
    try {
      for (; i <= length; i++) this.#term(writer, i < length ? items[i] : tail, depth + 1);
    } catch (error) {
      throw at(i, error);
    }
  }

  /** A map with the atoms of the object's own enumerable keys; with `module`, a struct of it. */
  #fields(writer: Writer, object: Record<string, unknown>, module: string | undefined, depth: number): void {
    this.#checkDepth(depth);
    writer.u8(Tag.Map);
    const start = writer.mark();
    writer.u32(0);
    const atoms = this.#atoms;
    let size = 0;
    if (module !== undefined) {
      atoms.write(writer, "__struct__");
      atoms.write(writer, module);
      size++;
    }
    let last = atoms.firstKey;
    let step = "";
    try {
      for (const key in object) {
        if (!isOwn.call(object, key) || (key === "__struct__" && module !== undefined)) continue;
        step = key;
        last = atoms.keyAfter(last, key);
        atoms.writeCoded(writer, last);
        this.#term(writer, object[key], depth + 1);
        size++;
      }
    } catch (error) {
      throw at(step, error);
    }
    writer.patch32(start, size);
  }

  #map(writer: Writer, map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#checkDepth(depth);
    writer.tagged32(Tag.Map, map.size);
    const seen = map instanceof TermMap ? undefined : new Set<unknown>();
    let current: unknown;
    let inKey = true;
    try {
      for (const [key, value] of map) {
        current = key;
        inKey = true;
        this.#term(writer, key, depth + 1);
        inKey = false;
        const canonical = seen && termKey(key, this.#structs);
        if (seen?.has(canonical)) throw new Problem("ETF_DUPLICATE_KEY", "two keys of a Map are the same term");
        seen?.add(canonical);
        this.#term(writer, value, depth + 1);
      }
    } catch (error) {
      throw at(inKey ? { inKey: current } : { key: current }, error);
    }
  }

  #fun(writer: Writer, fun: Fun, depth: number): void {
    const { freeVariables } = fun;
    if (fun.uniq.length !== 16 || (fun.arity & 0xff) !== fun.arity || freeVariables.length > 255) {
      throw unsupported("a fun that no BEAM made");
    }
    checkU32(fun, "index", fun.index);
    this.#checkDepth(depth);
    writer.u8(Tag.NewFun);
    const start = writer.mark();
    writer.u32(0);
    writer.u8(fun.arity);
    writer.copy(fun.uniq);
    writer.u32(fun.index);
    writer.u32(freeVariables.length);
    this.#atoms.write(writer, fun.module);
    writeNumber(writer, fun.oldIndex);
    this.#term(writer, fun.oldUniq, depth);
    writePid(writer, this.#atoms, fun.creator, this.#peer);
    writer.lender = undefined; // its size, known here, is of what is copied
    let i = 0;
    try {
      for (; i < freeVariables.length; i++) this.#term(writer, freeVariables[i], depth + 1);
    } catch (error) {
      throw at(i, error);
    }
    writer.patch32(start, writer.mark() - start);
  }

  #record(writer: Writer, record: NativeRecord, depth: number): void {
    const { fields } = record;
    if (!this.#peer.nativeRecords) throw peerCannot("a native record");
    if (new Set(fields.map(([name]) => name)).size !== fields.length) {
      throw new Problem("ETF_DUPLICATE_KEY", "two fields have the same name");
    }
    this.#checkDepth(depth);
    writer.tagged32(Tag.NativeRecord, fields.length);
    writer.u8(record.exported ? 1 : 0);
    this.#atoms.write(writer, record.module);
    this.#atoms.write(writer, record.name);
    for (const [name] of fields) this.#atoms.write(writer, name);
    let step = "";
    try {
      for (const [name, value] of fields) {
        step = name;
        this.#term(writer, value, depth + 1);
      }
    } catch (error) {
      throw at(step, error);
    }
  }
}

function writeText(writer: Writer, text: string): void {
  if (writer.shortText(Tag.Binary, text)) return;
  if (!text.isWellFormed()) throw new Problem("ETF_SURROGATE", "a lone surrogate has no UTF-8 form");
  writer.u8(Tag.Binary);
  const start = writer.mark();
  writer.u32(0);
  writer.patch32(start, writer.utf8(text));
}

function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writeSize(writer, Tag.Binary, bytes);
  writer.copy(bytes);
}

function writeBitString(writer: Writer, { bytes, bitsInLastByte }: BitString): void {
  writeSize(writer, Tag.BitBinary, bytes);
  writer.u8(bitsInLastByte);
  writer.copy(bytes);
}

/** Of what JavaScript has, only bytes can be more than the format can say. */
function writeSize(writer: Writer, tag: number, { length }: Uint8Array): void {
  if (length > 0xffff_ffff) throw new Problem("ETF_LIMIT", `${length} bytes`);
  writer.tagged32(tag, length);
}
