import {
  behaviour,
  type CastResult,
  GenServer,
  type GenServerClass,
  type InitResult,
  type ServerProcess,
  type Stop,
} from "../otp/index.ts";
import type { AnyApi, ProcessCore } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import type { CancelReason, MaybePromise, ProducerOptions, WireOptions, WithOptions } from "./callbacks.ts";
import { StageProcess } from "./stage-process.ts";
import type { Subscription } from "./subscription.ts";

/** What a producer's `process` can do beyond a server's. */
export interface ProducerProcess<Out> extends ServerProcess {
  /** Events that consumers have asked for and not got, as far as the dispatcher passes their demand on. */
  readonly openDemand: number;
  /**
   * Delivers a message to `handleInfo` once all events emitted before have been sent to consumers, and what waits in the
   * mailbox has been handled: the way to stop after the last event. Same as `GenStage.async_info(self(), message)`.
   */
  asyncInfo(message: unknown): void;
  /**
   * Runs `callback` as if it were `handleInfo`, when sockets and timers and then the mailbox have had their turn: for events
   * that come from elsewhere than a callback, `this.process.later(() => noReply({ events: [order] }))`. With `afterEvents`
   * not before all events emitted until then have been sent to consumers.
   */
  later(callback: () => MaybePromise<CastResult<Out>>, options?: { readonly afterEvents?: boolean }): void;
}

/**
 * A stage that emits events to the consumers which subscribe to it, from any node, as far as they have asked for them.
 *
 * Every callback may emit: `noReply({ events })`, `reply(value, { events })`. Events beyond the demand wait in a buffer of
 * bounded size. Demand is told once: a `handleDemand` that emits less has to remember the rest, and emits it later.
 * Events must not be changed once they have been emitted.
 *
 * It is a {@link GenServer} in every other respect. Source of truth: the GenStage documentation, and gen_stage.md.
 */
export abstract class Producer<Out = Term, Api = AnyApi> extends GenServer<Api, Out> {
  static override [behaviour](core: ProcessCore, stageClass: GenServerClass): StageProcess {
    return new StageProcess(core, stageClass, "producer");
  }

  declare protected readonly process: ProducerProcess<Out>;

  /** As {@link GenServer.init}; may also result in `withOptions(options)`. */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  override init(_args: any): MaybePromise<InitResult | WithOptions<ProducerOptions<Out>>> {}

  /** Consumers want `demand` more events, 1 or more: `noReply({ events })` with up to that many, now or later. */
  abstract handleDemand(demand: number): MaybePromise<CastResult<Out>>;

  /** A consumer subscribed. Nothing or `"automatic"`: it is welcome. `stop(reason)`: this stage ends. */
  handleSubscribe?(
    side: "consumer",
    options: WireOptions,
    from: Subscription,
    // biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is what is meant
  ): MaybePromise<void | "automatic" | Stop>;

  /** The subscription of a consumer has ended, by its `cancel` or because it is `down`. */
  handleCancel?(reason: CancelReason, from: Subscription): MaybePromise<CastResult<Out>>;

  /** It is to end when it is done with what it has, see `GenStage.drain`: the last occasion to emit. */
  handleDrain?(): MaybePromise<CastResult<Out>>;

  /** The full buffer discarded `count` events. False: do not log it. */
  formatDiscarded?(count: number): boolean;
}
