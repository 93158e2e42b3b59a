import type { Structs } from "./structs.ts";
import type { TermObject } from "./term.ts";

/** True for objects that stand for maps: literals, and those without a prototype. Instances of classes are none. */
export function isPlainObject(value: unknown): value is TermObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** True for what is encoded as a map: Maps, plain objects and instances of registered classes. */
export function isMapTerm(value: object, structs: Structs | undefined): boolean {
  return value instanceof Map || isPlainObject(value) || structs?.moduleOf(value) !== undefined;
}

/** Sets a key as an own property whatever its name: `object["__proto__"] = value` would not. */
export function setOwn(object: object, key: string, value: unknown): void {
  if (key === "__proto__") defineOwn(object, key, value);
  else (object as Record<string, unknown>)[key] = value;
}

/** The same past the setters of the object's class, which the names that a peer sends must not reach. */
export function defineOwn(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/**
 * The entries of an object that stands for a map with atom keys: a plain object's own enumerable ones, and for an
 * instance of a registered class its own plus `__struct__`, whose value is then the text of the module's atom.
 * `undefined` when the object stands for no map.
 */
export function objectFields(value: object, structs: Structs | undefined): ObjectFields | undefined {
  if (isPlainObject(value)) return { keys: Object.keys(value), module: undefined };
  const module = structs?.moduleOf(value);
  if (module === undefined) return undefined;
  return { keys: Object.keys(value).filter((key) => key !== "__struct__"), module };
}

/** See {@link objectFields}. */
export interface ObjectFields {
  readonly keys: readonly string[];
  /** Text of the module's atom, when `__struct__` is to be added to the keys. */
  readonly module: string | undefined;
}
