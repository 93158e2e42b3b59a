export type { Behaviour, CrashFacts, InitialCall } from "./behaviour.ts";
export type { Copies } from "./copies.ts";
export {
  type Address,
  checkNodes,
  type Destination,
  type NameRegistry,
  type NameResolver,
  nameText,
  type ProcessName,
  type RegisteredName,
  resolve,
  resolverOf,
} from "./destination.ts";
export { keepIn } from "./environment.ts";
export { asTerm, Exit, ExitError, isOrderly, Reason, raised, reasonOf } from "./exit-reason.ts";
export { From, sendReply } from "./from.ts";
export type { FunctionTable, Outcome } from "./function-table.ts";
export {
  type CallForm,
  type CallOptions,
  call,
  cast,
  checkOptionsObject,
  checkSignal,
  checkTimeout,
  type GenMessage,
  readGen,
  waitingOf,
} from "./gen.ts";
export { Identity } from "./identity.ts";
export type { Monitoring, MonitorTarget } from "./monitors.ts";
export type { MultiCallResult } from "./multi-call.ts";
export type { NodeEvent } from "./node-watchers.ts";
export type { OtpRules } from "./otp-rules.ts";
export type { Origin, QueuedMessage } from "./peer-queues.ts";
export { coreOf, type Down, type Monitor, Process } from "./process.ts";
export { ProcessCore } from "./process-core.ts";
export { infoOf, type ProcessInfo } from "./process-info.ts";
export { Queue } from "./queue.ts";
export { aliasTag } from "./reply-tag.ts";
export { type Remote, Runtime, type RuntimeOptions, type Unsent } from "./runtime.ts";
export {
  type AnyApi,
  type ArgsOf,
  type CallNames,
  type CastNames,
  type CastRequest,
  type ReplyTo,
  type Request,
  Server,
} from "./server.ts";
export { SpawnError, type SpawnedRemotely } from "./spawn-requests.ts";
export type {
  ConsumerStats,
  StageCancel,
  StageDiscard,
  StageEvents,
  StageSubscription,
  SubscriptionFigures,
  SubscriptionStats,
} from "./stage-telemetry.ts";
export {
  type CallEnd,
  type CallFailure,
  type CallStart,
  factsOf,
  type LinkDown,
  type LinkUp,
  observedCall,
  type ProcessCrash,
  type ProcessExit,
  type ProcessFacts,
  type ProcessReceive,
  silentTelemetry,
  type Telemetry,
} from "./telemetry.ts";
