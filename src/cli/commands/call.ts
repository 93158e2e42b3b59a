import type { Command } from "commander";
import { parse } from "../../term/index.ts";
import { type ProcessAddress, parseAddress } from "../address.ts";
import { type Context, examples, type Run } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { addPeerOptions, type PeerFlags } from "../options.ts";
import { renderTerm } from "../render.ts";
import { connected } from "../session.ts";

interface CallArgs extends PeerFlags {
  readonly to: ProcessAddress;
  readonly request: string;
}

export function defineCall(program: Command, run: Run): void {
  const command = program
    .command("call")
    .description("call a GenServer and print its reply")
    .argument("<process>", "PROCESS@NODE", parseAddress)
    .argument("<request>", "a term");
  addPeerOptions(command)
    .addHelpText(
      "after",
      examples(
        [
          'GenServer.call(Shop.Prices, {:price, "sku-1"}) on shop',
          `tiebeam call Shop.Prices@shop@127.0.0.1 '{:price, "sku-1"}'`,
        ],
        [
          "the same in Erlang's words",
          `tiebeam call Shop.Prices@shop@127.0.0.1 --syntax erlang '{price, <<"sku-1">>}'`,
        ],
        ["with the reply as JSON", "tiebeam call cart@web@127.0.0.1 :total --json"],
      ),
    )
    .action((to: ProcessAddress, request: string, flags: PeerFlags) => run(call, { ...flags, to, request }));
}

async function call(context: Context<CallArgs>): Promise<ExitCode> {
  const { args, io, signal } = context;
  const request = parse(args.request, { syntax: args.syntax });
  return connected(args.to.node, context, async (node, deadline) => {
    const reply = await node.call(args.to, request, { timeoutMs: deadline.leftMs, signal });
    await io.stdout.write(`${renderTerm(reply, args)}\n`);
    return ExitCode.ok;
  });
}
