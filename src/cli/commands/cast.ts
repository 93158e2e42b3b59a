import type { Command } from "commander";
import { type ProcessAddress, parseAddress } from "../address.ts";
import { type Context, examples, type Run } from "../context.ts";
import { type DeliverArgs, deliver } from "../deliver.ts";
import type { ExitCode } from "../exit-code.ts";
import { addPeerOptions, type PeerFlags } from "../options.ts";

export function defineCast(program: Command, run: Run): void {
  const command = program
    .command("cast")
    .description("cast to a GenServer; ends once its node has the request")
    .argument("<process>", "PROCESS@NODE", parseAddress)
    .argument("<request>", "a term");
  addPeerOptions(command)
    .addHelpText(
      "after",
      examples(
        ["GenServer.cast(Shop.Prices, :reload) on shop", "tiebeam cast Shop.Prices@shop@127.0.0.1 :reload"],
        ["a map with string keys", `tiebeam cast cart@web@127.0.0.1 '{:add, %{"sku" => "sku-1"}}'`],
      ),
    )
    .action((to: ProcessAddress, message: string, flags: PeerFlags) => run(cast, { ...flags, to, message }));
}

function cast(context: Context<DeliverArgs>): Promise<ExitCode> {
  return deliver(context, (node, to, request) => node.cast(to, request));
}
