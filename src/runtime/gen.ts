import { ArgumentError } from "../base/index.ts";
import { atom, atomTerm, isTuple, Pid, type Ref, type Term, type Tuple, tuple } from "../term/index.ts";
import { type Address, type Destination, resolve } from "./destination.ts";
import { Exit, ExitError, Reason } from "./exit-reason.ts";
import { From } from "./from.ts";
import type { ProcessCore } from "./process-core.ts";
import { aliasTag } from "./reply-tag.ts";

/** How long to wait, and who may end the waiting early. The same everywhere. */
export interface CallOptions {
  /** Milliseconds, connecting included. Default 5000, `Infinity` for ever. */
  readonly timeoutMs?: number;
  /** Ends the waiting; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const GEN_CALL = atom("$gen_call");
const GEN_CAST = atom("$gen_cast");
const DEFAULT_TIMEOUT_MS = 5000;

/**
 * The client's side of `gen_server:call/3`: monitors the server, asks with the monitor's reference as alias, and waits for
 * the reply, the end of the server, or the timeout. What arrives later is dropped.
 */
export function call(
  core: ProcessCore,
  to: Destination,
  request: unknown,
  options: CallOptions = {},
  message: (from: Tuple, request: unknown) => unknown = genCall,
): Promise<Term> {
  return new Promise((resolvePromise, reject) => {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    signal?.throwIfAborted();
    checkTimeout(timeoutMs);
    const { runtime } = core;
    const address = resolve(to, runtime.identity.node);
    const callTerm = (): Tuple =>
      tuple(atom("Elixir.GenServer"), atom("call"), [targetTerm(to, address), request, timeoutTerm(timeoutMs)]);
    if (address === undefined) throw new ExitError(Reason.noproc, to, callTerm());
    if (address instanceof Pid && address.key === core.pid.key) {
      throw new ExitError(Reason.callingSelf, to, callTerm());
    }
    if (!core.alive) throw new Exit(core.exitReason);
    if (!(address instanceof Pid) && !("name" in address)) throw new ArgumentError("to", "an alias cannot be called");

    const finish = () => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
      runtime.removeAlias(ref);
      core.demonitor(ref);
    };
    const onAbort = () => {
      finish();
      reject(signal?.reason);
    };
    const ref: Ref = core.monitor(
      address,
      (why) => {
        finish();
        reject(why === Reason.noconnection ? runtime.nodeDownError(address.node) : new ExitError(why, to, callTerm()));
      },
      (reason) => {
        finish();
        reject(new Exit(reason));
      },
    );
    runtime.addAlias(ref, {
      core,
      deliver(reply) {
        finish();
        resolvePromise((reply as unknown as Tuple)[1] as Term);
      },
    });
    const timer =
      timeoutMs === Number.POSITIVE_INFINITY
        ? undefined
        : core.startTimer(timeoutMs, () => {
            finish();
            reject(new ExitError(Reason.timeout, to, callTerm()));
          });
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      // A full link is no reason to do anything but wait, which this call does already.
      void core.send(address, message(tuple(core.pid, aliasTag(ref)), request), false);
    } catch (error) {
      finish();
      reject(error);
    }
  });
}

/** `gen_server:cast/2`: `{'$gen_cast', Request}`, without an answer. Promise and errors as `send`. */
export function cast(core: ProcessCore, to: Destination, request: unknown): Promise<void> | undefined {
  const address = resolve(to, core.runtime.identity.node);
  return address === undefined ? undefined : core.send(address, tuple(GEN_CAST, request as object), true);
}

/** What a message is to an OTP process. */
export type GenMessage =
  | { readonly kind: "call"; readonly from: From; readonly request: Term }
  | { readonly kind: "cast"; readonly request: Term }
  | { readonly kind: "info"; readonly message: Term };

/** Reads `{'$gen_call', {Pid, Tag}, Request}` and `{'$gen_cast', Request}`; anything else is an info. */
export function readGen(core: ProcessCore, message: unknown): GenMessage {
  if (isTuple(message)) {
    const [kind, second, third] = message;
    if (
      kind === GEN_CALL &&
      message.length === 3 &&
      isTuple(second) &&
      second.length === 2 &&
      second[0] instanceof Pid
    ) {
      return { kind: "call", from: new From(core, second[0], second[1]), request: third as Term };
    }
    if (kind === GEN_CAST && message.length === 2) return { kind: "cast", request: second as Term };
  }
  return { kind: "info", message: message as Term };
}

function genCall(from: Tuple, request: unknown): unknown {
  return tuple(GEN_CALL, from, request as object);
}

/** @throws ArgumentError `BADARG` unless it is a positive number or `Infinity`. */
export function checkTimeout(timeoutMs: number): void {
  if (!(timeoutMs > 0)) throw new ArgumentError("timeoutMs", `must be above 0, got ${timeoutMs}`);
}

function timeoutTerm(timeoutMs: number): unknown {
  return timeoutMs === Number.POSITIVE_INFINITY ? atom("infinity") : Math.ceil(timeoutMs);
}

/** What was called, as a term for exit reasons. */
function targetTerm(to: Destination, address: Address | undefined): unknown {
  if (address === undefined || address instanceof Pid) return address ?? ("via" in (to as object) ? atom("via") : to);
  return "name" in address ? tuple(atomTerm(address.name) as object, atomTerm(address.node) as object) : address;
}
