import { type Atom, atom, Pid, type Term, type TermObject, type Tuple, tuple } from "../../term/index.ts";
import { type CheckedSpec, shutdownTerm } from "./child-spec.ts";
import type { Child } from "./supervision.ts";

/** The map that `get_childspec` replies with. */
export function specTerm({ id, mfa, restart, shutdown, type, significant, modules }: CheckedSpec): TermObject {
  return {
    id,
    start: mfa as Term,
    restart: atom(restart),
    significant,
    shutdown: shutdownTerm(shutdown),
    type: atom(type),
    modules,
  };
}

/** The record `child` of OTP's supervisor, as it stands in the reason of a failed start and in the state. */
export function childRecord(spec: CheckedSpec, pid: Pid | Atom): Tuple {
  const { id, mfa, restart, significant, shutdown, type, modules } = spec;
  return tuple(
    atom("child"),
    pid,
    id as object,
    mfa,
    atom(restart),
    significant,
    shutdownTerm(shutdown) as object,
    atom(type),
    modules as object,
  );
}

/** What children are listed as: `{Id, Pid | undefined | restarting, Type, Modules}`. */
export function pidTerm(pid: Child["pid"]): Pid | Atom {
  return pid instanceof Pid ? pid : atom(pid ?? "undefined");
}

/** The reply of `count_children`. */
export function counts(
  children: Iterable<{ readonly pid: Child["pid"]; readonly spec: Pick<CheckedSpec, "type"> }>,
): Term {
  const count = { specs: 0, active: 0, supervisors: 0, workers: 0 };
  for (const { pid, spec } of children) {
    count.specs++;
    if (pid instanceof Pid) count.active++;
    if (spec.type === "supervisor") count.supervisors++;
    else count.workers++;
  }
  return Object.entries(count).map(([name, value]) => tuple(atom(name), value));
}
