import { TiebeamError } from "../../base/index.ts";
import { inspect, isTuple, type Term } from "../../term/index.ts";

export type SysErrorCode = "SYS_REFUSED" | "SYS_FAILED";

/**
 * A process has answered a `sys` request with `{error, Reason}`. Codes: `SYS_REFUSED` it does not know the request or does not
 * grant it; `SYS_FAILED` for any other reason, as a function that failed.
 */
export class SysError extends TiebeamError {
  declare readonly code: SysErrorCode;
  readonly reason: Term;
  readonly target: unknown;

  constructor(target: unknown, reason: Term) {
    const refused = isTuple(reason) && reason.tag === "unknown_system_msg";
    super(refused ? "SYS_REFUSED" : "SYS_FAILED", `sys request to ${inspect(target)}: ${inspect(reason)}`);
    this.reason = reason;
    this.target = target;
  }
}
