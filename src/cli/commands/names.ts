import type { Command } from "commander";
import { EpmdClient } from "../../epmd/index.ts";
import { type Context, examples, type Run } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { addJsonOption, addTimeoutOption } from "../options.ts";
import { renderTable } from "../render.ts";

interface NamesArgs {
  readonly host: string | undefined;
  readonly timeout: number;
  readonly json: boolean;
}

export function defineNames(program: Command, run: Run): void {
  const command = program
    .command("names")
    .description("list the nodes that run on a host, as its epmd knows them")
    .argument("[host]", "default: this machine");
  addJsonOption(addTimeoutOption(command, "how long epmd has for its answer"))
    .addHelpText(
      "after",
      examples(
        ["the nodes of this machine", "tiebeam names"],
        ["the nodes of another one", "tiebeam names shop.example.com"],
        ["the port of a node", `tiebeam names --json | jq 'select(.name == "shop").port'`],
      ),
    )
    .action((host: string | undefined, flags: Omit<NamesArgs, "host">) => run(names, { ...flags, host }));
}

async function names({ args, io, signal }: Context<NamesArgs>): Promise<ExitCode> {
  const client = new EpmdClient({ clock: io.clock, timeoutMs: args.timeout });
  const found = await client.names({ host: args.host, signal });
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  await io.stdout.write(args.json ? found.map(nameLine).join("") : nameTable(found));
  return ExitCode.ok;
}

type Found = Awaited<ReturnType<EpmdClient["names"]>>[number];

const nameLine = ({ name, port }: Found) => `${JSON.stringify({ name, port })}\n`;

function nameTable(found: readonly Found[]): string {
  return renderTable([["NAME", "PORT"], ...found.map(({ name, port }) => [name, String(port)])]);
}
