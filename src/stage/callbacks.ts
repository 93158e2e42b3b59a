import { type CastResult, NoReply, type Stop } from "../otp/index.ts";
import type { Term } from "../term/index.ts";
import type { BufferKeep } from "./buffer.ts";
import type { DispatcherFactory } from "./dispatcher.ts";
import type { Position } from "./resubscriber.ts";
import type { Subscribe, Subscription } from "./subscription.ts";

export type MaybePromise<T> = T | Promise<T>;

/** How a subscription ended: `cancel`, one side gave it up, or `down`, the other side is gone; with the reason. */
export interface CancelReason {
  readonly kind: "cancel" | "down";
  readonly reason: Term;
}

/** The options of a subscription under their names on the wire: `max_demand`, `partition` and so on. */
export type WireOptions = Readonly<Record<string, Term>>;

/** What `handleSubscribe` of a consumer may result in; nothing means `automatic`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback without a return statement is what is meant
export type SubscribeResult = void | "automatic" | "manual" | Stop;

/** The callbacks of all stages, as what runs them sees them. Documented where users implement them. */
export interface StageCallbacks {
  handleSubscribe?(
    side: "producer" | "consumer",
    options: WireOptions,
    from: Subscription,
  ): MaybePromise<SubscribeResult>;
  handleCancel?(reason: CancelReason, from: Subscription): MaybePromise<CastResult<unknown>>;
  handleResubscribe?(position: Position, options: Subscribe): MaybePromise<Subscribe | undefined>;
  handleEvents?(events: unknown, from: Subscription): MaybePromise<CastResult<unknown>>;
  handleDemand?(demand: number): MaybePromise<CastResult<unknown>>;
  formatDiscarded?(count: number): boolean;
  handleDrain?(): MaybePromise<CastResult<unknown>>;
  /** True: events are not handled when `handleEvents` is done, but when the stage says so. */
  readonly confirmsItself?: boolean;
  /** Of a producer_consumer, which has no `handleDemand`: there is demand that nothing that waits in it could serve. */
  handleOpenDemand?(): void;
}

/** Options of a stage that consumes. */
export interface ConsumerOptions {
  /** Subscribes to these, in order, before the start is over. One with invalid options is logged and left out. */
  readonly subscribeTo?: readonly Subscribe[];
}

/** Options of a stage that produces. */
export interface ProducerOptions<Out = unknown> {
  /** Default {@link demandDispatcher}. */
  readonly dispatcher?: DispatcherFactory<Out>;
  /** Events kept for which there is no demand yet. Default 10000, `Infinity` for no limit. */
  readonly bufferSize?: number;
  /** Which events stay when the buffer is full. Default `last`, the newest. */
  readonly bufferKeep?: BufferKeep;
  /** `accumulate`: hold demand and events back until somebody switches to `forward`, the default. */
  readonly demand?: "forward" | "accumulate";
}

/** Made by {@link withOptions}. */
export class WithOptions<O> extends NoReply {
  readonly options: O;

  constructor(options: O) {
    super(undefined);
    this.options = options;
  }
}

/** From the `init` of a stage: started, with these options. */
export function withOptions<const O extends ConsumerOptions & ProducerOptions>(options: O): WithOptions<O> {
  return new WithOptions(options);
}
