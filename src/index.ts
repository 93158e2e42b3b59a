/**
 * A Node.js process as a real node of an Erlang/Elixir cluster.
 *
 * @module tiebeam
 */
export {
  type EpmdMode,
  Node,
  type NodeEnd,
  type NodeOptions,
  type NodeStats,
  type PeerStats,
  startNode,
} from "./api/index.ts";
export {
  ArgumentError,
  BusyError,
  type Clock,
  consoleLogger,
  type LogFacts,
  type Logger,
  NodeDownError,
  type Random,
  silentLogger,
  TiebeamError,
  type Timer,
  type Transport,
} from "./base/index.ts";
export { DistributionError, HandshakeError, type HandshakeErrorCode } from "./dist/index.ts";
export { EpmdError, type EpmdErrorCode } from "./epmd/index.ts";
export { DecodeError, type DecodeErrorCode, type DecodeLimits, type Profile } from "./etf/index.ts";
export { NetError, type NetErrorCode } from "./net/index.ts";
export {
  type AddressResolver,
  CookieError,
  type ExposedFunction,
  type ExposeOptions,
  fixedPortResolver,
  NodeStoppedError,
  NodeUnknownError,
} from "./node/index.ts";
export {
  type ApiOf,
  type CallResult,
  type Calls,
  type CastResult,
  type Casts,
  GenServer,
  type InitResult,
  ignore,
  type Next,
  noReply,
  reply,
  StartedServer,
  type StartOptions,
  stop,
} from "./otp/index.ts";
export {
  type CallOptions,
  type Destination,
  type Down,
  Exit,
  ExitError,
  From,
  type Monitor,
  type NameResolver,
  Process,
  type ProcessName,
  Server,
} from "./runtime/index.ts";
export * from "./term/index.ts";
