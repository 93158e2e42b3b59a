import { type CopyOptions, copyTerm, type Structs, type Term, termCopier } from "../term/index.ts";
import { asTerm } from "./exit-reason.ts";

/** Values as others are to see them. What is done to a value afterwards does not change its copy. */
export class Copies {
  /** A message as its receiver on this node is to see it. Throws `EncodeError` for what is no term. */
  readonly local: (value: unknown) => unknown;
  readonly #exact: CopyOptions;

  /** @param local - how messages within the node are copied; `"share"` hands them over as they are. */
  constructor(local: CopyOptions | "share", structs: Structs | undefined) {
    this.local = local === "share" ? (value) => value : termCopier(local);
    this.#exact = { floats: "exact", structs };
  }

  /** A term that leaves later, for whoever will get it. Throws `EncodeError` for what is no term. */
  fixed(value: unknown): Term {
    return copyTerm(value, this.#exact);
  }

  /** A reason as its receiver on this node is to see it: the same, should the stack be too deep for a copy. */
  localReason(reason: unknown): unknown {
    try {
      return this.local(reason);
    } catch {
      return reason;
    }
  }

  /** The reason with which something ends: what is no term becomes its text. */
  reason(value: unknown): unknown {
    return asTerm(value, this.#exact);
  }
}
