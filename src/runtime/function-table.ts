/** How the call of a function ended, in Erlang's three classes and the good one. */
export type Outcome =
  | { readonly kind: "return"; readonly value: unknown }
  | { readonly kind: "throw"; readonly value: unknown }
  | { readonly kind: "exit"; readonly reason: unknown }
  | { readonly kind: "error"; readonly reason: unknown; readonly stack: readonly unknown[] };

/** The functions of this node that others may name: `&Mod.fun/arity` in a term. */
export interface FunctionTable {
  /** Calls one for a peer. What it may not call ends as the BEAM's own calls of unknown functions do, with `undef`. */
  call(peer: string, module: unknown, name: unknown, args: unknown): Promise<Outcome>;
}
