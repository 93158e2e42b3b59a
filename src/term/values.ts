import { ArgumentError } from "../base/index.ts";
import type { Term } from "./term.ts";

/**
 * A float that stays one: `float(1)` is `1.0`, where a plain `1` is an integer. Fractions need no wrapper.
 * Floats decode to `Float` in map keys always, and elsewhere when integral under `floats: "exact"`.
 */
export class Float {
  readonly value: number;

  constructor(value: number) {
    if (!Number.isFinite(value)) throw new ArgumentError("value", `a float of the BEAM is finite, ${value} is not`);
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }
}

/** Forces a float: `float(1)` is encoded as `1.0`. Throws `BADARG` for NaN and infinities. */
export function float(value: number): Float {
  return new Float(value);
}

/**
 * A sequence of bits whose number is not a multiple of eight. The last byte holds `bitsInLastByte` bits, 1 to 7, in
 * its high end; its low bits are zero.
 */
export class BitString {
  readonly bytes: Uint8Array;
  readonly bitsInLastByte: number;

  /** @throws ArgumentError `BADARG` without a byte, or when `bitsInLastByte` is not within 1..7. */
  constructor(bytes: Uint8Array, bitsInLastByte: number) {
    if (bytes.length === 0) throw new ArgumentError("bytes", "a bit string has at least one byte");
    if (!(Number.isInteger(bitsInLastByte) && bitsInLastByte >= 1 && bitsInLastByte <= 7)) {
      throw new ArgumentError("bitsInLastByte", `must be 1 to 7, got ${bitsInLastByte}`);
    }
    const last = bytes.length - 1;
    const clean = bytes[last]! & (0xff << (8 - bitsInLastByte));
    if (clean !== bytes[last]) {
      bytes = bytes.slice();
      bytes[last] = clean;
    }
    this.bytes = bytes;
    this.bitsInLastByte = bitsInLastByte;
  }

  get bitLength(): number {
    return (this.bytes.length - 1) * 8 + this.bitsInLastByte;
  }
}

/** `[a, b | tail]`: at least one element, and a tail that is no list. */
export class ImproperList {
  readonly items: readonly Term[];
  readonly tail: Term;

  /** @throws ArgumentError `BADARG` without elements, or when the tail is a list (then it is a proper one). */
  constructor(items: readonly Term[], tail: Term) {
    if (items.length === 0) throw new ArgumentError("items", "an improper list has at least one element");
    if (tail instanceof ImproperList || (Array.isArray(tail) && tail.constructor === Array)) {
      throw new ArgumentError("tail", "a list with a list as tail is one longer list");
    }
    this.items = items;
    this.tail = tail;
  }
}

/** A native record of OTP 29. The order of its fields is kept. */
export class NativeRecord {
  readonly module: string;
  readonly name: string;
  readonly exported: boolean;
  readonly fields: readonly (readonly [name: string, value: Term])[];

  constructor(module: string, name: string, exported: boolean, fields: readonly (readonly [string, Term])[]) {
    this.module = module;
    this.name = name;
    this.exported = exported;
    this.fields = fields;
  }
}

/** The list of code points that Erlang calls a string: `charlist("abc")` is `'abc'` in Elixir, `"abc"` in Erlang. */
export function charlist(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0)!);
}
