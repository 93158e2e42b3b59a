/** How the call of a function ended, in Erlang's three classes and the good one. */
export type Outcome =
  | { readonly kind: "return"; readonly value: unknown }
  | { readonly kind: "throw"; readonly value: unknown }
  | { readonly kind: "exit"; readonly reason: unknown }
  | { readonly kind: "error"; readonly reason: unknown; readonly stack: readonly unknown[] };

/** The functions of this node that others may name: `&Mod.fun/arity` in a term. */
export interface FunctionTable {
  /** Those of a module that a peer may call; without an arity they take any number of arguments. */
  exports(peer: string, module: string): [name: string, arity: number | undefined][];
  /** Whether a peer may call one with so many arguments. */
  has(peer: string, module: unknown, name: unknown, arity: number): boolean;
  /** Calls one for a peer. What it may not call ends as the BEAM's own calls of unknown functions do, with `undef`. */
  call(peer: string, module: unknown, name: unknown, args: unknown): Promise<Outcome>;
}
