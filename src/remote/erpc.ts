import { NodeDownError } from "../base/index.ts";
import {
  type CallOptions,
  checkNodes,
  Exit,
  nameText,
  observedCall,
  type ProcessCore,
  type ProcessName,
  Reason,
  SpawnError,
  waitingOf,
} from "../runtime/index.ts";
import { atom, atomTerm, isList, isTuple, Ref, type Term, tuple } from "../term/index.ts";
import { type Called, RpcError } from "./errors.ts";

/** What came of a call on one of several nodes. */
export type RpcResult<T> =
  | { readonly node: string; readonly ok: true; readonly value: T }
  | { readonly node: string; readonly ok: false; readonly error: RpcError | NodeDownError };

const RETURN = atom("return");
const THROW = atom("throw");
const EXIT = atom("exit");
const ERROR = atom("error");
const ERPC = atom("erpc");

/**
 * Calls of functions on other nodes, as `:erpc` makes them: each runs in a process of its own there, whose group leader is
 * this node's console. Has the nodes of OTP 23 and later. This node itself can be called too, if the function is exposed.
 */
export class Erpc {
  readonly #core: ProcessCore;

  constructor(core: ProcessCore) {
    this.#core = core;
  }

  /**
   * Calls a function and waits for its value. Connects when there is no link.
   *
   * @param module - `mod("Shop.Stock")` for an Elixir module, `"lists"` for an Erlang one.
   * @param options.timeoutMs - milliseconds, connecting included. Default: no limit, as on the BEAM.
   * @throws RpcError `RPC_THROW`, `RPC_EXIT`, `RPC_ERROR`, `RPC_SIGNAL`, `RPC_TIMEOUT`, `RPC_REFUSED`; NodeDownError; EncodeError.
   * A result that comes too late is dropped; the function is not stopped. Same as `erpc:call/5`.
   *
   * Start no process that is linked to its starter this way: it ends with the call.
   */
  call<T = Term>(
    node: ProcessName,
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<T> {
    return executeCall(this.#core, calledOf(node, module, name, args), args, options) as Promise<T>;
  }

  /**
   * Runs a function, whatever comes of it. Promise and errors as {@link Process.send}. Same as `erpc:cast/4`.
   */
  cast(
    node: ProcessName,
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
  ): Promise<void> | undefined {
    return executeCast(this.#core, calledOf(node, module, name, args), args);
  }

  /**
   * Calls a function on several nodes at once.
   *
   * @returns what came of each, in the order of `nodes`, once all have ended or the time is up.
   * @throws EncodeError, ArgumentError; the reason of `options.signal`. Same as `erpc:multicall/5`.
   */
  async multicall<T = Term>(
    nodes: readonly ProcessName[],
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<RpcResult<T>[]> {
    return Promise.all(
      checkNodes(nodes).map(async (node): Promise<RpcResult<T>> => {
        try {
          const value = await this.call<T>(node, module, name, args, options);
          return { node: nameText(node), ok: true, value };
        } catch (error) {
          if (error instanceof RpcError || error instanceof NodeDownError) {
            return { node: nameText(node), ok: false, error };
          }
          throw error;
        }
      }),
    );
  }

  /** Runs a function on several nodes, whatever comes of it. Same as `erpc:multicast/4`. */
  multicast(
    nodes: readonly ProcessName[],
    module: ProcessName,
    name: ProcessName,
    args: readonly unknown[] = [],
  ): void {
    for (const node of checkNodes(nodes)) void this.cast(node, module, name, args);
  }
}

/** @throws ArgumentError `BADARG` for what is no name. */
export function calledOf(node: ProcessName, module: ProcessName, name: ProcessName, args: readonly unknown[]): Called {
  return { node: nameText(node), module: nameText(module), function: nameText(name), arity: args.length };
}

/**
 * Runs `erpc:execute_call/4` under a monitor: the reason with which it ends says how the function did, and carries our
 * reference, which nothing else that ends it can have. Source: erpc.erl.
 */
export function executeCall(
  core: ProcessCore,
  called: Called,
  args: readonly unknown[],
  options: CallOptions,
): Promise<Term> {
  const { runtime, pid: caller } = core;
  const { node: target, module, function: name, arity } = called;
  const ref = runtime.identity.newRef();
  const request = tuple(atomTerm(module) as object, atomTerm(name) as object, arity);
  return observedCall(
    runtime,
    () => ({ node: runtime.identity.node, caller, kind: "erpc", target, request, ref }),
    () => executeCallAs(ref, core, called, args, options),
  );
}

async function executeCallAs(
  result: Ref,
  core: ProcessCore,
  called: Called,
  args: readonly unknown[],
  options: CallOptions,
): Promise<Term> {
  const { timeoutMs, signal } = waitingOf(options, Number.POSITIVE_INFINITY);
  const { runtime } = core;
  let release = () => {};
  try {
    return await new Promise<Term>((resolve, reject) => {
      const spawned = runtime.spawns.send(core, called.node, {
        module: "erpc",
        function: "execute_call",
        args: [result, atomTerm(called.module), atomTerm(called.function), args],
        link: false,
        monitor: (_pid, _ref, reason) => {
          if (reason === Reason.noconnection) reject(runtime.nodeDownError(called.node));
          else settle(called, result, reason, resolve, reject);
        },
        onAbandoned: (reason) => reject(new Exit(reason)),
      });
      spawned.catch((error: unknown) => reject(error instanceof SpawnError ? refused(called, error.reason) : error));
      const giveUp = (why: unknown) => {
        reject(why);
        spawned.then(
          ({ ref }) => core.demonitor(ref),
          () => {}, // there is nothing to give up then
        );
      };
      const onAbort = () => giveUp(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const timer =
        timeoutMs === Number.POSITIVE_INFINITY
          ? undefined
          : core.startTimer(timeoutMs, () => giveUp(new RpcError("RPC_TIMEOUT", called, Reason.timeout)));
      release = () => {
        timer?.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
    });
  } finally {
    release();
  }
}

/** Asks for `erpc:execute_cast/3`. No link, no monitor: nobody waits for the answer. */
export function executeCast(core: ProcessCore, called: Called, args: readonly unknown[]): Promise<void> | undefined {
  if (!core.alive) return undefined;
  const { runtime, pid, groupLeader } = core;
  const all = [atomTerm(called.module), atomTerm(called.function), args];
  return runtime.route(
    called.node,
    {
      op: "spawnRequest",
      ref: runtime.identity.newRef(),
      from: pid,
      groupLeader,
      module: "erpc",
      function: "execute_cast",
      arity: all.length,
      options: [],
      args: (called.node === runtime.identity.node ? runtime.copies.local(all) : all) as Term[],
    },
    true,
  );
}

/** Reads the exit reason of `erpc:execute_call/4`. One without our reference is that of a signal. */
function settle(
  called: Called,
  result: Ref,
  reason: unknown,
  resolve: (value: Term) => void,
  reject: (error: Error) => void,
): void {
  const [ours, kind, value, stack] = isTuple(reason) ? reason : [];
  if (!(ours instanceof Ref) || ours.key !== result.key) return reject(new RpcError("RPC_SIGNAL", called, reason));
  if (kind === RETURN) return resolve(value as Term);
  if (kind === THROW) return reject(new RpcError("RPC_THROW", called, value));
  if (kind === EXIT) return reject(new RpcError("RPC_EXIT", called, value));
  if (kind === ERROR && isList(stack)) return reject(new RpcError("RPC_ERROR", called, value, stack));
  if (kind === ERROR && isTuple(value) && value[0] === ERPC) return reject(refused(called, value[1]));
  reject(new RpcError("RPC_SIGNAL", called, reason));
}

function refused(called: Called, reason: unknown): RpcError {
  return new RpcError("RPC_REFUSED", called, typeof reason === "string" ? atom(reason) : reason);
}
