import type { Timer } from "../base/index.ts";
import { isTuple, type Ref, type Term } from "../term/index.ts";
import { Exit, Reason } from "./exit-reason.ts";
import type { Monitoring, MonitorTarget } from "./monitors.ts";
import type { ProcessCore } from "./process-core.ts";
import type { AliasTarget } from "./runtime.ts";

/** Whom a call is made to, and what becomes of it. */
export interface CallFacts {
  readonly core: ProcessCore;
  /** Of its monitor and its alias; nothing else has it. */
  readonly ref: Ref;
  readonly target: MonitorTarget;
  readonly signal: AbortSignal | undefined;
  /** The error for a call that failed for this reason. */
  failure(reason: unknown): Error;
  resolve(reply: Term): void;
  reject(error: unknown): void;
}

/**
 * A call that waits for its reply, the end of the server, the timeout, the signal, or the end of the caller: what comes first
 * settles it. Every call needs a monitor on the server and an alias for the reply; it is both itself.
 */
export class PendingCall implements Monitoring, AliasTarget {
  readonly core: ProcessCore;
  readonly ref: Ref;
  readonly target: MonitorTarget;
  readonly #facts: CallFacts;
  #timer: Timer | undefined;
  #onAbort: (() => void) | undefined;

  constructor(facts: CallFacts) {
    this.core = facts.core;
    this.ref = facts.ref;
    this.target = facts.target;
    this.#facts = facts;
  }

  /** Monitors the server and sends it the message. */
  start(message: unknown, timeoutMs: number): void {
    const { core, ref, target } = this;
    const { signal, failure } = this.#facts;
    try {
      if (timeoutMs !== Number.POSITIVE_INFINITY) {
        this.#timer = core.runtime.clock.setTimer(timeoutMs, () => this.#fail(failure(Reason.timeout)));
      }
      if (signal !== undefined) {
        this.#onAbort = () => this.#fail(signal.reason);
        signal.addEventListener("abort", this.#onAbort, { once: true });
      }
      core.runtime.addAlias(ref, this);
      core.hold(this);
      // A full link is no reason to do anything but wait, which this call does already.
      void core.send(target, message, false, (error) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Anybody who knows the alias can send to it: what is no reply is dropped. */
  deliver(message: unknown): void {
    if (!isTuple(message) || message.length !== 2) return;
    this.#end();
    this.#facts.resolve(message[1] as Term);
  }

  onDown(reason: unknown): void {
    const lost = reason === Reason.noconnection;
    this.#fail(lost ? this.core.runtime.nodeDownError(this.target.node) : this.#facts.failure(reason));
  }

  onAbandoned(reason: unknown): void {
    this.#fail(new Exit(reason));
  }

  #fail(error: unknown): void {
    this.#end();
    this.#facts.reject(error);
  }

  /** What comes from now on is dropped. */
  #end(): void {
    this.#timer?.cancel();
    if (this.#onAbort !== undefined) this.#facts.signal?.removeEventListener("abort", this.#onAbort);
    this.core.runtime.removeAlias(this.ref);
    this.core.demonitor(this.ref);
  }
}
