import type { Command } from "commander";
import { parseNodeName } from "../address.ts";
import { type Context, examples, type Run } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { addPeerOptions, type PeerFlags } from "../options.ts";
import { renderMs } from "../render.ts";
import { connected, roundTrip } from "../session.ts";

interface PingArgs extends PeerFlags {
  readonly node: string;
}

export function definePing(program: Command, run: Run): void {
  const command = program
    .command("ping")
    .description("connect to a node and say how long that took, or why it failed")
    .argument("<node>", "NAME@HOST", parseNodeName);
  addPeerOptions(command)
    .addHelpText(
      "after",
      examples(
        ["is it there, and is the cookie right?", "tiebeam ping shop@127.0.0.1"],
        ["wait for no longer than a second", "tiebeam ping shop@127.0.0.1 --timeout 1s"],
      ),
    )
    .action((node: string, flags: PeerFlags) => run(ping, { ...flags, node }));
}

async function ping(context: Context<PingArgs>): Promise<ExitCode> {
  const { args, io } = context;
  const started = io.clock.now();
  return connected(args.node, context, async (node, deadline) => {
    const connectedAt = io.clock.now();
    await roundTrip(node, args.node, deadline);
    const times = { connectMs: rounded(connectedAt - started), roundTripMs: rounded(io.clock.now() - connectedAt) };
    await io.stdout.write(
      args.json
        ? `${JSON.stringify({ node: args.node, result: "pong", ...times })}\n`
        : `pong from ${args.node}: connected in ${renderMs(times.connectMs)}, round trip ${renderMs(times.roundTripMs)}\n`,
    );
    return ExitCode.ok;
  });
}

const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;
