export { type BackoffOptions, backoffMs, backoffOf } from "./backoff.ts";
export { type Channel, type ScopeChannel, silentChannel } from "./channel.ts";
export { type Clock, systemClock, type Timer } from "./clock.ts";
export {
  ArgumentError,
  BusyError,
  NodeDownError,
  PeerLimitError,
  type PeerLimitErrorCode,
  TiebeamError,
} from "./errors.ts";
export { consoleLogger, type LogFacts, type Logger, safeLogger, silentLogger } from "./logger.ts";
export { type PinoLike, type PinoMethod, pinoLogger } from "./pino-logger.ts";
export { type Random, systemRandom } from "./random.ts";
export { issuesText, type SchemaIssue, type SchemaResult, type StandardSchemaV1 } from "./standard-schema.ts";
export type { ByteStream, ByteStreamHandler, ConnectOptions, Endpoint, Listener, Transport } from "./transport.ts";
