import { Atom, atomTerm, atomText, atomTextProblem, isAtom } from "./atom.ts";
import { EncodeError, type EncodeErrorCode, type PathStep } from "./errors.ts";
import { Export, Fun } from "./funs.ts";
import { Pid, Port, Ref } from "./identifiers.ts";
import { duplicateEntry, mapOf, type TermEntry } from "./map-term.ts";
import { isPlainObject, objectFields, setOwn } from "./objects.ts";
import type { Structs } from "./structs.ts";
import type { Term, TermObject } from "./term.ts";
import { isTuple, TupleValue } from "./tuple.ts";
import { utf8Bytes, utf8Text } from "./utf8.ts";
import { BitString, Float, ImproperList, NativeRecord } from "./values.ts";

/** How a copy looks: the profile of whoever will read it, as in decoding. */
export interface CopyOptions {
  /** `"natural"`, the default: `float(1)` comes out as 1. `"exact"`: integral floats come out as `Float`. */
  readonly floats?: "natural" | "exact" | undefined;
  /** `"strings"`, the default: bytes that are UTF-8 come out as a string. `"bytes"`: strings come out as bytes. */
  readonly binaries?: "strings" | "bytes" | undefined;
  /** Classes whose instances are structs. */
  readonly structs?: Structs | undefined;
  /** Levels of nesting, default {@link DEFAULT_MAX_DEPTH}. */
  readonly maxDepth?: number | undefined;
}

/** How deep a term may be nested to be sent, wherever it goes. */
export const DEFAULT_MAX_DEPTH = 2_000;

/**
 * The term that a receiver in this process gets for a value that is sent to it: what decoding gives for the value's
 * encoded form, and refused where encoding would refuse. Nothing that can be changed is shared with the value.
 *
 * @throws EncodeError with code and path, as the encoder throws it; see {@link EncodeErrorCode}.
 */
export function copyTerm(value: unknown, options: CopyOptions = {}): Term {
  return copyWith(new Copier(options), value);
}

/** {@link copyTerm} for many values: what a copy takes besides the value is made once. */
export function termCopier(options: CopyOptions): (value: unknown) => Term {
  let idle: Copier | undefined;
  return (value) => {
    const copier = idle ?? new Copier(options);
    idle = undefined; // a getter in the value may copy another one, and one that fails is not used again
    const copied = copyWith(copier, value);
    idle = copier;
    return copied;
  };
}

function copyWith(copier: Copier, value: unknown): Term {
  try {
    return copier.copy(value, 0);
  } catch (error) {
    // Depth is limited, but a raised limit, or a caller deep in the stack itself, can still use it up.
    if (error instanceof RangeError) throw new EncodeError("ETF_DEPTH", "the stack is used up", [], { cause: error });
    throw error;
  }
}

class Copier {
  readonly #options: CopyOptions;
  readonly #maxDepth: number;
  /** The step taken at each depth on the way to the current value; deeper ones are left over from before. */
  readonly #path: PathStep[] = [];
  /** Inside a map's key, or in a closure: floats stay floats and structs plain objects, whatever the profile. */
  #inKey = false;

  constructor(options: CopyOptions) {
    this.#options = options;
    this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
  }

  copy(value: unknown, depth: number): Term {
    switch (typeof value) {
      case "string":
        return this.#string(value, depth);
      case "number":
        return this.#number(value, depth);
      case "bigint":
        return integer(value);
      case "boolean":
        return value;
      case "undefined":
        return null;
      case "object":
        if (value === null || value instanceof Atom) return value;
        if (depth >= this.#maxDepth) {
          throw this.#refusal("ETF_DEPTH", `nested deeper than ${this.#maxDepth} levels, or containing itself`, depth);
        }
        // Containers are dispatched here rather than with the other objects, which saves a third of the stack.
        if (Array.isArray(value)) return this.#list(value, isTuple(value) ? new TupleValue(value.length) : [], depth);
        if (isPlainObject(value)) return this.#fields(value, depth);
        return value instanceof Map ? this.#map(value, depth) : this.#object(value, depth);
      default:
        throw this.#refusal("ETF_UNSUPPORTED", `a ${typeof value} has no Erlang form`, depth);
    }
  }

  #object(value: object, depth: number): Term {
    if (value instanceof Uint8Array) return this.#bytes(value);
    if (value instanceof Pid || value instanceof Ref || value instanceof Port) return value;
    if (value instanceof Float) return this.#float(value.value);
    if (value instanceof Export || value instanceof Fun) return value;
    if (value instanceof BitString) return new BitString(value.bytes.slice(), value.bitsInLastByte);
    if (value instanceof ImproperList) {
      const items = this.#list(value.items, [], depth) as Term[];
      return new ImproperList(items, this.#part(value.tail, value.items.length, depth));
    }
    if (value instanceof NativeRecord) {
      const fields = value.fields.map(([name, field]) => [name, this.#part(field, name, depth)] as const);
      return new NativeRecord(value.module, value.name, value.exported, fields);
    }
    return this.#fields(value, depth);
  }

  #string(value: string, depth: number): Term {
    if (!value.isWellFormed()) {
      throw this.#refusal("ETF_SURROGATE", "a string with a lone surrogate has no UTF-8 form", depth);
    }
    return this.#options.binaries === "bytes" ? utf8Bytes(value) : value;
  }

  #number(value: number, depth: number): Term {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return value;
    if (!Number.isFinite(value)) throw this.#refusal("ETF_UNSUPPORTED", `${value} has no Erlang form`, depth);
    return Number.isInteger(value) && value !== 0 ? integer(BigInt(value)) : this.#float(value);
  }

  #float(value: number): Term {
    if (this.#inKey || (this.#options.floats === "exact" && Number.isInteger(value))) return new Float(value);
    return value;
  }

  #bytes(value: Uint8Array): Term {
    const text = this.#options.binaries === "bytes" ? undefined : utf8Text(value);
    return text ?? new Uint8Array(value);
  }

  #list(items: readonly unknown[], target: unknown[], depth: number): Term {
    for (let i = 0; i < items.length; i++) {
      this.#path[depth] = i;
      target[i] = this.copy(items[i], depth + 1);
    }
    return target as Term[];
  }

  /** Copies a part of the value at `depth`. */
  #part(value: unknown, step: PathStep, depth: number): Term {
    this.#path[depth] = step;
    return this.copy(value, depth + 1);
  }

  #fields(value: object, depth: number): Term {
    const { structs } = this.#options;
    const fields = objectFields(value, structs);
    if (fields === undefined) {
      const name = value.constructor?.name ?? "unknown";
      throw this.#refusal("ETF_UNSUPPORTED", `an instance of class ${name} has no Erlang form`, depth);
    }
    const source = value as Record<string, unknown>;
    const module = fields.module ?? structModule(source.__struct__);
    const target = this.#emptyObject(module);
    if (!target.isStruct && fields.module !== undefined) target.object.__struct__ = atomTerm(fields.module);
    for (const key of fields.keys) {
      const problem = atomTextProblem(key);
      if (problem !== undefined) throw this.#refusal("ETF_ATOM", problem, depth, key);
      if (key === "__struct__" && target.isStruct) continue;
      this.#path[depth] = key;
      setOwn(target.object, key, this.copy(source[key], depth + 1));
    }
    return target.object;
  }

  #emptyObject(module: string | undefined): { readonly object: TermObject; readonly isStruct: boolean } {
    const instance = module === undefined || this.#inKey ? undefined : this.#options.structs?.create(module);
    return { object: (instance ?? {}) as TermObject, isStruct: instance !== undefined };
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): Term {
    const entries: TermEntry[] = [];
    for (const [key, value] of map) entries.push([this.#key(key, depth), this.#part(value, { key }, depth)]);
    const duplicate = duplicateEntry(entries);
    if (duplicate !== undefined) {
      throw this.#refusal("ETF_DUPLICATE_KEY", "a Map has the same key twice", depth, { key: duplicate[0] });
    }
    const struct = entries.find(([key]) => atomText(key) === "__struct__");
    if (struct === undefined || !entries.every(([key]) => isAtom(key))) return mapOf(entries);
    return this.#structOf(entries, structModule(struct[1]));
  }

  #key(key: unknown, depth: number): Term {
    const outer = this.#inKey;
    this.#inKey = true;
    const copied = this.#part(key, { inKey: key }, depth);
    this.#inKey = outer;
    return copied;
  }

  #structOf(entries: readonly TermEntry[], module: string | undefined): Term {
    const { object, isStruct } = this.#emptyObject(module);
    if (!isStruct) return mapOf(entries);
    for (const [key, value] of entries) {
      const text = atomText(key)!;
      if (text !== "__struct__") setOwn(object, text, value);
    }
    return object;
  }

  /** The error for the value at `depth`, or for the part of it that `step` leads to. */
  #refusal(code: EncodeErrorCode, problem: string, depth: number, step?: PathStep): EncodeError {
    const path = this.#path.slice(0, depth);
    return new EncodeError(code, problem, step === undefined ? path : [...path, step]);
  }
}

const structModule = (struct: unknown) => (struct instanceof Atom ? struct.tag : undefined);

const integer = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
