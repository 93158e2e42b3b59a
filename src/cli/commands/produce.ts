import type { Command } from "commander";
import type { Node } from "../../api/index.ts";
import { type Down, Reason } from "../../runtime/index.ts";
import { inspect } from "../../term/index.ts";
import { parseProcessName } from "../address.ts";
import { type Context, examples, type Run } from "../context.ts";
import { Deadline } from "../deadline.ts";
import { RefusedError } from "../errors.ts";
import { ExitCode } from "../exit-code.ts";
import { LineProducer } from "../line-producer.ts";
import { linesOf } from "../lines.ts";
import { notice } from "../notice.ts";
import { addNodeOptions, type NodeFlags } from "../options.ts";
import { freshName, roundTrip, started } from "../session.ts";

interface ProduceArgs extends NodeFlags {
  readonly stage: string;
  /** The name as it was given, which is shorter than the module's. */
  readonly title: string;
}

export function defineProduce(program: Command, run: Run): void {
  const command = program
    .command("produce")
    .description(
      "serve the lines of standard input as a GenStage producer, each line a binary; ends after the last one was delivered",
    )
    .argument("<name>", "the producer's registered name");
  addNodeOptions(command)
    .addHelpText(
      "after",
      examples(
        [
          "lines for whoever subscribes to {:lines, :feed@...}",
          "tail -f app.log | tiebeam produce lines --name feed@127.0.0.1",
        ],
        ["numbers, and a consumer for them", "seq 1 100000 | tiebeam produce numbers --name p@127.0.0.1"],
        ["", "tiebeam consume numbers@p@127.0.0.1 -n 100000"],
      ),
    )
    .action((name: string, flags: NodeFlags) => run(produce, { ...flags, stage: parseProcessName(name), title: name }));
}

async function produce({ args, io, signal }: Context<ProduceArgs>): Promise<ExitCode> {
  const deadline = new Deadline(io.clock, Number.POSITIVE_INFINITY, signal);
  const name = args.name ?? freshName("127.0.0.1");
  await using node = await started(deadline, name, io, args, { listen: true });
  const { pid } = await node.start(LineProducer, { name: args.stage, args: { lines: linesOf(io.stdin) } });
  const ended = new Promise<Down>((resolve) => node.monitor(pid, resolve));
  const address = `${args.title}@${name}`;
  notice(io, args, `producing as ${address}`, { producing: address });

  const { reason } = await deadline.wait(ended, "producing");
  if (reason !== Reason.normal) throw new RefusedError(`the producer ended with ${inspect(reason)}`);
  await allArrived(node, deadline);
  return ExitCode.ok;
}

/** What was sent to a node before this has arrived there when this settles. */
async function allArrived(node: Node, deadline: Deadline): Promise<void> {
  await Promise.all(node.peers().map((peer) => roundTrip(node, peer, deadline)));
}
