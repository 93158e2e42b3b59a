import { NodeDownError, TiebeamError } from "../base/index.ts";
import { atom, inspect, isList, isTuple, type Term } from "../term/index.ts";

export type RpcErrorCode = "RPC_THROW" | "RPC_EXIT" | "RPC_ERROR" | "RPC_SIGNAL" | "RPC_TIMEOUT" | "RPC_REFUSED";

/** How the function ended, in Erlang's words for it. */
export type RpcClass = "throw" | "exit" | "error";

/** What was called, and where. */
export interface Called {
  readonly node: string;
  readonly module: string;
  readonly function: string;
  readonly arity: number;
}

/**
 * A function that was called on another node gave no value.
 *
 * - `RPC_THROW`, `RPC_EXIT`, `RPC_ERROR`: it threw, exited or failed; `class`, `reason` and `stacktrace` are what Erlang has.
 *   A function that does not exist is an `RPC_ERROR` with the reason `undef`.
 * - `RPC_SIGNAL`: the process that ran it was ended from outside, by a signal with that reason.
 * - `RPC_TIMEOUT`: nothing came in time. The function may still be running.
 * - `RPC_REFUSED`: the node did not run it; `reason` is its word for why, as `notsup` or `system_limit`.
 */
export class RpcError extends TiebeamError {
  declare readonly code: RpcErrorCode;
  readonly node: string;
  readonly class: RpcClass;
  readonly reason: Term;
  /** `{Module, Function, Arity | Args, Location}` from the innermost call on; empty where there is none. */
  readonly stacktrace: readonly Term[];

  constructor(code: RpcErrorCode, called: Called, reason: unknown, stacktrace: readonly unknown[] = []) {
    const { node, module, function: name, arity } = called;
    super(code, `${inspect(atom(module))}.${name}/${arity} on ${node} ${ENDINGS[code]} ${inspect(reason)}`);
    this.node = node;
    this.class = CLASSES[code];
    this.reason = reason as Term;
    this.stacktrace = stacktrace as Term[];
  }
}

const CLASSES: Readonly<Record<RpcErrorCode, RpcClass>> = {
  RPC_THROW: "throw",
  RPC_EXIT: "exit",
  RPC_ERROR: "error",
  RPC_SIGNAL: "exit",
  RPC_TIMEOUT: "error",
  RPC_REFUSED: "error",
};

const ENDINGS: Readonly<Record<RpcErrorCode, string>> = {
  RPC_THROW: "threw",
  RPC_EXIT: "exited with",
  RPC_ERROR: "failed with",
  RPC_SIGNAL: "was ended by the signal",
  RPC_TIMEOUT: "gave no answer:",
  RPC_REFUSED: "was not run:",
};

const TIMEOUT = atom("timeout");
const NODEDOWN = atom("nodedown");
const EXIT = atom("EXIT");

/** The error for the `Reason` of a `{badrpc, Reason}`. Source: rpc.erl. */
export function badrpcError(called: Called, reason: unknown): RpcError | NodeDownError {
  if (reason === NODEDOWN) return new NodeDownError(called.node, "noconnection");
  if (reason === TIMEOUT) return new RpcError("RPC_TIMEOUT", called, TIMEOUT);
  if (isTuple(reason) && reason.length === 2 && reason[0] === EXIT) return exitError(called, reason[1]);
  return new RpcError("RPC_REFUSED", called, reason);
}

/** The error for the `Reason` of an `{'EXIT', Reason}`, which has a stack if it was an error. */
export function exitError(called: Called, reason: unknown): RpcError {
  if (isTuple(reason) && reason.length === 2 && isStack(reason[1])) {
    return new RpcError("RPC_ERROR", called, reason[0], reason[1]);
  }
  return new RpcError("RPC_EXIT", called, reason);
}

function isStack(value: unknown): value is Term[] {
  return isList(value) && value.every((entry) => isTuple(entry) && (entry.length === 4 || entry.length === 3));
}
