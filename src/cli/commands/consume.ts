import { type Command, Option } from "commander";
import { type ProcessAddress, parseAddress } from "../address.ts";
import { type Context, examples, type Run } from "../context.ts";
import { InterruptedError, UsageError } from "../errors.ts";
import { ExitCode } from "../exit-code.ts";
import { notice } from "../notice.ts";
import { addPeerOptions, type PeerFlags, wholeNumber } from "../options.ts";
import { renderEvent } from "../render.ts";
import { connected } from "../session.ts";
import { unlessAborted } from "../unless-aborted.ts";

interface ConsumeFlags extends PeerFlags {
  readonly count?: number;
  readonly maxDemand: number;
  readonly minDemand?: number;
}

interface ConsumeArgs extends ConsumeFlags {
  readonly from: ProcessAddress;
}

const DEFAULT_MAX_DEMAND = 1_000;

export function defineConsume(program: Command, run: Run): void {
  const command = program
    .command("consume")
    .description("subscribe to a GenStage producer and print its events, one a line, until it ends")
    .argument("<producer>", "PROCESS@NODE", parseAddress)
    .addOption(new Option("-n, --count <events>", "end after so many events").argParser(wholeNumber(1)))
    .addOption(
      new Option("--max-demand <events>", "events asked for and not printed yet, at most")
        .default(DEFAULT_MAX_DEMAND)
        .argParser(wholeNumber(1)),
    )
    .addOption(
      new Option(
        "--min-demand <events>",
        "ask for more when no more than these are left (default: half of max)",
      ).argParser(wholeNumber(0)),
    );
  addPeerOptions(command, "how long connecting may take")
    .addHelpText(
      "after",
      examples(
        ["the first ten orders, as JSON", "tiebeam consume Shop.Orders@shop@127.0.0.1 -n 10 --json | jq ."],
        ["one event at a time", "tiebeam consume Shop.Orders@shop@127.0.0.1 --max-demand 1"],
        ["the lines of another shell", "tiebeam consume lines@feed@127.0.0.1 > copy.log"],
      ),
    )
    .action((from: ProcessAddress, flags: ConsumeFlags) => run(consume, { ...flags, from }));
}

async function consume(context: Context<ConsumeArgs>): Promise<ExitCode> {
  const { args, io, signal } = context;
  const demand = demandOf(args);
  return connected(args.from.node, context, async (node) => {
    let count = 0;
    try {
      for await (const event of node.stream(args.from, { ...demand, signal })) {
        const full = io.stdout.write(`${renderEvent(event, args)}\n`);
        count++;
        // The loop is the demand: while nobody reads the output, no more is asked for.
        if (full !== undefined) await unlessAborted(full, signal);
        if (count === args.count) break;
      }
    } finally {
      if (signal.reason instanceof InterruptedError) notice(io, args, `${count} events`, { events: count });
    }
    return ExitCode.ok;
  });
}

/** Of a producer that is asked for a few events only, no more are taken than are printed. */
function demandOf({ count, maxDemand, minDemand }: ConsumeArgs): { maxDemand: number; minDemand?: number } {
  if (minDemand !== undefined && minDemand >= maxDemand) {
    throw new UsageError(`--min-demand ${minDemand} has to be below --max-demand ${maxDemand}`);
  }
  if (count !== undefined && count <= maxDemand) return { maxDemand: count, minDemand: 0 };
  return { maxDemand, ...(minDemand !== undefined && { minDemand }) };
}
