import { TiebeamError } from "../base/index.ts";
import { Atom } from "./atom.ts";

/**
 * Why a value cannot be sent.
 *
 * | code | the value |
 * | --- | --- |
 * | `ETF_UNSUPPORTED` | has no Erlang form: Date, Set, function, symbol, NaN, infinity, instance of an unregistered class |
 * | `ETF_SURROGATE` | is a string with a lone surrogate, which has no UTF-8 form |
 * | `ETF_ATOM` | has a key that is no legal atom: over 255 characters, or with a lone surrogate |
 * | `ETF_DEPTH` | is nested deeper than the limit, or contains itself |
 * | `ETF_LIMIT` | is longer than a length field or a limit allows |
 * | `ETF_DUPLICATE_KEY` | is a Map in which two keys are the same Erlang term, like `1` and `1n` |
 * | `ETF_ATOM_BUDGET` | would make more new atoms on the peer than its connection allows |
 * | `ETF_PEER` | is legal, but this peer's capability flags cannot carry it |
 */
export type EncodeErrorCode =
  | "ETF_UNSUPPORTED"
  | "ETF_SURROGATE"
  | "ETF_ATOM"
  | "ETF_DEPTH"
  | "ETF_LIMIT"
  | "ETF_DUPLICATE_KEY"
  | "ETF_ATOM_BUDGET"
  | "ETF_PEER";

/**
 * One step from a value to a part of it: an index of a list or tuple, the name of an object's field, or, in a Map,
 * `{ key }` for the value under that key and `{ inKey }` for the key itself.
 */
export type PathStep = number | string | { readonly key: unknown } | { readonly inKey: unknown };

/**
 * A value has no Erlang form, or not one that may be sent. Thrown by the encoder and by `copyTerm` alike.
 * `path` says where in the value: `orders[3].price`; empty for the value itself.
 */
export class EncodeError extends TiebeamError {
  declare readonly code: EncodeErrorCode;
  readonly path: string;

  /** `problem` says what is wrong: `a Date has no Erlang form`. */
  constructor(code: EncodeErrorCode, problem: string, path: readonly PathStep[] = [], options?: ErrorOptions) {
    const text = formatPath(path);
    super(code, `cannot encode: ${problem}${text && `, at ${text}`}`, options);
    this.path = text;
  }
}

const NAME = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;
const MAX_PATH = 500;

/** A path as JavaScript would write it: `orders[3].price`, `["sku-1"].count`, `<key [1]>[0]`. */
export function formatPath(path: readonly PathStep[]): string {
  const text = path.map(formatStep).join("").replace(/^\./, "");
  // The path to a part nested ten thousand deep helps nobody; its ends do.
  return text.length <= MAX_PATH ? text : `${text.slice(0, MAX_PATH / 2)}…${text.slice(-MAX_PATH / 2)}`;
}

function formatStep(step: PathStep): string {
  if (typeof step === "number") return `[${step}]`;
  if (typeof step === "string") return NAME.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  return "key" in step ? `[${shortKey(step.key)}]` : `<key ${shortKey(step.inKey)}>`;
}

/** A Map's key may be anything, unsendable things included: only what prints safely and shortly is printed. */
function shortKey(key: unknown): string {
  if (typeof key === "string") return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key);
  if (typeof key !== "object" || key === null) return String(key);
  return key instanceof Atom ? `:${key.tag}` : (key.constructor?.name ?? "object");
}
