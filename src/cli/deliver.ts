import type { Node } from "../api/index.ts";
import { Reason } from "../runtime/index.ts";
import { parse, type Term } from "../term/index.ts";
import type { ProcessAddress } from "./address.ts";
import type { Context } from "./context.ts";
import { NoProcessError } from "./errors.ts";
import { ExitCode } from "./exit-code.ts";
import type { PeerFlags } from "./options.ts";
import { connected, roundTrip } from "./session.ts";

/** Arguments of the commands that send something and get no answer. */
export interface DeliverArgs extends PeerFlags {
  readonly to: ProcessAddress;
  readonly message: string;
}

/**
 * Sends something to a process, and waits until its node has it. Where the BEAM would drop the message because nobody has
 * that name, this fails: whoever types a name wants to know.
 */
export async function deliver(
  context: Context<DeliverArgs>,
  send: (node: Node, to: ProcessAddress, message: Term) => Promise<void> | undefined,
): Promise<ExitCode> {
  const { to, message: text, syntax } = context.args;
  const message = parse(text, { syntax });
  return connected(to.node, context, async (node, deadline) => {
    let missing = false;
    const monitor = node.monitor(to, ({ reason }) => {
      missing = reason === Reason.noproc;
    });
    await send(node, to, message);
    // The monitor's answer, if it is noproc, is on its way before the answer to this.
    await roundTrip(node, to.node, deadline);
    monitor.demonitor();
    if (missing) throw new NoProcessError(to);
    return ExitCode.ok;
  });
}
