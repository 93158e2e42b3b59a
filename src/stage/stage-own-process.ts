import { OwnProcess } from "../otp/index.ts";
import { type Address, type ProcessCore, resolve } from "../runtime/index.ts";
import type { Pid, Term, Tuple } from "../term/index.ts";
import { type Current, cancelMessage } from "./messages.ts";
import { checkOptions, type Subscribe, type Subscription } from "./subscription.ts";

/** What a stage's own process does for it beyond a server's. */
export interface StageOperations {
  subscribe(options: Subscribe, current?: Current): void;
  ask(tag: Term, to: Address, count: number): void;
  confirm(tag: Term, to: Address, count: number): void;
  later(callback: () => unknown, afterEvents: boolean): void;
  info(message: unknown): void;
  openDemand(): number;
}

/** The `process` of every stage; the types that users see show of it what is for their role. */
export class StageOwnProcess extends OwnProcess {
  readonly #core: ProcessCore;
  stage!: StageOperations;

  constructor(core: ProcessCore) {
    super(core);
    this.#core = core;
  }

  asyncSubscribe(options: Subscribe): void {
    checkOptions(options);
    this.stage.subscribe(options);
  }

  asyncResubscribe(from: Tuple, reason: unknown, options: Subscribe): void {
    checkOptions(options);
    this.stage.subscribe(options, { tag: from[1] as Term, reason: reason as Term });
  }

  ask(from: Tuple, count: number): void {
    const address = this.#producerOf(from);
    if (count > 0 && address !== undefined) this.stage.ask(from[1] as Term, address, count);
  }

  confirm(from: Subscription | Tuple, count: number): void {
    const address = this.#producerOf(from);
    if (address !== undefined) this.stage.confirm(from[1] as Term, address, count);
  }

  cancel(from: Tuple, reason: unknown): void {
    const address = this.#producerOf(from);
    if (address !== undefined) void this.#core.send(address, cancelMessage(this.pid, from[1], reason), false);
  }

  get openDemand(): number {
    return this.stage.openDemand();
  }

  asyncInfo(message: unknown): void {
    this.stage.info(this.#core.runtime.copies.local(message));
  }

  later(callback: () => unknown, options: { afterEvents?: boolean } = {}): void {
    this.stage.later(callback, options.afterEvents ?? false);
  }

  #producerOf(from: Subscription | Tuple): Address | undefined {
    return resolve(from[0] as Pid, this.#core.runtime.identity.node);
  }
}
