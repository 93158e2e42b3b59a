import type { LogFacts } from "../base/index.ts";
import { inspect } from "../term/index.ts";
import type { CrashFacts } from "./behaviour.ts";
import { Exit, ExitError } from "./exit-reason.ts";
import type { ProcessFacts } from "./telemetry.ts";

/**
 * The line that the log gets for a process that fails: who, and why, in one sentence; and as facts who it is, the exit
 * reason, what it was handling, and the error that was thrown, whose stack and cause loggers print in their own way.
 */
export function crashReport(
  { node, pid, label, name }: ProcessFacts,
  reason: unknown,
  error: Error | undefined,
  more: CrashFacts,
): [message: string, facts: LogFacts] {
  const why = error === undefined || hasReason(error) ? inspect(reason) : `${error.name}: ${error.message}`;
  const who = `${label} ${pid}${name === undefined ? "" : ` (${name})`}`;
  return [
    `${who} terminating: ${why}`,
    {
      node,
      pid: String(pid),
      behaviour: label,
      ...(name !== undefined && { name }),
      ...more,
      reason: why,
      ...(error && { error }),
    },
  ];
}

/** Its reason says more than its message does. */
function hasReason(error: Error): boolean {
  return error instanceof Exit || error instanceof ExitError;
}
