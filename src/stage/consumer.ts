import {
  behaviour,
  type CastResult,
  GenServer,
  type GenServerClass,
  type InitResult,
  type ServerProcess,
} from "../otp/index.ts";
import type { AnyApi, ProcessCore } from "../runtime/index.ts";
import type { Term, Tuple } from "../term/index.ts";
import type {
  CancelReason,
  ConsumerOptions,
  MaybePromise,
  SubscribeResult,
  WireOptions,
  WithOptions,
} from "./callbacks.ts";
import type { Position } from "./resubscriber.ts";
import { StageProcess } from "./stage-process.ts";
import type { Subscribe, Subscription } from "./subscription.ts";

/** What a consumer's `process` can do beyond a server's. */
export interface ConsumerProcess extends ServerProcess {
  /**
   * Subscribes to a producer, after what waits in the mailbox. Same as `GenStage.async_subscribe(self(), ...)`.
   * @throws ArgumentError `BADARG` for invalid options.
   */
  asyncSubscribe(options: Subscribe): void;
  /**
   * As `asyncSubscribe`, in place of the subscription `from`, which its producer ends with `reason` once the new one is there.
   * A `permanent` one stops this stage then. Same as `GenStage.async_resubscribe(self(), ...)`.
   */
  asyncResubscribe(from: Subscription | Tuple, reason: unknown, options: Subscribe): void;
  /** Asks for events of a manual subscription; nothing for 0. Never opens a connection. Same as `GenStage.ask/2`. */
  ask(from: Subscription | Tuple, count: number): void;
  /**
   * Asks the producer to end the subscription. It has ended when `handleCancel` is told; until then events go on arriving.
   * What it means for this stage is up to the subscription's `cancel`. Same as `GenStage.cancel/2`.
   */
  cancel(from: Subscription | Tuple, reason: unknown): void;
}

/**
 * A stage that receives events, from producers of any node: the last one of a pipeline.
 *
 * It subscribes by what its `init` returns, `withOptions({ subscribeTo: [...] })`, by `this.process.asyncSubscribe`, or when
 * somebody else asks it to (Elixir's `GenStage.sync_subscribe`, Flow). It asks for `maxDemand` events at once and for more
 * as they are handled: a slow `handleEvents` slows the producer down.
 *
 * It is a {@link GenServer} in every other respect. Source of truth: the GenStage documentation, and gen_stage.md.
 */
export abstract class Consumer<In = Term, Api = AnyApi> extends GenServer<Api> {
  static override [behaviour](core: ProcessCore, stageClass: GenServerClass): StageProcess {
    return new StageProcess(core, stageClass, "consumer");
  }

  declare protected readonly process: ConsumerProcess;

  /** As {@link GenServer.init}; may also result in `withOptions(options)`. */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  override init(_args: any): MaybePromise<InitResult | WithOptions<ConsumerOptions>> {}

  /**
   * Handles events, in the order in which the producer sent them. Of an automatic subscription at most
   * `maxDemand - minDemand` at a time, never none; more is asked for when the promise it returns, if any, settles.
   * Nothing or `noReply()`: go on. `stop(reason)`: the rest of the message is dropped, and nothing is asked for.
   */
  abstract handleEvents(events: In[], from: Subscription): MaybePromise<CastResult>;

  /**
   * A subscription of this stage is under way. Nothing or `"automatic"`: demand is taken care of. `"manual"`: only what
   * `this.process.ask` asks for comes. `stop(reason)`: the stage ends.
   */
  handleSubscribe?(side: "producer", options: WireOptions, from: Subscription): MaybePromise<SubscribeResult>;

  /**
   * A subscription with the option `resubscribe` was lost and is about to be made again. Nothing: as it was. Else: with these
   * options, for producers that can be told where to go on.
   */
  handleResubscribe?(position: Position, options: Subscribe): MaybePromise<Subscribe | undefined>;

  /**
   * A subscription has ended. Afterwards the stage ends too if the subscription's `cancel` says so. A lost connection is
   * `{ kind: "down", reason: atom("noconnection") }`.
   */
  handleCancel?(reason: CancelReason, from: Subscription): MaybePromise<CastResult>;
}
