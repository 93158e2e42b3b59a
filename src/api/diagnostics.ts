import { channel } from "node:diagnostics_channel";
import type { Telemetry } from "../runtime/index.ts";

/** The names of the channels, which docs/observability.md describes. */
export const CHANNELS = {
  processStart: "tiebeam:process:start",
  processExit: "tiebeam:process:exit",
  processCrash: "tiebeam:process:crash",
  processReceive: "tiebeam:process:receive",
  linkUp: "tiebeam:link:up",
  linkDown: "tiebeam:link:down",
  callStart: "tiebeam:call:start",
  callEnd: "tiebeam:call:end",
  callError: "tiebeam:call:error",
  stageSubscribe: "tiebeam:stage:subscribe",
  stageCancel: "tiebeam:stage:cancel",
  stageEvents: "tiebeam:stage:events",
  stageDiscard: "tiebeam:stage:discard",
} as const satisfies Record<keyof Telemetry, string>;

/**
 * The channels of Node.js. They belong to the whole program: its nodes share them, and each message says which node it is
 * about.
 */
export function diagnosticsTelemetry(): Telemetry {
  return {
    processStart: channel(CHANNELS.processStart),
    processExit: channel(CHANNELS.processExit),
    processCrash: channel(CHANNELS.processCrash),
    processReceive: channel(CHANNELS.processReceive),
    linkUp: channel(CHANNELS.linkUp),
    linkDown: channel(CHANNELS.linkDown),
    callStart: channel(CHANNELS.callStart),
    callEnd: channel(CHANNELS.callEnd),
    callError: channel(CHANNELS.callError),
    stageSubscribe: channel(CHANNELS.stageSubscribe),
    stageCancel: channel(CHANNELS.stageCancel),
    stageEvents: channel(CHANNELS.stageEvents),
    stageDiscard: channel(CHANNELS.stageDiscard),
  };
}
