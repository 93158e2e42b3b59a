export { type Abilities, abilitiesOf } from "./abilities.ts";
export type { Lane } from "./backlog.ts";
export {
  type CloseReason,
  Connection,
  type ConnectionHandler,
  type ConnectionLimits,
  type ConnectionOptions,
  type ConnectionSettings,
  DEFAULT_MAX_FRAME_BYTES,
} from "./connection.ts";
export {
  DistributionError,
  type DistributionErrorCode,
  HandshakeError,
  type HandshakeErrorCode,
  type HandshakeFacts,
  type HandshakeStepName,
} from "./errors.ts";
export { type AnswerOptions, answer, type DialOptions, dial, type HandshakeSettings } from "./establish.ts";
export {
  expandDigest,
  Flag,
  type FlagOptions,
  type Flags,
  flagNames,
  MANDATORY_25,
  MANDATORY_26,
  ourFlags,
  REQUIRED_OF_PEERS,
} from "./flags.ts";
export type { Established, HandshakeMachine, HandshakeStep, NodeIdentity } from "./handshake.ts";
export {
  type AcceptorOptions,
  type ConnectDecision,
  type ConnectRequest,
  HandshakeAcceptor,
} from "./handshake-acceptor.ts";
export { HandshakeInitiator, type InitiatorOptions } from "./handshake-initiator.ts";
export { isLegalHostPart, isLegalNamePart, splitNodeName } from "./node-name.ts";
export type { Admission } from "./packet-reader.ts";
export {
  type DemonitorSignal,
  type DownSignal,
  type ExitAliasSignal,
  type ExitSignal,
  type GroupLeaderSignal,
  type LinkExitSignal,
  type LinkSignal,
  type MonitorSignal,
  type SendAliasSignal,
  type SendNameSignal,
  type SendSignal,
  type Signal,
  SPAWN_LINKED,
  SPAWN_MONITORED,
  type SpawnReplySignal,
  type SpawnRequestSignal,
  type UnlinkAckSignal,
  type UnlinkSignal,
} from "./signals.ts";
export { DEFAULT_TICK_INTENSITY, DEFAULT_TICK_TIME_MS, type TickOptions } from "./ticker.ts";
