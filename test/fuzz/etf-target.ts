import { type DecodeError, type DecodeOptions, decode, encode } from "../../src/etf/index.ts";
import { equals, inspect, type Term } from "../../src/term/index.ts";
import { inflate, RELEASES, vectorsOf } from "../etf/vectors.ts";
import { expectCode, must } from "./fake-stream.ts";
import type { Mutator } from "./mutator.ts";

/** Longer terms say nothing more, and are slow. */
const terms = RELEASES.flatMap(vectorsOf)
  .map(({ bytes }) => bytes)
  .filter(({ length }) => length < 1_024);

const OPTIONS: DecodeOptions = { inflate, floats: "exact", limits: { maxInflatedBytes: 1 << 20 } };

function spoiltTerm(mutator: Mutator): Uint8Array {
  if (mutator.once(8)) return Uint8Array.of(131, ...mutator.bytes(mutator.below(40)));
  return mutator.mutate(mutator.pick(terms));
}

/** A spoilt term is refused by code, or it is a term: it can be printed, and encoded to the same. */
export function fuzzTerm(mutator: Mutator): void {
  const bytes = spoiltTerm(mutator);
  let term: ReturnType<typeof decode>;
  try {
    term = decode(bytes, OPTIONS);
  } catch (error) {
    return expectCode(error, /^ETF_/);
  }
  inspect(term);
  must(equals(decode(encode(term), OPTIONS), term), "a term is another one once it was encoded");
}

/** A decoder that has read much, and remembers atoms and keys of it, reads the same as a new one. */
export function fuzzKeptDecoder(mutator: Mutator): void {
  const bytes = spoiltTerm(mutator);
  const [kept, fresh] = [outcome(() => decode(bytes)), outcome(() => decode(bytes, {}))];
  must(kept.code === fresh.code && equals(kept.term, fresh.term), `${kept.code} of one that was kept, ${fresh.code}`);
}

function outcome(read: () => Term): { term: Term; code: string | undefined } {
  try {
    return { term: read(), code: undefined };
  } catch (error) {
    expectCode(error, /^ETF_/);
    return { term: null, code: (error as DecodeError).code };
  }
}
