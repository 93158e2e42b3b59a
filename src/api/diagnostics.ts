import { channel } from "node:diagnostics_channel";
import type { Telemetry } from "../runtime/index.ts";

/**
 * The channels of Node.js under the names of docs/observability.md. They belong to the whole program: its nodes share them,
 * and each message says which node it is about.
 */
export function diagnosticsTelemetry(): Telemetry {
  return {
    processStart: channel("tiebeam:process:start"),
    processExit: channel("tiebeam:process:exit"),
    processCrash: channel("tiebeam:process:crash"),
    processReceive: channel("tiebeam:process:receive"),
    linkUp: channel("tiebeam:link:up"),
    linkDown: channel("tiebeam:link:down"),
    callStart: channel("tiebeam:call:start"),
    callEnd: channel("tiebeam:call:end"),
    callError: channel("tiebeam:call:error"),
  };
}
