import type { Atom } from "./atom.ts";
import type { Export, Fun } from "./funs.ts";
import type { Pid, Port, Ref } from "./identifiers.ts";
import type { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/**
 * What decoding gives. Inputs are `unknown` instead, and checked by the encoder: a recursive type there would refuse
 * ordinary interfaces. The table of shapes is in `docs/terms.md`.
 */
export type Term =
  | number
  | bigint
  | boolean
  | null
  | string
  | Uint8Array
  | Atom
  | Pid
  | Ref
  | Port
  | Fun
  | Export
  | Float
  | BitString
  | ImproperList
  | NativeRecord
  | TermTuple
  | Term[]
  | Map<Term, Term>
  | TermObject;

/** A map whose keys are all atoms, or a struct. */
export interface TermObject {
  [key: string]: Term;
}

/** A tuple as decoding gives it; `tag` is the text of its first element if that is an atom. */
export interface TermTuple extends ReadonlyArray<Term> {
  readonly tag: string | undefined;
}
