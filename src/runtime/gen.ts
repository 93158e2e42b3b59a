import { ArgumentError } from "../base/index.ts";
import { atom, atomTerm, inspect, isTuple, Pid, Ref, type Term, type Tuple, tuple } from "../term/index.ts";
import { type Address, type Destination, resolve } from "./destination.ts";
import { Exit, ExitError, Reason } from "./exit-reason.ts";
import { From } from "./from.ts";
import { PendingCall } from "./pending-call.ts";
import type { ProcessCore } from "./process-core.ts";
import { aliasTag } from "./reply-tag.ts";
import { samePid } from "./same.ts";
import { isCallObserved, observedCall } from "./telemetry.ts";

/** How long to wait, and who may end the waiting early. The same everywhere. */
export interface CallOptions {
  /** Milliseconds, connecting included. Default 5000, `Infinity` for ever. */
  readonly timeoutMs?: number;
  /** Ends the waiting; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How one kind of call looks: what it sends, and what it adds to the reason with which it fails. */
export interface CallForm {
  /** The message of the caller's `{Pid, Tag}` and the request. */
  message(from: Tuple, request: unknown): unknown;
  /** `{Module, Function, Arguments}` of a call that failed, undefined when its reason is given as it is. */
  failed(target: unknown, request: unknown, timeout: Term): Tuple | undefined;
}

const GEN_CALL = atom("$gen_call");
const GEN_CAST = atom("$gen_cast");
export const DEFAULT_TIMEOUT_MS = 5000;

/**
 * The client's side of `gen_server:call/3`: monitors the server, asks with the monitor's reference as alias, and waits for
 * the reply, the end of the server, or the timeout. What arrives later is dropped.
 *
 * @param form - by default that of `'$gen_call'`.
 */
export function call(
  core: ProcessCore,
  to: Destination,
  request: unknown,
  options: CallOptions = {},
  form: CallForm = genServerCall,
): Promise<Term> {
  const { runtime, pid: caller } = core;
  const ref = runtime.identity.newRef();
  if (!isCallObserved(runtime)) return callAs(ref, core, to, request, options, form);
  return observedCall(
    runtime,
    () => ({ node: runtime.identity.node, caller, kind: "call", target: to, request, ref }),
    () => callAs(ref, core, to, request, options, form),
  );
}

/** A call with this reference, which nothing else has. */
function callAs(
  ref: Ref,
  core: ProcessCore,
  to: Destination,
  request: unknown,
  options: CallOptions,
  form: CallForm,
): Promise<Term> {
  return new Promise((resolvePromise, reject) => {
    const { timeoutMs, signal } = waitingOf(options, DEFAULT_TIMEOUT_MS);
    const target = resolve(to, core.runtime.identity.node);
    const failure = (why: unknown) => {
      const failed = form.failed(targetTerm(to, target), request, timeoutTerm(timeoutMs));
      return new ExitError("call", to, why, failed === undefined ? why : tuple(why as object, failed));
    };
    if (!core.alive) throw new Exit(core.exitReason);
    if (target === undefined) throw failure(Reason.noproc);
    if (target instanceof Ref) throw new ArgumentError("to", "an alias cannot be called");
    if (isSelf(core, target)) throw failure(Reason.callingSelf);
    const call = new PendingCall({ core, ref, target, signal, failure, resolve: resolvePromise, reject });
    call.start(form.message(tuple(core.pid, aliasTag(ref)), request), timeoutMs);
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

/** `{'$gen_call', From, Request}`; what Elixir adds to the reason of one that failed is `{GenServer, call, [...]}`. */
const genServerCall: CallForm = {
  message: (from, request) => tuple(GEN_CALL, from, request as object),
  failed: (target, request, timeout) => tuple(atom("Elixir.GenServer"), atom("call"), [target, request, timeout]),
};

/**
 * How long to wait by these options, and for which signal.
 *
 * @throws ArgumentError `BADARG` for what cannot be waited for; the signal's reason when it is aborted already.
 */
export function waitingOf(options: CallOptions, defaultMs: number): CallOptions & { timeoutMs: number } {
  checkOptionsObject(options);
  const { timeoutMs = defaultMs, signal } = options;
  checkTimeout(timeoutMs);
  checkSignal(signal);
  signal?.throwIfAborted();
  return signal === undefined ? { timeoutMs } : { timeoutMs, signal };
}

/** @throws ArgumentError `BADARG`, as for null, which the type does not allow. */
export function checkOptionsObject(options: object): void {
  if (typeof options !== "object" || options === null) throw new ArgumentError("options", "must be an object");
}

/** @throws ArgumentError `BADARG` for what is no `AbortSignal`; those of other realms are. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (typeof signal?.addEventListener === "function" && typeof signal.throwIfAborted === "function") return;
  throw new ArgumentError("signal", `must be an AbortSignal, got ${inspect(signal)}`);
}

/** @throws ArgumentError `BADARG` unless it is a positive number or `Infinity`. */
export function checkTimeout(timeoutMs: number): void {
  if (typeof timeoutMs === "number" && timeoutMs > 0) return;
  throw new ArgumentError("timeoutMs", `must be above 0, got ${inspect(timeoutMs)}`);
}

function isSelf(core: ProcessCore, address: Exclude<Address, Ref>): boolean {
  if (address instanceof Pid) return samePid(address, core.pid);
  const { identity, names } = core.runtime;
  return address.node === identity.node && names.find(address.name) === core;
}

/** A timeout in milliseconds as Erlang has it. */
export function timeoutTerm(timeoutMs: number): Term {
  return timeoutMs === Number.POSITIVE_INFINITY ? atom("infinity") : Math.ceil(timeoutMs);
}

/** A destination as it stands in the reason of a failed call. */
export function targetTerm(to: Destination, address: Address | undefined): unknown {
  if (address instanceof Pid) return address;
  if (address !== undefined && "name" in address) {
    return tuple(atomTerm(address.name) as object, atomTerm(address.node) as object);
  }
  return typeof to === "object" && "via" in to ? tuple(atom("via"), to.name as object) : to;
}
