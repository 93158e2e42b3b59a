import { InterruptedError, OutputClosedError } from "./errors.ts";
import type { ExitCode } from "./exit-code.ts";
import { explain } from "./explain.ts";
import type { Io } from "./io.ts";

/** Tells the user what went wrong: what failed with its code, and a line that helps. Gives the exit code. */
export async function report(error: unknown, io: Io, { json }: { json: boolean }): Promise<ExitCode> {
  const { message, code, hint, exitCode } = explain(error);
  if (error instanceof InterruptedError || error instanceof OutputClosedError) return exitCode;
  const text = json
    ? `${JSON.stringify({ error: { code, message, hint: hint ?? null, exitCode } })}\n`
    : `error: ${message} (${code})\n${hint === undefined ? "" : `hint: ${hint}\n`}`;
  await io.stderr.write(text);
  return exitCode;
}
