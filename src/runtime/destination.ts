import { ArgumentError } from "../base/index.ts";
import { Atom, atomText, inspect, isTuple, Pid, Ref } from "../term/index.ts";

/** A registered name: `"cart"` and `atom("cart")` are the same. */
export type ProcessName = string | Atom;

/**
 * A table of names of its own, to look processes up in: what `Module` is in Elixir's `{:via, Module, Name}`. Names may be any
 * terms. What is sent to a name goes to the process that `whereis` gives at that moment.
 */
export interface NameResolver {
  /** The process of that name, undefined when there is none. */
  whereis(name: unknown): Pid | undefined;
}

/**
 * A table of names that processes can be started under, with `{ via, name }`. It forgets a process that ends by itself, and
 * then no other: the name may have got a new owner already.
 */
export interface NameRegistry extends NameResolver {
  /** Gives a process a name. False, and nothing done, when another has it. A promise where others have to be asked. */
  register(name: unknown, pid: Pid): boolean | Promise<boolean>;
  /** Takes the name from whoever has it. Called when an `init` fails, so that the name is free before the starter knows. */
  unregister(name: unknown): void;
}

/** What a process can be started under: a name on its node, or one in a registry. */
export type RegisteredName = ProcessName | { readonly via: NameRegistry; readonly name: unknown };

/** Whom a message can be addressed to. */
export type Destination =
  | Pid
  /** An alias. */
  | Ref
  /** A name on this node. */
  | ProcessName
  /** A name on the given node, this one when left out. */
  | { readonly name: ProcessName; readonly node?: ProcessName }
  | { readonly via: NameResolver; readonly name: unknown };

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
    if ("via" in to) return resolverOf(to.via).whereis(to.name);
    return { name: nameText(to.name), node: to.node === undefined ? ownNode : nameText(to.node) };
  }
  throw new ArgumentError("to", `${inspect(to)} is no pid, name, { name, node } or alias`);
}

/** The nodes that something is asked of. @throws ArgumentError for what is no list, as a name alone. */
export function checkNodes(nodes: readonly ProcessName[]): readonly ProcessName[] {
  if (Array.isArray(nodes)) return nodes;
  throw new ArgumentError("nodes", `${inspect(nodes)} is no list of nodes`);
}

/** The table of `{ via, name }`, which has to be one that looks names up. */
export function resolverOf<R extends NameResolver>(via: R): R {
  if (typeof via?.whereis === "function") return via;
  throw new ArgumentError("via", `${inspect(via)} is no registry of names: it has no whereis`);
}

/** The text of a name given as string or atom. */
export function nameText(name: unknown): string {
  const text = typeof name === "string" ? name : atomText(name);
  if (text === undefined || text === "") throw new ArgumentError("name", `${inspect(name)} is no name`);
  return text;
}
