// The format in its plainest form: nothing is remembered, recognised or done at once. What src/etf does in faster ways
// has to come out as here.
import { DEFAULT_DECODE_LIMITS } from "../../src/etf/index.ts";
import {
  Atom,
  atomTerm,
  atomText,
  BitString,
  Export,
  Float,
  Fun,
  ImproperList,
  isAtom,
  isPlainObject,
  isTuple,
  NativeRecord,
  Pid,
  Port,
  Ref,
  type Term,
  TermMap,
  type TermObject,
  termKey,
  tupleFrom,
} from "../../src/term/index.ts";

/** Why there is no result: the code of the error that is due. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

const refuse = (code: string): never => {
  throw new Refusal(code);
};

const big = (value: bigint, size: number): number[] =>
  Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn));
const u16 = (value: number) => big(BigInt(value), 2);
const u32 = (value: number) => big(BigInt(value), 4);
const hasSurrogate = (text: string) => !text.isWellFormed();

/** The bytes of a value, without the version byte. */
export function plainEncode(value: unknown, depth = 0): number[] {
  const inner = (part: unknown) => plainEncode(part, depth + 1);
  const nest = (): void => void (depth >= 2000 && refuse("ETF_DEPTH"));
  if (value === undefined || value === null || typeof value === "boolean") return atomOf(atomText(value ?? null)!);
  if (value instanceof Atom) return atomOf(value.tag);
  if (typeof value === "string") {
    if (hasSurrogate(value)) refuse("ETF_SURROGATE");
    const bytes = new TextEncoder().encode(value);
    return [109, ...u32(bytes.length), ...bytes];
  }
  if (typeof value === "bigint") return integer(value);
  if (typeof value === "number") return number(value);
  if (value instanceof Float) return float(value.value);
  if (value instanceof Uint8Array) return [109, ...u32(value.length), ...value];
  if (value instanceof BitString) return [77, ...u32(value.bytes.length), value.bitsInLastByte, ...value.bytes];
  if (value instanceof Pid) {
    return [88, ...atomOf(value.node), ...u32(value.id), ...u32(value.serial), ...u32(value.creation)];
  }
  if (value instanceof Ref) {
    const { words } = value;
    return [90, ...u16(words.length), ...atomOf(value.node), ...u32(value.creation), ...words.flatMap(u32)];
  }
  if (value instanceof Port) return [120, ...atomOf(value.node), ...big(value.id, 8), ...u32(value.creation)];
  if (value instanceof Export) {
    return [113, ...atomOf(value.module), ...atomOf(value.function), ...integer(BigInt(value.arity))];
  }
  if (value instanceof Fun) {
    nest();
    const rest = [value.arity, ...value.uniq, ...u32(value.index), ...u32(value.freeVariables.length)];
    rest.push(...atomOf(value.module), ...number(value.oldIndex), ...integer(BigInt(value.oldUniq)));
    rest.push(...plainEncode(value.creator), ...value.freeVariables.flatMap(inner));
    return [112, ...u32(rest.length + 4), ...rest];
  }
  if (value instanceof NativeRecord) {
    const names = value.fields.map(([name]) => name);
    if (new Set(names).size !== names.length) refuse("ETF_DUPLICATE_KEY");
    nest();
    const head = [67, ...u32(names.length), value.exported ? 1 : 0, ...atomOf(value.module), ...atomOf(value.name)];
    return [...head, ...names.flatMap(atomOf), ...value.fields.flatMap(([, field]) => inner(field))];
  }
  if (value instanceof ImproperList) {
    nest();
    return [108, ...u32(value.items.length), ...value.items.flatMap(inner), ...inner(value.tail)];
  }
  if (isTuple(value)) {
    nest();
    const { length } = value;
    return [...(length < 256 ? [104, length] : [105, ...u32(length)]), ...value.flatMap(inner)];
  }
  if (Array.isArray(value)) {
    nest();
    if (value.length === 0) return [106];
    const isByte = (item: unknown) => typeof item === "number" && item === (item & 255) && !Object.is(item, -0);
    if (value.length < 65_536 && value.every(isByte)) return [107, ...u16(value.length), ...value];
    return [108, ...u32(value.length), ...value.flatMap(inner), 106];
  }
  if (value instanceof Map) {
    nest();
    const seen = new Set<unknown>();
    const entries = [...value].flatMap(([key, item]) => {
      const bytes = inner(key);
      if (seen.has(termKey(key))) refuse("ETF_DUPLICATE_KEY");
      seen.add(termKey(key));
      return [...bytes, ...inner(item)];
    });
    return [116, ...u32(value.size), ...entries];
  }
  if (!isPlainObject(value)) return refuse("ETF_UNSUPPORTED");
  nest();
  const fields = Object.entries(value);
  return [116, ...u32(fields.length), ...fields.flatMap(([key, field]) => [...atomOf(key), ...inner(field)])];
}

function atomOf(text: string): number[] {
  if ([...text].length > 255 || hasSurrogate(text)) refuse("ETF_ATOM");
  const bytes = new TextEncoder().encode(text);
  return bytes.length < 256 ? [119, bytes.length, ...bytes] : [118, ...u16(bytes.length), ...bytes];
}

function number(value: number): number[] {
  if (!Number.isFinite(value)) refuse("ETF_UNSUPPORTED");
  return Number.isInteger(value) && !Object.is(value, -0) ? integer(BigInt(value)) : float(value);
}

function float(value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return [70, ...bytes];
}

function integer(value: bigint): number[] {
  if (value >= 0n && value <= 255n) return [97, Number(value)];
  if (value >= -(2n ** 31n) && value < 2n ** 31n) return [98, ...big(BigInt.asUintN(32, value), 4)];
  const magnitude = value < 0n ? -value : value;
  const digits = big(magnitude, Math.ceil(magnitude.toString(16).length / 2)).reverse();
  return [
    ...(digits.length < 256 ? [110, digits.length] : [111, ...u32(digits.length)]),
    value < 0n ? 1 : 0,
    ...digits,
  ];
}

/** What the bytes mean by default, without a version byte. `references` are the texts of a packet's atoms. */
export function plainDecode(bytes: Uint8Array, references: readonly string[] = []): Term {
  return new PlainDecoder(bytes, references).term(0, 0);
}

const utf8 = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
const latin1 = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

class PlainDecoder {
  readonly #bytes: Uint8Array;
  readonly #references: readonly string[];
  #at = 0;
  #elements = DEFAULT_DECODE_LIMITS.maxElements;

  constructor(bytes: Uint8Array, references: readonly string[]) {
    this.#bytes = bytes;
    this.#references = references;
  }

  /** `exact` counts the keys and closures around the term. */
  term(depth: number, exact: number): Term {
    const tag = this.#int(1);
    const inner = () => this.term(depth + 1, exact);
    switch (tag) {
      case 97:
        return this.#int(1);
      case 98:
        return this.#int(4) | 0;
      case 110:
        return this.#big(this.#int(1));
      case 111:
        return this.#big(this.#int(4));
      case 70:
        return this.#float(new DataView(Uint8Array.from(this.#take(8)).buffer).getFloat64(0), exact);
      case 99: {
        const text = latin1(this.#take(31)).split("\0")[0]!;
        return this.#float(/^\s*[-+]?\d+\.\d+(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN, exact);
      }
      case 109:
        return this.#binary(this.#int(4));
      case 77: {
        const length = this.#int(4);
        const bits = this.#int(1);
        if (length === 0 || bits < 1 || bits > 8) refuse("ETF_FIELD");
        return bits === 8 ? this.#binary(length) : new BitString(this.#take(length), bits);
      }
      case 106:
        this.#nest(depth);
        return [];
      case 107: {
        this.#nest(depth);
        return Array.from(this.#take(this.#count(this.#int(2))));
      }
      case 108:
        return this.#list(depth, exact);
      case 104:
      case 105: {
        const arity = this.#int(tag === 104 ? 1 : 4);
        this.#nest(depth);
        if (arity > 16_777_215) refuse("ETF_FIELD");
        this.#count(arity);
        return tupleFrom(Array.from({ length: arity }, inner)) as unknown as Term;
      }
      case 116:
        return this.#map(depth, exact);
      case 88:
      case 103:
        return this.#pid(tag);
      case 90:
      case 114:
      case 101:
        return this.#ref(tag);
      case 120:
      case 89:
      case 102: {
        const node = this.#atom();
        const id = tag === 120 ? BigInt(this.#int(4)) * 2n ** 32n + BigInt(this.#int(4)) : BigInt(this.#int(4));
        return new Port(node, id, tag === 102 ? this.#shortCreation() : this.#int(4));
      }
      case 113: {
        const [module, name, arity] = [this.#atom(), this.#atom(), this.#integer()];
        return arity < 0 || arity > 255 ? refuse("ETF_FIELD") : new Export(module, name, Number(arity));
      }
      case 112:
        return this.#fun(depth, exact);
      case 67:
        return this.#record(depth, inner);
      default:
        return atomTerm(this.#atomText(tag));
    }
  }

  #int(size: number): number {
    return this.#take(size).reduce((value, byte) => value * 256 + byte, 0);
  }

  #take(count: number): Uint8Array {
    this.#need(count);
    this.#at += count;
    return this.#bytes.slice(this.#at - count, this.#at);
  }

  #need(count: number): void {
    if (count > this.#bytes.length - this.#at) refuse("ETF_TRUNCATED");
  }

  /** An element has a byte at least. */
  #count(elements: number): number {
    this.#need(elements);
    this.#elements -= elements;
    return this.#elements < 0 ? refuse("ETF_LIMIT") : elements;
  }

  #nest(depth: number): void {
    if (depth >= DEFAULT_DECODE_LIMITS.maxDepth) refuse("ETF_DEPTH");
  }

  #big(length: number): number | bigint {
    if (length > DEFAULT_DECODE_LIMITS.maxBigBytes) refuse("ETF_LIMIT");
    const sign = this.#int(1) === 0 ? 1n : -1n;
    const value = sign * this.#take(length).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #integer(): number | bigint {
    const value = this.#bytes[this.#at] ?? refuse("ETF_TRUNCATED");
    return [97, 98, 110, 111].includes(value) ? (this.term(0, 0) as number | bigint) : refuse("ETF_TAG");
  }

  #float(value: number, exact: number): number | Float {
    if (!Number.isFinite(value)) refuse("ETF_FIELD");
    return exact > 0 ? new Float(value) : value;
  }

  #binary(length: number): string | Uint8Array {
    const bytes = this.#take(length);
    try {
      return utf8(bytes);
    } catch {
      return bytes;
    }
  }

  #atom(): string {
    return this.#atomText(this.#int(1));
  }

  #atomText(tag: number): string {
    if (tag === 82) return this.#references[this.#int(1)] ?? refuse("ETF_ATOM");
    if (![100, 115, 118, 119].includes(tag)) refuse("ETF_TAG");
    const bytes = this.#take(this.#int(tag === 115 || tag === 119 ? 1 : 2));
    if (tag === 100 || tag === 115) return bytes.length > 255 ? refuse("ETF_ATOM") : latin1(bytes);
    let text = "";
    try {
      text = utf8(bytes);
    } catch {
      refuse("ETF_UTF8");
    }
    return [...text].length > 255 ? refuse("ETF_ATOM") : text;
  }

  #list(depth: number, exact: number): Term {
    this.#nest(depth);
    const items: Term[] = [];
    const more = () => {
      for (let left = this.#count(this.#int(4)); left > 0; left--) items.push(this.term(depth + 1, exact));
    };
    more();
    for (;;) {
      this.#need(1);
      const tag = this.#bytes[this.#at];
      if (tag === 108) {
        this.#at++;
        more();
      } else if (tag === 106 || tag === 107) {
        this.#at++;
        if (tag === 107) items.push(...this.#take(this.#count(this.#int(2))));
        return items;
      } else {
        const tail = this.term(depth + 1, exact);
        return items.length === 0 ? tail : new ImproperList(items, tail);
      }
    }
  }

  #map(depth: number, exact: number): Term {
    this.#nest(depth);
    const size = this.#int(4);
    this.#count(size * 2);
    const entries: [Term, Term][] = [];
    let onlyAtoms = size <= 64;
    for (let i = 0; i < size; i++) {
      this.#need(1);
      onlyAtoms &&= [82, 100, 115, 118, 119].includes(this.#bytes[this.#at]!);
      if (!onlyAtoms && exact >= DEFAULT_DECODE_LIMITS.maxKeyDepth) refuse("ETF_DEPTH");
      const key = this.term(depth + 1, exact + 1);
      if (onlyAtoms && entries.some(([other]) => other === key)) refuse("ETF_DUPLICATE_KEY");
      entries.push([key, this.term(depth + 1, exact)]);
    }
    if (new Set(entries.map(([key]) => termKey(key))).size !== size) refuse("ETF_DUPLICATE_KEY");
    if (!entries.every(([key]) => isAtom(key))) {
      const isPlain = entries.every(([key]) => typeof key !== "object" || isAtom(key));
      return isPlain ? new Map(entries) : new TermMap(entries);
    }
    const object: TermObject = {};
    for (const [key, value] of entries) {
      Object.defineProperty(object, atomText(key)!, { value, enumerable: true, configurable: true, writable: true });
    }
    return object;
  }

  #shortCreation(): number {
    const creation = this.#int(1);
    return creation > 3 ? refuse("ETF_FIELD") : creation;
  }

  #pid(tag: number): Pid {
    const [node, id, serial] = [this.#atom(), this.#int(4), this.#int(4)];
    return new Pid(node, id, serial, tag === 88 ? this.#int(4) : this.#shortCreation());
  }

  #ref(tag: number): Ref {
    const length = tag === 101 ? 1 : this.#int(2);
    if (length > 5) refuse("ETF_FIELD");
    const node = this.#atom();
    const creationFirst = tag !== 101;
    const creation = () => (tag === 90 ? this.#int(4) : this.#shortCreation());
    const before = creationFirst ? creation() : 0;
    const words = Array.from({ length }, () => this.#int(4));
    const made = creationFirst ? before : creation();
    return tag !== 90 && (words[0] ?? 0) >= 2 ** 18 ? refuse("ETF_FIELD") : new Ref(node, made, words);
  }

  #fun(depth: number, exact: number): Fun {
    this.#nest(depth);
    this.#int(4);
    const [arity, uniq, index, freeCount] = [this.#int(1), this.#take(16), this.#int(4), this.#int(4)];
    if (freeCount > 255) refuse("ETF_FIELD");
    const [module, oldIndex, oldUniq, pidTag] = [this.#atom(), Number(this.#integer()), this.#integer(), this.#int(1)];
    if (pidTag !== 88 && pidTag !== 103) refuse("ETF_TAG");
    const creator = this.#pid(pidTag);
    this.#count(freeCount);
    const freeVariables = Array.from({ length: freeCount }, () => this.term(depth + 1, exact + 1));
    return new Fun({ arity, uniq, index, module, oldIndex, oldUniq, creator, freeVariables });
  }

  #record(depth: number, inner: () => Term): NativeRecord {
    this.#nest(depth);
    const size = this.#int(4);
    this.#count(size * 2);
    const flags = this.#int(1);
    if (flags > 1) refuse("ETF_FIELD");
    const [module, name] = [this.#atom(), this.#atom()];
    const names = Array.from({ length: size }, () => this.#atom());
    if (new Set(names).size !== size) refuse("ETF_DUPLICATE_KEY");
    const fields = names.map((field): [string, Term] => [field, inner()]);
    return new NativeRecord(module, name, flags === 1, fields);
  }
}
