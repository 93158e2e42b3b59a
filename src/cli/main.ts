#!/usr/bin/env node
import { readFileSync } from "node:fs";
import process from "node:process";
import { InterruptedError } from "./errors.ts";
import { processIo } from "./process-io.ts";
import { runProgram } from "./program.ts";

/** How long output may take to leave once the user wants an end. */
const FLUSH_AFTER_INTERRUPT_MS = 500;

const controller = new AbortController();
const io = processIo(process, (error) => controller.abort(error));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // The second one is not caught, and ends the process at once.
  process.once(signal, () => controller.abort(new InterruptedError(signal)));
}

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
process.exitCode = await runProgram(process.argv.slice(2), { io, signal: controller.signal, version });

if (controller.signal.aborted) {
  // A reader that has stopped reading must not hold up the end.
  setTimeout(() => process.exit(), FLUSH_AFTER_INTERRUPT_MS).unref();
}
await io.flush();
