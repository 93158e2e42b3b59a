import { type CallForm, call, Exit, Reason } from "../runtime/index.ts";
import { atom, type Term, tuple } from "../term/index.ts";
import { findProcess, type View } from "./view.ts";

/** As `sys` asks when it is not told how long to wait. */
const SYS_TIMEOUT_MS = 5_000;

/** `sys:get_status` and `sys:get_state`, asked by this node in the name of whoever called. */
export function askSys(view: View, request: string, target: Term, timeout: Term = SYS_TIMEOUT_MS): Promise<Term> {
  const place = tuple(atom("sys"), atom(request), [target]);
  const form: CallForm = {
    message: (from, asked) => tuple(atom("system"), from, asked as object),
    failed: () => place,
  };
  const timeoutMs = typeof timeout === "number" ? timeout : Number.POSITIVE_INFINITY;
  return call(view.host, processOf(view, target, place), atom(request), { timeoutMs }, form);
}

/** `supervisor:which_children` and `supervisor:count_children`. */
export function askSupervisor(view: View, request: string, target: Term): Promise<Term> {
  const place = tuple(atom("supervisor"), atom(request), [target]);
  return call(view.host, processOf(view, target, place), atom(request), { timeoutMs: Number.POSITIVE_INFINITY });
}

function processOf(view: View, target: Term, place: object) {
  const core = findProcess(view, target);
  if (core === undefined) throw new Exit(tuple(Reason.noproc, place));
  return core.pid;
}
