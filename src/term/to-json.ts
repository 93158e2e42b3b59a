import { ArgumentError } from "../base/index.ts";
import { Atom, atomText, isAtom } from "./atom.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { type JsonValue, MAX_JSON_DEPTH, TAG_PREFIX } from "./json-types.ts";
import { setOwn } from "./objects.ts";
import { entriesOf } from "./order.ts";
import type { Structs } from "./structs.ts";
import { isTuple } from "./tuple.ts";
import { utf8Text } from "./utf8.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/** See {@link toJson}. */
export interface JsonOptions {
  /** Classes whose instances are structs. */
  readonly structs?: Structs | undefined;
}

/**
 * The JSON form of a term. Natural where it can mean only one thing: numbers, strings (binaries), `true`, `false`, `null`
 * (nil), arrays (lists), objects (maps with atom keys). Everything else is an object with one key:
 *
 * | term | JSON |
 * | --- | --- |
 * | atom | `{"$atom": "ok"}` |
 * | tuple | `{"$tuple": [...]}` |
 * | map with other keys, or with atoms that start with `$` | `{"$map": [[key, value], ...]}` |
 * | binary that is not UTF-8, bit string | `{"$bin": "base64"}`, `{"$bits": ["base64", bitsInLastByte]}` |
 * | integer beyond 2^53, float that is whole | `{"$big": "123"}`, `{"$float": "1"}` |
 * | improper list | `{"$improper": [[...items], tail]}` |
 * | pid, port | `{"$pid": {"node", "id", "serial", "creation"}}`, `{"$port": {"node", "id": "7", "creation"}}` |
 * | reference | `{"$ref": {"node", "creation", "words": [...]}}` |
 * | `&Mod.fun/1`, closure, native record | `{"$export": [module, name, arity]}`, `{"$fun": {...}}`, `{"$record": {...}}` |
 *
 * `fromJson` gives back a term that is the same, by `equals`.
 *
 * @throws ArgumentError `BADARG` for what is no term, and for nesting deeper than {@link MAX_JSON_DEPTH}.
 */
export function toJson(term: unknown, options: JsonOptions = {}): JsonValue {
  return jsonOf(term, options.structs, 0);
}

function jsonOf(term: unknown, structs: Structs | undefined, depth: number): JsonValue {
  switch (typeof term) {
    case "string":
      if (!term.isWellFormed()) throw new ArgumentError("term", "a string with a lone surrogate is no term");
      return term;
    case "number":
      return numberJson(term);
    case "bigint":
      return Number.isSafeInteger(Number(term)) ? Number(term) : { $big: String(term) };
    case "boolean":
      return term;
    case "undefined":
      return null;
    case "object":
      return term === null ? null : objectJson(term, structs, depth);
    default:
      throw new ArgumentError("term", `a ${typeof term} is no term`);
  }
}

function numberJson(value: number): JsonValue {
  if (!Number.isFinite(value)) throw new ArgumentError("term", `${value} is no term`);
  if (Object.is(value, -0)) return { $float: "-0" };
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? { $big: String(BigInt(value)) } : value;
}

function objectJson(term: object, structs: Structs | undefined, depth: number): JsonValue {
  if (term instanceof Atom) return { $atom: term.tag };
  if (depth >= MAX_JSON_DEPTH) throw new ArgumentError("term", `it is nested deeper than ${MAX_JSON_DEPTH} levels`);
  const json = (part: unknown) => jsonOf(part, structs, depth + 1);
  // With from, not map: a list's holes are nil.
  if (Array.isArray(term)) return isTuple(term) ? { $tuple: Array.from(term, json) } : Array.from(term, json);
  if (term instanceof Uint8Array) return utf8Text(term) ?? { $bin: base64(term) };
  if (term instanceof Float) return Number.isInteger(term.value) ? { $float: floatText(term.value) } : term.value;
  if (term instanceof BitString) return { $bits: [base64(term.bytes), term.bitsInLastByte] };
  if (term instanceof Pid) {
    return { $pid: { node: term.node, id: term.id, serial: term.serial, creation: term.creation } };
  }
  if (term instanceof Ref) return { $ref: { node: term.node, creation: term.creation, words: [...term.words] } };
  if (term instanceof Port) return { $port: { node: term.node, id: String(term.id), creation: term.creation } };
  if (term instanceof ImproperList) return { $improper: [term.items.map(json), json(term.tail)] };
  if (term instanceof Export) return { $export: [term.module, term.function, term.arity] };
  if (term instanceof Fun) return { $fun: funJson(term, json) };
  if (term instanceof NativeRecord) {
    const fields = term.fields.map(([name, value]) => [name, json(value)]);
    return { $record: { module: term.module, name: term.name, exported: term.exported, fields } };
  }
  return mapJson(entriesOf(term, structs), json);
}

type ToJson = (part: unknown) => JsonValue;

function mapJson(entries: readonly (readonly [key: unknown, value: unknown])[], json: ToJson): JsonValue {
  if (!entries.every(([key]) => isAtom(key) && !atomText(key)!.startsWith(TAG_PREFIX))) {
    return { $map: entries.map(([key, value]) => [json(key), json(value)]) };
  }
  const object: JsonValue = {};
  for (const [key, value] of entries) setOwn(object, atomText(key)!, json(value));
  return object;
}

function funJson(fun: Fun, json: ToJson): JsonValue {
  return {
    module: fun.module,
    arity: fun.arity,
    index: fun.index,
    uniq: base64(fun.uniq),
    oldIndex: fun.oldIndex,
    oldUniq: json(fun.oldUniq),
    creator: json(fun.creator),
    freeVariables: fun.freeVariables.map(json),
  };
}

const floatText = (value: number) => (Object.is(value, -0) ? "-0" : String(value));

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
