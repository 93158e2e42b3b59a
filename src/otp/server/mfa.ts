import { Exit, type FunctionTable, nameText, type ProcessName } from "../../runtime/index.ts";
import { atom, atomTerm, type Term, type Tuple, tuple } from "../../term/index.ts";

/** A function by its name, which can be sent where a closure cannot: any of a BEAM, here one that is exposed. */
export interface Mfa {
  readonly module: ProcessName;
  readonly name: ProcessName;
  /** Behind those that the one who calls it adds. Default: none. */
  readonly args?: readonly unknown[];
}

/** `{Module, Function, Arguments}`, with more arguments in front of those that it has. */
export function mfaTerm({ module, name, args = [] }: Mfa, ...first: unknown[]): Tuple {
  return tuple(atomTerm(nameText(module)) as object, atomTerm(nameText(name)) as object, [...first, ...args]);
}

/**
 * Calls an exposed function in the name of the node `peer`, in the process that this runs in.
 * @throws Exit with the reason that a process of the BEAM ends with whose call of a function ends so.
 */
export async function apply(
  functions: FunctionTable,
  peer: string,
  module: unknown,
  name: unknown,
  args: unknown,
): Promise<Term> {
  const outcome = await functions.call(peer, module, name, args);
  switch (outcome.kind) {
    case "return":
      return outcome.value as Term;
    case "exit":
      throw new Exit(outcome.reason);
    case "throw":
      throw new Exit(tuple(tuple(atom("nocatch"), outcome.value as object), []));
    case "error":
      throw new Exit(tuple(outcome.reason as object, outcome.stack));
  }
}
