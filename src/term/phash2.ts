import { ArgumentError } from "../base/index.ts";
import { Atom, atomTerm, atomTextProblem } from "./atom.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { objectFields } from "./objects.ts";
import type { OrderOptions } from "./order.ts";
import { Salt } from "./phash2-mix.ts";
import { atomHash, ScalarMixer } from "./phash2-scalar.ts";
import type { Structs } from "./structs.ts";
import { isTuple } from "./tuple.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

const DEFAULT_RANGE = 2 ** 27;
const MAX_RANGE = 2 ** 32;

/**
 * The portable hash of a term, 0 to `range - 1`: what `erlang:phash2/1,2` gives on every release and machine, so that
 * both sides find the same shard, partition or worker for a key.
 *
 * The same terms have the same hash: a text and its bytes, a plain object and a Map of atoms, `1` and `1n`. A whole
 * number is hashed as the integer that it is sent as, `float(1)` as a float; `0.0` and `-0.0` have one hash. Any depth,
 * but a value that contains itself has no end.
 *
 * @param term - anything that the table of `docs/terms.md` has a row for, except native records: those with two fields
 * or more have another hash on each BEAM.
 * @param range - an integer from 1 to 2^32, default 2^27.
 * @param options.structs - classes whose instances may be among the terms.
 * @throws ArgumentError `BADARG` for another range, and for what is no term.
 */
export function phash2(term: unknown, range: number = DEFAULT_RANGE, options: OrderOptions = {}): number {
  if (!(Number.isInteger(range) && range >= 1 && range <= MAX_RANGE)) {
    throw new ArgumentError("range", `must be an integer from 1 to 2^32, got ${range}`);
  }
  return (new Walk(options.structs).hashOf(term) >>> 0) % range;
}

/** A container whose parts are being mixed in, one after the other. */
interface Frame {
  /** Goes on until a part opens a container of its own, which has to be done first, or until no part is left. */
  advance(walk: Walk): void;
}

/** Goes through a term with a stack of its own: terms come from peers, however deep. */
class Walk {
  readonly mixer = new ScalarMixer();
  readonly #structs: Structs | undefined;
  readonly #open: Frame[] = [];

  constructor(structs: Structs | undefined) {
    this.#structs = structs;
  }

  /** As an int32. */
  hashOf(root: unknown): number {
    this.mixIn(root);
    for (let frame = this.#open.at(-1); frame !== undefined; frame = this.#open.at(-1)) frame.advance(this);
    return this.mixer.hash;
  }

  /** Mixes a term in. True when it is a container that was only opened. */
  mixIn(term: unknown): boolean {
    switch (typeof term) {
      case "number":
        this.#number(term);
        return false;
      case "string":
        if (!term.isWellFormed()) throw noHash("a string with a lone surrogate is no term");
        this.mixer.text(term);
        return false;
      case "bigint":
        this.mixer.bigint(term);
        return false;
      case "boolean":
        this.mixer.atom(String(term));
        return false;
      case "undefined":
        this.mixer.atom("nil");
        return false;
      case "object":
        return this.#object(term);
      default:
        throw noHash(`a ${typeof term} is no term`);
    }
  }

  /** No part of the innermost container is left. */
  close(): void {
    this.#open.pop();
  }

  #number(value: number): void {
    if (Number.isInteger(value) && !Object.is(value, -0)) this.mixer.integer(value);
    else if (Number.isFinite(value)) this.mixer.float(value);
    else throw noHash(`${value} is no term`);
  }

  #object(term: object | null): boolean {
    const { mixer } = this;
    if (term === null) mixer.atom("nil");
    else if (term instanceof Atom) mixer.atom(term.tag);
    else if (Array.isArray(term))
      return isTuple(term) ? this.#tuple(term) : this.#enter(new ListFrame(term, undefined));
    else if (term instanceof Float) mixer.float(term.value);
    else if (term instanceof Uint8Array) mixer.binary(term);
    else if (term instanceof BitString) mixer.bits(term);
    else if (term instanceof Pid) mixer.words(term.id, 0, Salt.Pid);
    else if (term instanceof Ref) mixer.words(term.words[0] ?? 0, 0, Salt.Ref);
    else if (term instanceof Port) mixer.words(Number(BigInt.asUintN(32, term.id)), Number(term.id >> 32n), Salt.Port);
    else if (term instanceof Export) mixer.export(term);
    else if (term instanceof Fun) return this.#fun(term);
    else if (term instanceof ImproperList) return this.#enter(new ListFrame(term.items, term));
    else if (term instanceof Map) return this.#map(term);
    else return this.#fields(term);
    return false;
  }

  #tuple(elements: readonly unknown[]): true {
    this.mixer.words(elements.length, 0, Salt.Tuple);
    return this.#enter(new SequenceFrame(elements));
  }

  #fun(fun: Fun): true {
    const { mixer } = this;
    mixer.words(fun.freeVariables.length, atomHash(fun.module), Salt.Small);
    mixer.words(fun.index, Number(fun.oldUniq), Salt.Small);
    return this.#enter(new SequenceFrame(fun.freeVariables));
  }

  #map(map: ReadonlyMap<unknown, unknown>): boolean {
    const parts: unknown[] = [];
    for (const [key, value] of map) parts.push(key, value);
    return this.#entries(map.size, parts, undefined);
  }

  #fields(value: object): boolean {
    if (value instanceof NativeRecord) throw noHash("a native record has another hash on each BEAM");
    const fields = objectFields(value, this.#structs);
    if (fields === undefined)
      throw noHash(`an instance of ${value.constructor?.name ?? "an unknown class"} is no term`);
    const parts: unknown[] = [];
    for (const name of fields.keys) {
      const problem = atomTextProblem(name);
      if (problem !== undefined) throw noHash(problem);
      parts.push((value as Record<string, unknown>)[name]);
    }
    if (fields.module === undefined) return this.#entries(parts.length, parts, fields.keys);
    parts.push(atomTerm(fields.module));
    return this.#entries(parts.length, parts, [...fields.keys, "__struct__"]);
  }

  #entries(size: number, parts: readonly unknown[], names: readonly string[] | undefined): boolean {
    const { mixer } = this;
    mixer.words(size, 0, Salt.MapSize);
    if (size === 0) return false;
    const outer = mixer.hash;
    mixer.hash = 0;
    return this.#enter(new MapFrame(outer, parts, names));
  }

  #enter(frame: Frame): true {
    this.#open.push(frame);
    return true;
  }
}

/** A tuple, or what a closure holds. */
class SequenceFrame implements Frame {
  readonly #parts: readonly unknown[];
  #next = 0;

  constructor(parts: readonly unknown[]) {
    this.#parts = parts;
  }

  advance(walk: Walk): void {
    while (this.#next < this.#parts.length) {
      if (walk.mixIn(this.#parts[this.#next++])) return;
    }
    walk.close();
  }
}

/** A list. Runs of small integers in it, as in a charlist, are mixed in by words of four. */
class ListFrame implements Frame {
  readonly #items: readonly unknown[];
  readonly #improper: ImproperList | undefined;
  #next = 0;

  constructor(items: readonly unknown[], improper: ImproperList | undefined) {
    this.#items = items;
    this.#improper = improper;
  }

  advance(walk: Walk): void {
    for (;;) {
      this.#bytes(walk.mixer);
      if (this.#next === this.#items.length) break;
      if (walk.mixIn(this.#items[this.#next++])) return;
    }
    walk.close();
    if (this.#improper === undefined) walk.mixer.nil();
    else walk.mixIn(this.#improper.tail);
  }

  /** The highest byte of a word is the first; one of fewer than four is filled with zeros from above. */
  #bytes(mixer: ScalarMixer): void {
    let word = 0;
    let held = 0;
    for (; isByte(this.#items[this.#next]); this.#next++) {
      word = (word << 8) | Number(this.#items[this.#next]);
      held++;
      if (held === 4) {
        mixer.words(word, 0, Salt.ListBytes);
        word = 0;
        held = 0;
      }
    }
    if (held > 0) mixer.words(word, 0, Salt.ListBytes);
  }
}

/** A map. Its entries are hashed each by itself and joined by XOR, so that their order does not matter. */
class MapFrame implements Frame {
  /** What was mixed in before the entries. */
  readonly #outer: number;
  /** With names, the values under them; without, key, value, key, value. */
  readonly #parts: readonly unknown[];
  readonly #names: readonly string[] | undefined;
  #entries = 0;
  #next = 0;

  constructor(outer: number, parts: readonly unknown[], names: readonly string[] | undefined) {
    this.#outer = outer;
    this.#parts = parts;
    this.#names = names;
  }

  advance(walk: Walk): void {
    const { mixer } = walk;
    for (;;) {
      if (this.#names !== undefined || this.#next % 2 === 0) {
        this.#entries ^= mixer.hash; // still 0 before the first entry
        mixer.hash = 0;
        if (this.#next === this.#parts.length) break;
        if (this.#names !== undefined) mixer.atom(this.#names[this.#next]!);
      }
      if (walk.mixIn(this.#parts[this.#next++])) return;
    }
    walk.close();
    mixer.hash = this.#outer;
    mixer.words(this.#entries, 0, Salt.MapEntries);
  }
}

function isByte(item: unknown): boolean {
  if (typeof item === "number") return (item & 0xff) === item && !Object.is(item, -0);
  return typeof item === "bigint" && item >= 0n && item <= 255n;
}

const noHash = (problem: string) => new ArgumentError("term", problem);
