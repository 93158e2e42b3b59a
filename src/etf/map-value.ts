import {
  Atom,
  atomText,
  defineOwn,
  isAtom,
  type Structs,
  setOwn,
  type Term,
  TermMap,
  type TermObject,
} from "../term/index.ts";
import { DecodeError } from "./errors.ts";

/** What a map with these keys and values is, when they do not follow a known shape. */
export function mapFrom(
  keys: readonly Term[],
  values: readonly Term[],
  structs: Structs | undefined,
  at: number,
): TermObject | Map<Term, Term> {
  if (keys.every(isAtom)) {
    const texts = keys.map((key) => atomText(key)!);
    if (new Set(texts).size !== keys.length) throw duplicateKey(at);
    return objectFrom(texts, values, structs);
  }
  // A Map finds these by value.
  const isPlain = keys.every((key) => typeof key !== "object" || key === null || key instanceof Atom);
  const map = isPlain ? new Map<Term, Term>() : new TermMap();
  for (let i = 0; i < keys.length; i++) map.set(keys[i]!, values[i]!);
  if (map.size !== keys.length) throw duplicateKey(at);
  return map;
}

/** An object, or the instance of the class that `structs` has for it. */
export function objectFrom(keys: readonly string[], values: readonly Term[], structs: Structs | undefined): TermObject {
  const module = structs === undefined ? undefined : values[keys.indexOf("__struct__")];
  const instance = module instanceof Atom ? (structs!.create(module.tag) as TermObject | undefined) : undefined;
  if (instance === undefined) return plainObject(keys, values);
  for (let i = 0; i < keys.length; i++) if (keys[i] !== "__struct__") defineOwn(instance, keys[i]!, values[i]!);
  return instance;
}

export function plainObject(keys: readonly string[], values: readonly Term[]): TermObject {
  const object: TermObject = {};
  for (let i = 0; i < keys.length; i++) setOwn(object, keys[i]!, values[i]!);
  return object;
}

export function duplicateKey(at: number): DecodeError {
  return new DecodeError("ETF_DUPLICATE_KEY", "a key is there twice", at);
}
