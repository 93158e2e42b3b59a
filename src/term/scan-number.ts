import type { Scanner } from "./scanner.ts";
import { Float } from "./values.ts";

const FLOAT = /\d+(?:_\d+)*\.\d+(?:_\d+)*(?:[eE][+-]?\d+)?/y;
const DECIMAL = /\d+(?:_\d+)*/y;
const PREFIXED = /0(?:x[\da-fA-F]+(?:_[\da-fA-F]+)*|o[0-7]+(?:_[0-7]+)*|b[01]+(?:_[01]+)*)/y;
const BASED = /\d{1,2}#[\da-zA-Z]+(?:_[\da-zA-Z]+)*/y;

/** Digits beyond this take seconds to convert. */
const MAX_DIGITS = 100_000;

/**
 * A number as it stands in Elixir (`0xFF`) or Erlang (`16#FF`); `undefined` when there is none. Floats that are whole
 * come as `Float`, so that they stay floats.
 */
export function scanNumber(scanner: Scanner, syntax: "elixir" | "erlang"): number | bigint | Float | undefined {
  const start = scanner.offset;
  const sign = scanner.eatHere("-") ? -1 : 1;
  const float = scanner.match(FLOAT);
  if (float !== undefined) {
    const value = sign * Number(float.replaceAll("_", ""));
    if (!Number.isFinite(value)) throw scanner.error("a float that fits 64 bits", start);
    return Number.isInteger(value) ? new Float(value) : value;
  }
  const integer = syntax === "elixir" ? scanPrefixed(scanner) : scanBased(scanner);
  if (integer === undefined) {
    scanner.offset = start;
    return undefined;
  }
  return integerTerm(sign === -1 ? -integer : integer);
}

/** The term for an integer: a number when it is safe. */
export const integerTerm = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

function scanPrefixed(scanner: Scanner): bigint | undefined {
  const text = scanner.match(PREFIXED) ?? scanner.match(DECIMAL);
  return text === undefined ? undefined : toBigInt(scanner, text);
}

function toBigInt(scanner: Scanner, text: string): bigint {
  if (text.length > MAX_DIGITS) throw scanner.error(`at most ${MAX_DIGITS} digits`, scanner.offset - text.length);
  return BigInt(text.replaceAll("_", ""));
}

function scanBased(scanner: Scanner): bigint | undefined {
  const start = scanner.offset;
  const text = scanner.match(BASED);
  if (text === undefined) {
    const decimal = scanner.match(DECIMAL);
    return decimal === undefined ? undefined : toBigInt(scanner, decimal);
  }
  const [base, digits] = text.split("#") as [string, string];
  const radix = Number(base);
  if (radix < 2 || radix > 36) throw scanner.error("a base from 2 to 36", start);
  if (text.length > MAX_DIGITS / 10) throw scanner.error(`at most ${MAX_DIGITS / 10} digits`, start);
  let value = 0n;
  for (const digit of digits.replaceAll("_", "")) {
    const worth = Number.parseInt(digit, 36);
    if (worth >= radix) throw scanner.error(`digits of base ${radix}`, start);
    value = value * BigInt(radix) + BigInt(worth);
  }
  return value;
}
