/**
 * The port mapper of Erlang nodes: a client, and a server that can take the stock daemon's place.
 *
 * @module tiebeam/epmd
 */
export { EpmdClient, type EpmdClientOptions, type EpmdRequestOptions } from "./client.ts";
export { EpmdError, type EpmdErrorCode, type EpmdFacts } from "./errors.ts";
export type {
  NewRegistration,
  Registration,
  RegistrationEvent,
  RegistrationOptions,
} from "./registration.ts";
export type { DumpedName, ListedName } from "./replies.ts";
export type { EpmdLimits } from "./server.ts";
export { type EpmdSettings, epmdSettings } from "./settings.ts";
export { type Epmd, type EpmdRole, type StartEpmdOptions, startEpmd } from "./start-epmd.ts";
export { DEFAULT_EPMD_PORT, DistVersion, type NodeEntry, NodeType, Protocol } from "./wire.ts";
