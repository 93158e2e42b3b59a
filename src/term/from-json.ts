import { ArgumentError } from "../base/index.ts";
import { atomTerm, atomTextProblem } from "./atom.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { MAX_JSON_DEPTH, TAG_PREFIX } from "./json-types.ts";
import { duplicateEntry, mapOf, type TermEntry } from "./map-term.ts";
import { isPlainObject } from "./objects.ts";
import { integerTerm } from "./scan-number.ts";
import type { Term, TermObject } from "./term.ts";
import { tupleFrom } from "./tuple.ts";
import { utf8Text } from "./utf8.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/**
 * The term of a JSON value in the form that `toJson` describes. Any JSON value without keys that start with `$` is
 * taken as it is: objects become maps with atom keys.
 *
 * @throws ArgumentError `BADARG` for tags that are unknown or have the wrong content, and for nesting deeper than
 * {@link MAX_JSON_DEPTH}.
 */
export function fromJson(json: unknown): Term {
  return read(json, 0, false);
}

/** `inKey`: inside a map's key, where floats are always `Float`, as in decoding. */
function read(json: unknown, depth: number, inKey: boolean): Term {
  if (typeof json === "string") return text(json);
  if (typeof json === "number") {
    if (!Number.isFinite(json)) throw wrong(`${json}`, "a finite number");
    return inKey && !Number.isInteger(json) ? new Float(json) : json;
  }
  if (json === null || typeof json === "boolean") return json;
  if (depth > MAX_JSON_DEPTH) throw wrong("the value", `at most ${MAX_JSON_DEPTH} levels deep`);
  if (Array.isArray(json)) return json.map((item) => read(item, depth + 1, inKey));
  if (!isPlainObject(json)) throw wrong(`a ${typeof json}`, "a JSON value");
  const keys = Object.keys(json);
  if (keys.some((key) => key.startsWith(TAG_PREFIX))) return readTagged(json, keys, depth, inKey);
  return mapOf(keys.map((key) => [atomOf(key), read(json[key], depth + 1, inKey)] as const));
}

function readTagged(json: TermObject, keys: readonly string[], depth: number, inKey: boolean): Term {
  const tag = keys[0]!;
  if (keys.length > 1 || !Object.hasOwn(READERS, tag)) {
    throw wrong(`the object with the key ${keys.find((key) => key.startsWith(TAG_PREFIX))}`, "a tag that toJson knows");
  }
  const part = (value: unknown, isKey = false) => read(value, depth + 1, inKey || isKey);
  return READERS[tag]!(json[tag], part, tag);
}

type Reader = (content: unknown, part: (json: unknown, isKey?: boolean) => Term, tag: string) => Term;

const READERS: Readonly<Record<string, Reader>> = {
  $atom: (content, _part, tag) => atomOf(string(content, tag)),
  $tuple: (content, part, tag) => tupleFrom(array(content, tag).map((item) => part(item))) as unknown as Term,
  $map: (content, part, tag) => {
    const entries = array(content, tag).map((entry): TermEntry => {
      const [key, value] = array(entry, tag, 2);
      return [part(key, true), part(value)];
    });
    if (duplicateEntry(entries) !== undefined) throw wrong(tag, "a list of entries with different keys");
    return mapOf(entries);
  },
  $bin: (content, _part, tag) => {
    const read = bytes(content, tag);
    return utf8Text(read) ?? read;
  },
  $bits: (content, _part, tag) => {
    const [base64, bits] = array(content, tag, 2);
    return new BitString(bytes(base64, tag), integer(bits, tag));
  },
  $big: (content, _part, tag) => {
    const digits = string(content, tag);
    if (!/^-?\d+$/.test(digits)) throw wrong(tag, "decimal digits");
    return integerTerm(BigInt(digits));
  },
  $float: (content, _part, tag) => {
    const value = typeof content === "string" && content.trim() !== "" ? Number(content) : content;
    if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(tag, "a finite number as text");
    return Number.isInteger(value) ? new Float(value) : value;
  },
  $improper: (content, part, tag) => {
    const [items, tail] = array(content, tag, 2);
    return new ImproperList(
      array(items, tag).map((item) => part(item)),
      part(tail),
    );
  },
  $pid: (content, _part, tag) => {
    const { node, id, serial, creation } = object(content, tag);
    return new Pid(string(node, tag), integer(id, tag), integer(serial, tag), integer(creation, tag));
  },
  $ref: (content, _part, tag) => {
    const { node, creation, words } = object(content, tag);
    const numbers = array(words, tag).map((word) => integer(word, tag));
    return new Ref(string(node, tag), integer(creation, tag), numbers);
  },
  $port: (content, _part, tag) => {
    const { node, id, creation } = object(content, tag);
    const digits = string(id, tag);
    if (!/^\d{1,20}$/.test(digits)) throw wrong(tag, "an id of decimal digits");
    return new Port(string(node, tag), BigInt(digits), integer(creation, tag));
  },
  $export: (content, _part, tag) => {
    const [module, name, arity] = array(content, tag, 3);
    return new Export(string(module, tag), string(name, tag), integer(arity, tag));
  },
  $fun: (content, part, tag) => {
    const fields = object(content, tag);
    const creator = part(fields.creator);
    const oldUniq = part(fields.oldUniq);
    if (!(creator instanceof Pid)) throw wrong(tag, "a creator that is a pid");
    if (typeof oldUniq !== "number" && typeof oldUniq !== "bigint") throw wrong(tag, "an oldUniq that is an integer");
    return new Fun({
      module: string(fields.module, tag),
      arity: integer(fields.arity, tag),
      index: integer(fields.index, tag),
      uniq: bytes(fields.uniq, tag),
      oldIndex: integer(fields.oldIndex, tag),
      oldUniq,
      creator,
      freeVariables: array(fields.freeVariables, tag).map((value) => part(value)),
    });
  },
  $record: (content, part, tag) => {
    const { module, name, exported, fields } = object(content, tag);
    const read = array(fields, tag).map((field) => {
      const [key, value] = array(field, tag, 2);
      return [string(key, tag), part(value)] as const;
    });
    return new NativeRecord(string(module, tag), string(name, tag), exported === true, read);
  },
};

const wrong = (what: string, expected: string) => new ArgumentError("json", `${what} has to be ${expected}`);

function text(value: string): string {
  if (!value.isWellFormed()) throw wrong("a string", "without lone surrogates");
  return value;
}

function atomOf(value: string): Term {
  const problem = atomTextProblem(value);
  if (problem !== undefined) throw wrong("a key or $atom", `the text of an atom: ${problem}`);
  return atomTerm(value);
}

function string(value: unknown, tag: string): string {
  if (typeof value !== "string") throw wrong(tag, "with a string there");
  return text(value);
}

function integer(value: unknown, tag: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(tag, "with a number from 0 on there");
  return value as number;
}

function array(value: unknown, tag: string, length?: number): readonly unknown[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
    throw wrong(tag, length === undefined ? "with an array there" : `with an array of ${length} there`);
  }
  return value;
}

function object(value: unknown, tag: string): Readonly<Record<string, unknown>> {
  if (!isPlainObject(value)) throw wrong(tag, "with an object there");
  return value;
}

function bytes(value: unknown, tag: string): Uint8Array {
  let latin1: string;
  try {
    latin1 = atob(string(value, tag));
  } catch (cause) {
    throw new ArgumentError("json", `${tag} has to be with base64 there`, { cause });
  }
  return Uint8Array.from(latin1, (character) => character.charCodeAt(0));
}
