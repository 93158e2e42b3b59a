import { ArgumentError } from "../base/index.ts";
import { atom, equals, Ref, tuple } from "../term/index.ts";
import { type Destination, resolve } from "./destination.ts";
import { Exit, ExitError, Reason } from "./exit-reason.ts";
import {
  type CallForm,
  type CallOptions,
  call,
  DEFAULT_TIMEOUT_MS,
  targetTerm,
  timeoutTerm,
  waitingOf,
} from "./gen.ts";
import type { ProcessCore } from "./process-core.ts";

const OK = atom("ok");
const TERMINATE = atom("terminate");

/**
 * Tells an OTP process to end with `reason`, and waits until it has: `proc_lib:stop/3`, with the errors of Elixir's
 * `GenServer.stop/3`. The process is monitored from before it is asked: it answers first, and ends then.
 */
export async function stop(
  core: ProcessCore,
  to: Destination,
  reason: unknown = Reason.normal,
  options: CallOptions = {},
): Promise<void> {
  const { timeoutMs, signal } = waitingOf(options, DEFAULT_TIMEOUT_MS);
  const { runtime } = core;
  const address = resolve(to, runtime.identity.node);
  const wanted = runtime.copies.fixed(reason);
  const arguments_ = [targetTerm(to, address), wanted, timeoutTerm(timeoutMs)];
  const failure = (why: unknown) =>
    new ExitError("stop", to, why, tuple(why as object, tuple(atom("Elixir.GenServer"), atom("stop"), arguments_)));
  if (address === undefined) throw failure(Reason.noproc);
  if (address instanceof Ref) throw new ArgumentError("to", "an alias cannot be stopped");

  const given = new AbortController();
  const onAbort = () => given.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer =
    timeoutMs === Number.POSITIVE_INFINITY
      ? undefined
      : core.startTimer(timeoutMs, () => given.abort(failure(Reason.timeout)));
  let ref: Ref | undefined;
  const ended = new Promise<unknown>((resolveEnded, reject) => {
    given.signal.addEventListener("abort", () => reject(given.signal.reason), { once: true });
    ref = core.monitor(
      address,
      (why) => (why === Reason.noconnection ? given.abort(runtime.nodeDownError(address.node)) : resolveEnded(why)),
      (why) => given.abort(new Exit(why)),
    );
  });
  ended.catch(() => {}); // what ends the waiting for it ends the call before it too
  /** A process that ended without an answer may have ended as it was to. */
  const unanswered = (error: unknown): unknown => {
    if (given.signal.aborted || !(error instanceof ExitError)) throw error;
    const why = error.reason;
    if (why === Reason.noproc || equals(why, wanted)) return why;
    return tuple(why as object, tuple(atom("sys"), TERMINATE, arguments_));
  };
  try {
    const request = tuple(TERMINATE, wanted as object);
    const waiting = { timeoutMs: Number.POSITIVE_INFINITY, signal: given.signal };
    const asked = call(core, address, request, waiting, systemCall);
    const why = await asked.then((answer) => (answer === OK ? ended : answer), unanswered);
    if (!equals(why, wanted)) throw failure(why);
  } finally {
    timer?.cancel();
    signal?.removeEventListener("abort", onAbort);
    if (ref !== undefined) core.demonitor(ref);
  }
}

/** `{system, From, Request}`; a failure is the reason alone. */
const systemCall: CallForm = {
  message: (from, request) => tuple(atom("system"), from, request as object),
  failed: () => undefined,
};
