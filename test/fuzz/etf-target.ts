import { type DecodeOptions, decode, encode } from "../../src/etf/index.ts";
import { equals, inspect } from "../../src/term/index.ts";
import { inflate, RELEASES, vectorsOf } from "../etf/vectors.ts";
import { expectCode, must } from "./fake-stream.ts";
import type { Mutator } from "./mutator.ts";

/** Longer terms say nothing more, and are slow. */
const terms = RELEASES.flatMap(vectorsOf)
  .map(({ bytes }) => bytes)
  .filter(({ length }) => length < 1_024);

const OPTIONS: DecodeOptions = { inflate, floats: "exact", limits: { maxInflatedBytes: 1 << 20 } };

/** A spoilt term is refused by code, or it is a term: it can be printed, and encoded to the same. */
export function fuzzTerm(mutator: Mutator): void {
  let bytes: Uint8Array = mutator.mutate(mutator.pick(terms));
  if (mutator.once(8)) bytes = Uint8Array.of(131, ...mutator.bytes(mutator.below(40)));
  let term: ReturnType<typeof decode>;
  try {
    term = decode(bytes, OPTIONS);
  } catch (error) {
    return expectCode(error, /^ETF_/);
  }
  inspect(term);
  must(equals(decode(encode(term), OPTIONS), term), "a term is another one once it was encoded");
}
