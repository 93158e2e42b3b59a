import { ArgumentError } from "../base/index.ts";
import { Atom, atomText, inspect, isTuple, Pid, Ref, type Term } from "../term/index.ts";

/** A registered name: `"cart"` and `atom("cart")` are the same. */
export type ProcessName = string | Atom;

/** A table of names of its own, as Elixir's `{:via, Module, Name}`. */
export interface NameResolver {
  /** The process of that name, undefined when there is none. */
  whereis(name: Term): Pid | undefined;
}

/** Whom a message can be addressed to. */
export type Destination =
  | Pid
  /** An alias. */
  | Ref
  /** A name on this node. */
  | ProcessName
  /** A name on the given node, this one when left out. */
  | { readonly name: ProcessName; readonly node?: ProcessName }
  | { readonly via: NameResolver; readonly name: Term };

/** A destination looked up as far as it can be from here. */
export type Address = Pid | Ref | { readonly name: string; readonly node: string };

/**
 * Looks a destination up. `{name, node}` tuples, as they come in terms, are taken too.
 *
 * @returns undefined when a resolver does not know the name.
 * @throws ArgumentError `BADARG` for anything that is no destination.
 */
export function resolve(to: Destination, ownNode: string): Address | undefined {
  if (to instanceof Pid || to instanceof Ref) return to;
  if (typeof to === "string" || to instanceof Atom) return { name: nameText(to), node: ownNode };
  if (isTuple(to) && to.length === 2) return { name: nameText(to[0]), node: nameText(to[1]) };
  if (typeof to === "object" && to !== null && "name" in to) {
    if ("via" in to) return to.via.whereis(to.name);
    return { name: nameText(to.name), node: to.node === undefined ? ownNode : nameText(to.node) };
  }
  throw new ArgumentError("to", `${inspect(to)} is no pid, name, { name, node } or alias`);
}

/** The text of a name given as string or atom. */
export function nameText(name: unknown): string {
  const text = typeof name === "string" ? name : atomText(name);
  if (text === undefined || text === "") throw new ArgumentError("name", `${inspect(name)} is no name`);
  return text;
}
