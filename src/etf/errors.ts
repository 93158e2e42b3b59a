import { TiebeamError } from "../base/index.ts";

/**
 * Why bytes are no term, or none that is accepted.
 *
 * | code | the bytes |
 * | --- | --- |
 * | `ETF_TRUNCATED` | end before the term does, or announce more than is there |
 * | `ETF_VERSION` | do not start with 131 |
 * | `ETF_TAG` | have a tag that is unknown, obsolete or not legal at this place |
 * | `ETF_FIELD` | have a field outside its range: an infinite float, a pid without a node, a negative arity |
 * | `ETF_ATOM` | have an atom of more than 255 characters, or refer to one that this packet does not define |
 * | `ETF_UTF8` | have an atom that is not UTF-8 |
 * | `ETF_DUPLICATE_KEY` | have a map or native record with the same key twice |
 * | `ETF_DEPTH` | nest deeper than the limit, or than the stack that is left |
 * | `ETF_LIMIT` | exceed another limit: of size, elements, new atoms, digits or inflated size |
 * | `ETF_INFLATE` | are compressed, and there is no `inflate`, or it failed, or gave another size than announced |
 */
export type DecodeErrorCode =
  | "ETF_TRUNCATED"
  | "ETF_VERSION"
  | "ETF_TAG"
  | "ETF_FIELD"
  | "ETF_ATOM"
  | "ETF_UTF8"
  | "ETF_DUPLICATE_KEY"
  | "ETF_DEPTH"
  | "ETF_LIMIT"
  | "ETF_INFLATE";

/** Bytes could not be decoded. `offset` is where in them, `tag` the tag that was being read, if one had been. */
export class DecodeError extends TiebeamError {
  declare readonly code: DecodeErrorCode;
  readonly offset: number;
  readonly tag: number | undefined;

  constructor(code: DecodeErrorCode, problem: string, offset: number, tag?: number, options?: ErrorOptions) {
    super(code, `cannot decode: ${problem}, at byte ${offset}`, options);
    this.offset = offset;
    this.tag = tag;
  }
}

export function wrongField(problem: string, offset: number, tag?: number): DecodeError {
  return new DecodeError("ETF_FIELD", problem, offset, tag);
}

/**
 * True for what a host throws when the stack is used up. Depth is counted and limited, but a raised limit, or a
 * caller deep in the stack itself, can still use it up; the callers turn that into `ETF_DEPTH`.
 */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && /call stack|too much recursion/.test(error.message);
}
