import { type Channel, type ScopeChannel, silentChannel } from "../base/index.ts";
import type { Pid, Ref } from "../term/index.ts";
import type { Destination } from "./destination.ts";
import type { ProcessCore } from "./process-core.ts";
import type { Runtime } from "./runtime.ts";
import type { StageCancel, StageDiscard, StageEvents, StageSubscription } from "./stage-telemetry.ts";

/** The process that a message of a channel is about. */
export interface ProcessFacts {
  /** The node that it runs on. */
  readonly node: string;
  readonly pid: Pid;
  /** What runs in it, as `GenServer Cart`. */
  readonly label: string;
  /** The name that it is registered under, undefined without one. */
  readonly name: string | undefined;
}

/** A process has ended. */
export interface ProcessExit extends ProcessFacts {
  readonly reason: unknown;
}

/** A process fails: it has thrown, or ends by itself with a reason that is not an orderly one. */
export interface ProcessCrash extends ProcessExit {
  /** What was thrown, if that is an `Error`. */
  readonly error: Error | undefined;
  /** The message that it had last begun to handle, as text; undefined where that is not known. */
  readonly lastMessage: string | undefined;
}

/** A process handles a message, or what stands for one. */
export interface ProcessReceive extends ProcessFacts {
  /** Undefined for work of the library's own. */
  readonly message: unknown;
  /** If it is the request of a call, the {@link CallStart.ref} of that, as far as the caller's release has one. */
  readonly call: Ref | undefined;
}

/** A connection is up. */
export interface LinkUp {
  readonly node: string;
  readonly peer: string;
}

/** A connection that was up is gone. */
export interface LinkDown extends LinkUp {
  /** As in `nodedown`: `connection_closed`, `net_tick_timeout`, `disconnect` and so on. */
  readonly reason: string;
}

/** A call begins. */
export interface CallStart {
  readonly node: string;
  /** The process that calls. */
  readonly caller: Pid;
  /** `call`: a request to a server. `erpc`: a function on a node; then `request` is `{Module, Function, Arity}`. */
  readonly kind: "call" | "erpc";
  /** The server, or the name of the node. */
  readonly target: Destination;
  readonly request: unknown;
  /** The same in all that is told of one call, and in {@link ProcessReceive} when a server here handles it. */
  readonly ref: Ref;
}

/** A call has its reply. */
export interface CallEnd extends CallStart {
  readonly durationMs: number;
}

/** A call has failed, was given up or has timed out. */
export interface CallFailure extends CallEnd {
  readonly error: unknown;
}

/** Where a node tells what happens in it. Each costs a look at `hasSubscribers` while nobody listens. */
export interface Telemetry {
  readonly processStart: Channel<ProcessFacts>;
  readonly processExit: Channel<ProcessExit>;
  readonly processCrash: Channel<ProcessCrash>;
  readonly processReceive: ScopeChannel<ProcessReceive>;
  readonly linkUp: Channel<LinkUp>;
  readonly linkDown: Channel<LinkDown>;
  readonly callStart: Channel<CallStart>;
  readonly callEnd: Channel<CallEnd>;
  readonly callError: Channel<CallFailure>;
  readonly stageSubscribe: Channel<StageSubscription>;
  readonly stageCancel: Channel<StageCancel>;
  readonly stageEvents: Channel<StageEvents>;
  readonly stageDiscard: Channel<StageDiscard>;
}

/** Tells nobody. */
export const silentTelemetry: Telemetry = {
  processStart: silentChannel,
  processExit: silentChannel,
  processCrash: silentChannel,
  processReceive: silentChannel,
  linkUp: silentChannel,
  linkDown: silentChannel,
  callStart: silentChannel,
  callEnd: silentChannel,
  callError: silentChannel,
  stageSubscribe: silentChannel,
  stageCancel: silentChannel,
  stageEvents: silentChannel,
  stageDiscard: silentChannel,
};

/** What channels, and crash reports, tell of a process. */
export function factsOf(core: ProcessCore): ProcessFacts {
  const { runtime, pid, name, behaviour } = core;
  return { node: runtime.identity.node, pid, label: behaviour.label ?? "process", name };
}

/** True when somebody wants to know of calls. */
export function isCallObserved({ telemetry: { callStart, callEnd, callError } }: Runtime): boolean {
  return callStart.hasSubscribers || callEnd.hasSubscribers || callError.hasSubscribers;
}

/** Makes a call, and tells of its start and of how it ended. */
export function observedCall<T>(runtime: Runtime, about: () => CallStart, run: () => Promise<T>): Promise<T> {
  return isCallObserved(runtime) ? told(runtime, about(), run) : run();
}

async function told<T>({ telemetry, clock }: Runtime, call: CallStart, run: () => Promise<T>): Promise<T> {
  const startedAt = clock.now();
  telemetry.callStart.publish(call);
  try {
    const reply = await run();
    telemetry.callEnd.publish({ ...call, durationMs: clock.now() - startedAt });
    return reply;
  } catch (error) {
    telemetry.callError.publish({ ...call, durationMs: clock.now() - startedAt, error });
    throw error;
  }
}
