import type { Exposed, Spawner } from "../node/index.ts";
import { Reason, type Runtime, reasonOf } from "../runtime/index.ts";
import { atom, isTuple, tuple } from "../term/index.ts";

const RETURN = atom("return");
const THROW = atom("throw");
const EXIT = atom("exit");
const ERROR = atom("error");

/**
 * Lets other nodes call exposed functions by `:erpc` and `:rpc`: `erpc:execute_call/4` ends its process with a reason that
 * tells how the function ended, which the caller's monitor brings back. Source: erpc.erl.
 */
export function serveErpc(runtime: Runtime, spawner: Spawner, exposed: Exposed): void {
  spawner.add("erpc:execute_call/4", async ([result, module, name, args], caller) => {
    const outcome = await exposed.call(caller, module, name, args);
    switch (outcome.kind) {
      case "return":
        return returned(runtime, result as object, outcome.value);
      case "throw":
        return tuple(result as object, THROW, outcome.value as object);
      case "exit":
        return tuple(result as object, EXIT, outcome.reason as object);
      case "error":
        return tuple(result as object, ERROR, outcome.reason as object, outcome.stack);
    }
  });
  spawner.add("erpc:execute_cast/3", async ([module, name, args], caller) => {
    await exposed.call(caller, module, name, args);
    return Reason.normal;
  });
}

/** A value that is no term is the function's error. */
function returned(runtime: Runtime, result: object, value: unknown): unknown {
  try {
    return tuple(result, RETURN, runtime.copies.fixed(value) as object);
  } catch (error) {
    const reason = reasonOf(error);
    return isTuple(reason)
      ? tuple(result, ERROR, reason[0] as object, reason[1] as object)
      : tuple(result, EXIT, reason as object);
  }
}
