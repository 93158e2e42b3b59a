export type { Rate } from "./asks.ts";
export { type BroadcastDispatcherOptions, broadcastDispatcher, type Selector } from "./broadcast-dispatcher.ts";
export type { BufferKeep } from "./buffer.ts";
export {
  type CancelReason,
  type ConsumerOptions,
  type ProducerOptions,
  type SubscribeResult,
  type WireOptions,
  WithOptions,
  withOptions,
} from "./callbacks.ts";
export { Consumer, type ConsumerProcess } from "./consumer.ts";
export {
  ConsumerSupervisor,
  SuperviseEvents,
  type SuperviseEventsOptions,
  superviseEvents,
} from "./consumer-supervisor.ts";
export { ConsumerSupervisorProcess } from "./consumer-supervisor-process.ts";
export { type DemandDispatcherOptions, demandDispatcher } from "./demand-dispatcher.ts";
export {
  type Dispatcher,
  type DispatcherConsumer,
  type DispatcherFactory,
  type Outlet,
  Refusal,
} from "./dispatcher.ts";
export { type FromOptions, from } from "./from.ts";
export { GenStage, type Resubscription } from "./gen-stage.ts";
export {
  type PartitionDispatcherOptions,
  type Partitioned,
  partitionDispatcher,
} from "./partition-dispatcher.ts";
export { Producer, type ProducerProcess } from "./producer.ts";
export { ProducerConsumer, type ProducerConsumerOptions } from "./producer-consumer.ts";
export type { Position } from "./resubscriber.ts";
export type { Source } from "./source.ts";
export type { StageRole } from "./stage-options.ts";
export { StageProcess } from "./stage-process.ts";
export type { StageStats } from "./stats.ts";
export { EventStream, type StreamOptions, stream } from "./stream.ts";
export {
  type CancelMode,
  type OwnOptions,
  type Subscribe,
  type SubscribeTo,
  Subscription,
  type SubscriptionOptions,
} from "./subscription.ts";
export type { Transform } from "./through.ts";
