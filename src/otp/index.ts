export { Agent } from "./agent.ts";
export { AgentClient } from "./agent-client.ts";
export { Application, type ApplicationSpec, type LoadArgs, type StartType } from "./application.ts";
export { ApplicationError, type ApplicationErrorCode } from "./application-error.ts";
export { type ApplicationInfo, type ApplicationState, Applications, applicationTerms } from "./applications.ts";
export { type AnyServer, type ApiOf, behaviour, type InitArgs, supervises } from "./behaviour.ts";
export { type ChildOptions, child } from "./child.ts";
export { type RemoteChildOptions, remoteChild } from "./child-remote.ts";
export type {
  AutoShutdown,
  ChildSpec,
  ChildStarter,
  RemoteStart,
  RestartType,
  Shutdown,
  StartResult,
} from "./child-spec.ts";
export { type CheckedSpec, checkSpec } from "./child-spec.ts";
export { DynamicSupervisor, type DynamicSupervisorApi } from "./dynamic-supervisor.ts";
export { DynamicSupervisorProcess } from "./dynamic-supervisor-process.ts";
export { EventManager } from "./event-manager.ts";
export {
  type EventCallResult,
  EventHandler,
  type EventHandlers,
  type EventResult,
  GenEvent,
  type HandlerInitResult,
} from "./gen-event.ts";
export type { HandlerName } from "./gen-event-requests.ts";
export { type RemoveHandler, removeHandler, type SwapHandler, swapHandler } from "./gen-event-results.ts";
export {
  type CallResult,
  type Calls,
  type CastResult,
  type Casts,
  GenServer,
  type InitResult,
  type Schemas,
  type ServerProcess,
} from "./gen-server.ts";
export { type GenServerClass, GenServerProcess, OwnProcess } from "./gen-server-process.ts";
export { type CallbackMode, GenStatem } from "./gen-statem.ts";
export type { InsertedEvent, StatemEvent } from "./gen-statem-events.ts";
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
} from "./gen-statem-results.ts";
export type { Mfa } from "./mfa.ts";
export { OtpProcess, type SysOptions } from "./otp-process.ts";
export { type PartitionOptions, PartitionSupervisor } from "./partition-supervisor.ts";
export { PartitionSupervisorClient } from "./partition-supervisor-client.ts";
export { Registry, type RegistryOptions } from "./registry.ts";
export { type Registered, RegistryClient } from "./registry-client.ts";
export type { RegistryEntry } from "./registry-table.ts";
export { type Ignore, ignore, type Next, NoReply, noReply, Reply, reply, Stop, stop } from "./results.ts";
export { StartedServer, type StartOptions, startServer } from "./start.ts";
export {
  type DynamicOptions,
  type IntensityOptions,
  Supervise,
  type SuperviseOptions,
  supervise,
  superviseDynamically,
} from "./supervise.ts";
export { addChild, readRequest, SupervisingProcess } from "./supervising-process.ts";
export type { Strategy } from "./supervision.ts";
export { type ChildCounts, type ListedChild, Supervisor, type SupervisorApi } from "./supervisor.ts";
export { SysClient, type SysStatistics, type SysStatus } from "./sys-client.ts";
export type { DebugOption } from "./sys-debug.ts";
export { SysError, type SysErrorCode } from "./sys-error.ts";
export { Task, type TaskResult } from "./task.ts";
export type { TaskWork } from "./task-process.ts";
export type { StreamedResult, TaskStreamOptions } from "./task-stream.ts";
export { TaskSupervisor } from "./task-supervisor.ts";
export { type ItemWork, type SupervisedTaskOptions, TaskSupervisorClient } from "./task-supervisor-client.ts";
