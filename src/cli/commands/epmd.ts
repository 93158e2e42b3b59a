import { type Command, Option } from "commander";
import { type EpmdRole, startEpmd } from "../../epmd/index.ts";
import { type Context, examples, type Run } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { addJsonOption, wholeNumber } from "../options.ts";
import { warningsTo } from "../session.ts";
import { unlessAborted } from "../unless-aborted.ts";

interface EpmdArgs {
  readonly port?: number;
  readonly json: boolean;
}

export function defineEpmd(program: Command, run: Run): void {
  const command = program
    .command("epmd")
    .description("run an epmd, or stand by while another one runs, until interrupted")
    .addOption(new Option("--port <port>", "default: ERL_EPMD_PORT, then 4369").argParser(wholeNumber(1, 65_535)));
  addJsonOption(command)
    .addHelpText(
      "after",
      examples(
        ["in place of the epmd that comes with Erlang", "tiebeam epmd"],
        ["one of its own, for loopback only", "ERL_EPMD_ADDRESS=127.0.0.1 tiebeam epmd --port 4370"],
      ),
    )
    .action((flags: EpmdArgs) => run(epmd, flags));
}

/** Serves until the signal aborts. */
async function epmd({ args, io, signal }: Context<EpmdArgs>): Promise<ExitCode> {
  const say = (role: EpmdRole, port: number) => {
    if (args.json) void io.stdout.write(`${JSON.stringify({ role, port })}\n`);
    else void io.stderr.write(`${ROLE_TEXT[role](port)}\n`);
  };
  await using server = await startEpmd({
    port: args.port,
    clock: io.clock,
    logger: warningsTo(io, args),
    onRole: (role) => say(role, server.port),
  });
  say(server.role, server.port);
  await unlessAborted(server.closed, signal);
  return ExitCode.ok;
}

const ROLE_TEXT: Readonly<Record<EpmdRole, (port: number) => string>> = {
  server: (port) => `serving as epmd at port ${port}`,
  client: (port) => `another epmd has port ${port}; standing by to take over when it ends`,
};
