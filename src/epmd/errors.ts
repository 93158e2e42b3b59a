import { TiebeamError } from "../base/index.ts";

/** What an {@link EpmdError} can be about. Each one has a section in `docs/errors.md`. */
export type EpmdErrorCode =
  | "EPMD_CLOSED"
  | "EPMD_LISTEN"
  | "EPMD_NAME_TAKEN"
  | "EPMD_PROTOCOL"
  | "EPMD_TIMEOUT"
  | "EPMD_UNREACHABLE";

/** Where a conversation with an epmd took place, and about which name. */
export interface EpmdFacts {
  readonly host: string;
  readonly port: number;
  readonly nodeName?: string | undefined;
}

/**
 * Something failed between us and an epmd.
 *
 * - `EPMD_UNREACHABLE`: no connection to it could be made.
 * - `EPMD_TIMEOUT`: it did not answer in time.
 * - `EPMD_CLOSED`: it closed the connection before its answer was complete, which is also how it refuses a request.
 * - `EPMD_PROTOCOL`: what came back is not an epmd's answer.
 * - `EPMD_NAME_TAKEN`: it refused to register the name, which a live node has.
 * - `EPMD_LISTEN`: the embedded server could not listen, and no epmd answers there.
 *
 * `host` and `port` say where, `nodeName` about which name (`name` is the error's own); `cause` is the error below it.
 */
export class EpmdError extends TiebeamError {
  declare readonly code: EpmdErrorCode;
  readonly host: string;
  readonly port: number;
  readonly nodeName: string | undefined;

  constructor(code: EpmdErrorCode, message: string, facts: EpmdFacts, options?: ErrorOptions) {
    super(code, message, options);
    this.host = facts.host;
    this.port = facts.port;
    this.nodeName = facts.nodeName;
  }
}
