import type { Command } from "commander";
import { type ProcessAddress, parseAddress } from "../address.ts";
import { type Context, examples, type Run } from "../context.ts";
import { type DeliverArgs, deliver } from "../deliver.ts";
import type { ExitCode } from "../exit-code.ts";
import { addPeerOptions, type PeerFlags } from "../options.ts";

export function defineSend(program: Command, run: Run): void {
  const command = program
    .command("send")
    .description("send a message to a process; ends once its node has the message")
    .argument("<process>", "PROCESS@NODE", parseAddress)
    .argument("<message>", "a term");
  addPeerOptions(command)
    .addHelpText(
      "after",
      examples(
        ["send({Shop.Clock, :shop@...}, :tick)", "tiebeam send Shop.Clock@shop@127.0.0.1 :tick"],
        ["to a process registered by Erlang code", "tiebeam send logger@shop@127.0.0.1 --syntax erlang '{log, 1.5}'"],
      ),
    )
    .action((to: ProcessAddress, message: string, flags: PeerFlags) => run(send, { ...flags, to, message }));
}

function send(context: Context<DeliverArgs>): Promise<ExitCode> {
  return deliver(context, (node, to, message) => node.send(to, message));
}
