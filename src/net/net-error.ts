import { type Endpoint, TiebeamError } from "../base/index.ts";

/** What a {@link NetError} can be about. Each one has a section in `docs/errors.md`. */
export type NetErrorCode =
  | "NET_ADDRESS_IN_USE"
  | "NET_FAILED"
  | "NET_HOST_UNKNOWN"
  | "NET_NO_SUCH_ADDRESS"
  | "NET_NOT_PERMITTED"
  | "NET_REFUSED"
  | "NET_RESET"
  | "NET_TIMEOUT"
  | "NET_UNREACHABLE";

/**
 * A stream could not be opened, was broken, or a place could not be listened at.
 *
 * `host` and `port` say where, `system` is the operating system's name for the failure (`ECONNREFUSED`), where it has
 * one, and `cause` the error as Node.js gave it.
 */
export class NetError extends TiebeamError {
  declare readonly code: NetErrorCode;
  readonly host: string;
  readonly port: number;
  readonly system: string | undefined;

  constructor(doing: string, endpoint: Endpoint, cause: unknown) {
    const system = (cause as { code?: string } | undefined)?.code;
    const detail = system ?? (cause instanceof Error ? cause.message : String(cause));
    super(codeOf(system), `${doing} ${endpoint.host}:${endpoint.port} failed: ${detail}`, { cause });
    this.host = endpoint.host;
    this.port = endpoint.port;
    this.system = system;
  }
}

function codeOf(system: string | undefined): NetErrorCode {
  switch (system) {
    case "ECONNREFUSED":
      return "NET_REFUSED";
    case "ECONNRESET":
    case "ECONNABORTED":
    case "EPIPE":
      return "NET_RESET";
    case "ETIMEDOUT":
      return "NET_TIMEOUT";
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NONAME":
      return "NET_HOST_UNKNOWN";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
      return "NET_UNREACHABLE";
    case "EADDRINUSE":
      return "NET_ADDRESS_IN_USE";
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return "NET_NO_SUCH_ADDRESS";
    case "EACCES":
    case "EPERM":
      return "NET_NOT_PERMITTED";
    default:
      return "NET_FAILED";
  }
}
