import { ErlangError } from "../node/index.ts";
import type { InitialCall } from "../runtime/index.ts";
import { atom, atomTerm, type Pid, type Tuple, tuple } from "../term/index.ts";

/** `[{Name, Value}]` */
export function pairs(values: Readonly<Record<string, unknown>>): Tuple[] {
  return Object.entries(values).map(([name, value]) => tuple(atom(name), value as object));
}

/** `{Module, Function, Arity}` */
export function mfaTerm([module, name, arity]: InitialCall): Tuple {
  return tuple(atomTerm(module) as object, atomTerm(name) as object, arity);
}

/** `{Module, Function, Arity, Location}`, of which the location is not known. */
export function placeTerm([module, name, arity]: InitialCall): Tuple {
  return tuple(atomTerm(module) as object, atomTerm(name) as object, arity, []);
}

/** As `pid_to_list/1` has it for pids of the own node. */
export function pidText({ id, serial }: Pid): string {
  return `<0.${id}.${serial}>`;
}

/** What a BEAM's own functions raise for arguments that they do not take. */
export function badarg(): ErlangError {
  return new ErlangError(atom("badarg"));
}
