import { Command, CommanderError } from "commander";
import { defineCall } from "./commands/call.ts";
import { defineCast } from "./commands/cast.ts";
import { defineConsume } from "./commands/consume.ts";
import { defineDecode } from "./commands/decode.ts";
import { defineEncode } from "./commands/encode.ts";
import { defineEpmd } from "./commands/epmd.ts";
import { defineNames } from "./commands/names.ts";
import { definePing } from "./commands/ping.ts";
import { defineProduce } from "./commands/produce.ts";
import { defineSend } from "./commands/send.ts";
import type { DefineCommand, Run } from "./context.ts";
import { UsageError } from "./errors.ts";
import { ExitCode } from "./exit-code.ts";
import type { Io } from "./io.ts";
import { report } from "./report.ts";

const COMMANDS: readonly DefineCommand[] = [
  defineNames,
  defineEpmd,
  definePing,
  defineCall,
  defineCast,
  defineSend,
  defineConsume,
  defineProduce,
  defineEncode,
  defineDecode,
];

/** What the program needs beside its arguments. */
export interface ProgramOptions {
  readonly io: Io;
  /** Ends the command that runs; its reason says why. */
  readonly signal: AbortSignal;
  readonly version: string;
}

const ABOUT = `Talk to the nodes of an Erlang or Elixir cluster.

A process is written PROCESS@NODE: cart@web@127.0.0.1 is :cart on the node
web@127.0.0.1, Shop.Prices@shop@127.0.0.1 the Elixir module Shop.Prices.`;

const EXIT_CODES = `
Exit codes: 0 ok, 1 the peer said no, 2 usage, 3 unreachable, 4 handshake refused, 5 timeout, 130 interrupted.
`;

/** Runs the command line `tiebeam`. Writes errors to standard error and gives the exit code; it does not reject. */
export async function runProgram(argv: readonly string[], { io, signal, version }: ProgramOptions): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok;
  const run: Run = async (action, args) => {
    signal.throwIfAborted();
    exitCode = await action({ args, io, signal });
  };
  try {
    await program(io, version, run).parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    // The help or the version was asked for, and is written.
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.ok;
    return report(error instanceof CommanderError ? usageError(error) : error, io, { json: wantsJson(argv) });
  }
}

function program(io: Io, version: string, run: Run): Command {
  const program = new Command("tiebeam")
    .description(ABOUT)
    .version(version)
    .usage("COMMAND")
    .addHelpText("after", EXIT_CODES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Usage errors are printed where all errors are.
      outputError: () => {},
    });
  for (const define of COMMANDS) define(program, run);
  return program;
}

function usageError(error: CommanderError): UsageError {
  const problem = error.code === "commander.help" ? "no command was given" : error.message.replace(/^error: /, "");
  return new UsageError(problem, '"tiebeam --help" lists the commands, "tiebeam COMMAND --help" has examples');
}

/** Also for a command line that cannot be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? argv.length : end).includes("--json");
}
