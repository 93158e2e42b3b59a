import { behaviour, type CastResult, GenServer, type GenServerClass, type InitResult } from "../otp/index.ts";
import type { AnyApi, ProcessCore } from "../runtime/index.ts";
import type { Term } from "../term/index.ts";
import type {
  CancelReason,
  ConsumerOptions,
  MaybePromise,
  ProducerOptions,
  SubscribeResult,
  WireOptions,
  WithOptions,
} from "./callbacks.ts";
import type { ConsumerProcess } from "./consumer.ts";
import type { ProducerProcess } from "./producer.ts";
import type { Position } from "./resubscriber.ts";
import { StageProcess } from "./stage-process.ts";
import type { Subscribe, Subscription } from "./subscription.ts";

/** Options of a stage that consumes and produces. It has no `demand` mode of its own. */
export type ProducerConsumerOptions<Out = unknown> = ConsumerOptions & Omit<ProducerOptions<Out>, "demand">;

/**
 * A stage in the middle: it receives events as a {@link Consumer} does, and emits others as a {@link Producer} does.
 *
 * It asks its producers for `maxDemand` events as soon as it has subscribed, but handles them only while its consumers have
 * asked for events. What `handleEvents` emits beyond that waits in its buffer, without a limit unless `bufferSize` says so.
 * One that emits nothing for what it gets goes on asking.
 *
 * When a subscription to a producer ends, what has come of it is handled first.
 *
 * Source of truth: the GenStage documentation, and gen_stage.md §5.4.
 */
export abstract class ProducerConsumer<In = Term, Out = Term, Api = AnyApi> extends GenServer<Api, Out> {
  static override [behaviour](core: ProcessCore, stageClass: GenServerClass): StageProcess {
    return new StageProcess(core, stageClass, "producer_consumer");
  }

  declare protected readonly process: ConsumerProcess & ProducerProcess<Out>;

  /** As {@link GenServer.init}; may also result in `withOptions(options)`. */
  // biome-ignore lint/suspicious/noExplicitAny: narrowed by the class that overrides it
  override init(_args: any): MaybePromise<InitResult | WithOptions<ProducerConsumerOptions<Out>>> {}

  /**
   * Handles events, in the order in which a producer sent them, and emits what comes of them: `noReply({ events })`. Of an
   * automatic subscription at most `maxDemand - minDemand` at a time, unless its producer is gone. More is asked for when the
   * promise it returns, if any, settles. `stop(reason)`: the rest of the message is dropped, and nothing is asked for.
   */
  abstract handleEvents(events: In[], from: Subscription): MaybePromise<CastResult<Out>>;

  /**
   * A subscription is under way: of this stage to a `producer`, or of a `consumer` to this stage. Results as those of
   * {@link Consumer.handleSubscribe} and {@link Producer.handleSubscribe}: `"manual"` is for producers only.
   */
  handleSubscribe?(
    side: "producer" | "consumer",
    options: WireOptions,
    from: Subscription,
  ): MaybePromise<SubscribeResult>;

  /**
   * A subscription with the option `resubscribe` was lost and is about to be made again. Nothing: as it was. Else: with these
   * options, for producers that can be told where to go on.
   */
  handleResubscribe?(position: Position, options: Subscribe): MaybePromise<Subscribe | undefined>;

  /** A subscription has ended, of either kind. */
  handleCancel?(reason: CancelReason, from: Subscription): MaybePromise<CastResult<Out>>;

  /** It is to end when it is done with what it has, see `GenStage.drain`: the last occasion to emit. */
  handleDrain?(): MaybePromise<CastResult<Out>>;

  /** The full buffer discarded `count` events. False: do not log it. */
  formatDiscarded?(count: number): boolean;
}
