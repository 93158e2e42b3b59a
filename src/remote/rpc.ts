import { NodeDownError } from "../base/index.ts";
import { type CallOptions, call, checkNodes, type ProcessCore, type ProcessName, waitingOf } from "../runtime/index.ts";
import { atom, atomTerm, isTuple, type Term, tuple } from "../term/index.ts";
import { calledOf, executeCall, executeCast } from "./erpc.ts";
import { badrpcError, type Called, exitError, RpcError } from "./errors.ts";

/** What came of `rpc.multicall`. */
export interface MulticallResult<T> {
  /** In the order of the nodes, without those that are bad. A call that failed is an {@link RpcError}. */
  readonly results: readonly (T | RpcError)[];
  /** Nodes that are not there, or did not answer in time. */
  readonly badNodes: readonly string[];
}

const REX = "rex";
const BLOCK_CALL = atom("block_call");
const BADRPC = atom("badrpc");
const EXIT = atom("EXIT");

/**
 * Calls of functions on other nodes, as `:rpc` makes them: what a function throws is its value, as with `catch`, and every
 * `{badrpc, Reason}` becomes an {@link RpcError}, also one that the function gave itself. New code is better off with `erpc`.
 */
export class Rpc {
  readonly #core: ProcessCore;

  constructor(core: ProcessCore) {
    this.#core = core;
  }

  /**
   * Calls a function and waits for its value, or for what it throws. Same as `rpc:call/5`.
   *
   * @param options.timeoutMs - milliseconds, connecting included. Default: no limit, as on the BEAM.
   * @throws RpcError `RPC_EXIT`, `RPC_ERROR`, `RPC_SIGNAL`, `RPC_TIMEOUT`, `RPC_REFUSED`; NodeDownError; EncodeError.
   */
  async call<T = Term>(
    node: ProcessName,
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<T> {
    const called = calledOf(node, module, name, args);
    try {
      return returned(called, await executeCall(this.#core, called, args, options)) as T;
    } catch (error) {
      if (error instanceof RpcError && error.code === "RPC_THROW") return returned(called, error.reason) as T;
      throw error;
    }
  }

  /**
   * As {@link Rpc.call}, one call after the other on that node, whoever makes them: its process `rex` runs them itself.
   * Same as `rpc:block_call/5`.
   */
  async blockCall<T = Term>(
    node: ProcessName,
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<T> {
    const called = calledOf(node, module, name, args);
    const { module: m, function: f } = called;
    const request = tuple(BLOCK_CALL, atomTerm(m) as object, atomTerm(f) as object, args, this.#core.groupLeader);
    const rex = { name: REX, node: called.node };
    const waiting = waitingOf(options, Number.POSITIVE_INFINITY);
    return returned(called, await call(this.#core, rex, request, waiting)) as T;
  }

  /** Runs a function, whatever comes of it. Promise and errors as {@link Process.send}. Same as `rpc:cast/4`. */
  cast(
    node: ProcessName,
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
  ): Promise<void> | undefined {
    return executeCast(this.#core, calledOf(node, module, name, args), args);
  }

  /** Calls a function on several nodes at once. Same as `rpc:multicall/5`. */
  async multicall<T = Term>(
    nodes: readonly ProcessName[],
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<MulticallResult<T>> {
    const results: (T | RpcError)[] = [];
    const badNodes: string[] = [];
    const called = checkNodes(nodes).map((node) => this.call<T>(node, module, name, args, options));
    for (const [i, settled] of (await Promise.allSettled(called)).entries()) {
      if (settled.status === "fulfilled") results.push(settled.value);
      else if (isBad(settled.reason)) badNodes.push(calledOf(nodes[i]!, module, name, args).node);
      else if (settled.reason instanceof RpcError) results.push(settled.reason);
      else throw settled.reason;
    }
    return { results, badNodes };
  }
}

function isBad(error: unknown): boolean {
  return error instanceof NodeDownError || (error instanceof RpcError && error.code === "RPC_TIMEOUT");
}

/** `{badrpc, Reason}` and `{'EXIT', Reason}` are failures, wherever they come from. Source: rpc.erl. */
function returned(called: Called, value: Term): Term {
  if (isTuple(value) && value.length === 2) {
    if (value[0] === BADRPC) throw badrpcError(called, value[1]);
    if (value[0] === EXIT) throw exitError(called, value[1]);
  }
  return value;
}
