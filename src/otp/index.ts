export { Application, type ApplicationSpec, type LoadArgs, type StartType } from "./application/application.ts";
export { ApplicationError, type ApplicationErrorCode } from "./application/application-error.ts";
export {
  type ApplicationInfo,
  type ApplicationState,
  Applications,
  applicationTerms,
} from "./application/applications.ts";
export { EventManager } from "./event/event-manager.ts";
export {
  type EventCallResult,
  EventHandler,
  type EventHandlers,
  type EventResult,
  GenEvent,
  type HandlerInitResult,
} from "./event/gen-event.ts";
export type { HandlerName } from "./event/gen-event-requests.ts";
export { type RemoveHandler, removeHandler, type SwapHandler, swapHandler } from "./event/gen-event-results.ts";
export { Registry, type RegistryOptions } from "./registry/registry.ts";
export { type Registered, RegistryClient } from "./registry/registry-client.ts";
export type { RegistryEntry } from "./registry/registry-table.ts";
export { type AnyServer, type ApiOf, behaviour, type InitArgs, supervises } from "./server/behaviour.ts";
export {
  type CallResult,
  type Calls,
  type CastResult,
  type Casts,
  GenServer,
  type InitResult,
  type Schemas,
  type ServerProcess,
} from "./server/gen-server.ts";
export { type GenServerClass, GenServerProcess, OwnProcess } from "./server/gen-server-process.ts";
export type { Mfa } from "./server/mfa.ts";
export { OtpProcess, type SysOptions } from "./server/otp-process.ts";
export { type Ignore, ignore, type Next, NoReply, noReply, Reply, reply, Stop, stop } from "./server/results.ts";
export { StartedServer, type StartOptions, startServer } from "./server/start.ts";
export { type CallbackMode, GenStatem } from "./statem/gen-statem.ts";
export type { InsertedEvent, StatemEvent } from "./statem/gen-statem-events.ts";
export {
  type Action,
  type Actions,
  eventTimeout,
  genericTimeout,
  hibernate,
  type InitialState,
  initialState,
  keepState,
  nextEvent,
  nextState,
  postpone,
  repeatState,
  replyTo,
  type StateResult,
  stateTimeout,
  stopAndReply,
  type TimeoutOptions,
  type TimeoutTime,
} from "./statem/gen-statem-results.ts";
export { type ChildOptions, child } from "./supervisor/child.ts";
export { type RemoteChildOptions, remoteChild } from "./supervisor/child-remote.ts";
export type {
  AutoShutdown,
  ChildSpec,
  ChildStarter,
  RemoteStart,
  RestartType,
  Shutdown,
  StartResult,
} from "./supervisor/child-spec.ts";
export { type CheckedSpec, checkSpec } from "./supervisor/child-spec.ts";
export { DynamicSupervisor, type DynamicSupervisorApi } from "./supervisor/dynamic-supervisor.ts";
export { DynamicSupervisorProcess } from "./supervisor/dynamic-supervisor-process.ts";
export { type PartitionOptions, PartitionSupervisor } from "./supervisor/partition-supervisor.ts";
export { PartitionSupervisorClient } from "./supervisor/partition-supervisor-client.ts";
export {
  type DynamicOptions,
  type IntensityOptions,
  Supervise,
  type SuperviseOptions,
  supervise,
  superviseDynamically,
} from "./supervisor/supervise.ts";
export { addChild, readRequest, SupervisingProcess } from "./supervisor/supervising-process.ts";
export type { Strategy } from "./supervisor/supervision.ts";
export { type ChildCounts, type ListedChild, Supervisor, type SupervisorApi } from "./supervisor/supervisor.ts";
export { SysClient, type SysStatistics, type SysStatus } from "./sys/sys-client.ts";
export type { DebugOption } from "./sys/sys-debug.ts";
export { SysError, type SysErrorCode } from "./sys/sys-error.ts";
export { Agent } from "./task/agent.ts";
export { AgentClient } from "./task/agent-client.ts";
export { Task, type TaskResult } from "./task/task.ts";
export type { TaskWork } from "./task/task-process.ts";
export type { StreamedResult, TaskStreamOptions } from "./task/task-stream.ts";
export { TaskSupervisor } from "./task/task-supervisor.ts";
export { type ItemWork, type SupervisedTaskOptions, TaskSupervisorClient } from "./task/task-supervisor-client.ts";
