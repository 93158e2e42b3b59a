import type { Pid, Port, Ref } from "./identifiers.ts";
import { utf8Bytes } from "./utf8.ts";
import { BitString, Float } from "./values.ts";

/**
 * Compares texts by code points, which is also the order of their UTF-8 bytes. JavaScript's own order is by UTF-16
 * units, where everything beyond U+FFFF comes before U+E000.
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return surrogatesLast(x) - surrogatesLast(y);
  }
  return a.length - b.length;
}

/** Moves surrogates behind the other units, and nothing else. */
const surrogatesLast = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Any number of a term. */
export type NumberTerm = number | bigint | Float;

/** Whether a number is a float on the BEAM: -0 and numbers with a fraction are, a plain 1 is not. */
export function isFloat(value: NumberTerm): boolean {
  return value instanceof Float || (typeof value === "number" && (!Number.isInteger(value) || Object.is(value, -0)));
}

/**
 * By value, bigints against floats without rounding. When `exact`, as for the keys of maps, every integer comes before
 * every float and -0.0 before 0.0.
 */
export function compareNumbers(a: NumberTerm, b: NumberTerm, exact: boolean): number {
  const x = a instanceof Float ? a.value : a;
  const y = b instanceof Float ? b.value : b;
  if (exact) {
    const kinds = Number(isFloat(a)) - Number(isFloat(b));
    if (kinds !== 0) return kinds;
    if (x === 0 && y === 0) return Number(Object.is(y, -0)) - Number(Object.is(x, -0));
  }
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Any binary or bit string of a term. */
export type BitsTerm = string | Uint8Array | BitString;

/** Bit by bit, the shorter first when it is a prefix. */
export function compareBits(a: BitsTerm, b: BitsTerm): number {
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  const left = bytesOf(a);
  const right = bytesOf(b);
  const whole = Math.min(wholeBytes(a, left), wholeBytes(b, right));
  for (let i = 0; i < whole; i++) {
    if (left[i] !== right[i]) return left[i]! - right[i]!;
  }
  return compareRest(a, left, b, right, whole);
}

/** The bits from byte `at` on, of which at least one side has fewer than eight. */
function compareRest(a: BitsTerm, left: Uint8Array, b: BitsTerm, right: Uint8Array, at: number): number {
  const lengths = bitLength(a, left) - bitLength(b, right);
  if (at === left.length || at === right.length) return lengths;
  const shared = Math.min(8, bitLength(a, left) - at * 8, bitLength(b, right) - at * 8);
  const mask = (0xff << (8 - shared)) & 0xff;
  return (left[at]! & mask) - (right[at]! & mask) || lengths;
}

const bytesOf = (bits: BitsTerm) =>
  typeof bits === "string" ? utf8Bytes(bits) : bits instanceof BitString ? bits.bytes : bits;

const wholeBytes = (bits: BitsTerm, bytes: Uint8Array) => (bits instanceof BitString ? bytes.length - 1 : bytes.length);

const bitLength = (bits: BitsTerm, bytes: Uint8Array) =>
  bits instanceof BitString ? bits.bitLength : bytes.length * 8;

/** By serial, id, node and creation. */
export function comparePids(a: Pid, b: Pid): number {
  return a.serial - b.serial || a.id - b.id || compareText(a.node, b.node) || a.creation - b.creation;
}

/** By node, creation and id. */
export function comparePorts(a: Port, b: Port): number {
  return compareText(a.node, b.node) || a.creation - b.creation || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** By node, creation, and the words from the last to the first, where a missing one is 0. */
export function compareRefs(a: Ref, b: Ref): number {
  const byNode = compareText(a.node, b.node) || a.creation - b.creation;
  if (byNode !== 0) return byNode;
  for (let i = Math.max(a.words.length, b.words.length) - 1; i >= 0; i--) {
    const difference = (a.words[i] ?? 0) - (b.words[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
