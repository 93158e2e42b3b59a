import { randomBytes } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import { type Node, type NodeOptions, startNode } from "../api/index.ts";
import type { Logger } from "../base/index.ts";
import { atom, tuple } from "../term/index.ts";
import type { Context } from "./context.ts";
import { Deadline } from "./deadline.ts";
import { UsageError } from "./errors.ts";
import type { ExitCode } from "./exit-code.ts";
import type { Io } from "./io.ts";
import { notice } from "./notice.ts";
import type { NodeFlags, PeerFlags } from "./options.ts";
import { type Machine, ownName } from "./own-name.ts";
import { profileFor } from "./render.ts";
import { tlsOptionsOf } from "./tls.ts";

/**
 * Connects to a node and does something with it, as the node of `--name` or as one that nobody else sees. Nothing of the
 * node is left when this settles.
 */
export async function connected(
  target: string,
  { args, io, signal }: Context<PeerFlags>,
  use: (node: Node, deadline: Deadline) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (args.name === target) {
    throw new UsageError(`--name ${target} is the node to talk to`, "leave --name out, or choose another one");
  }
  const deadline = new Deadline(io.clock, args.timeout, signal);
  await using node = await started(deadline, args.name ?? freshName(target), io, args, {
    listen: args.name !== undefined,
  });
  await deadline.wait(node.connect(target), `connecting to ${target}`);
  return await use(node, deadline);
}

/** Starts a node. When the deadline is over first, the node is stopped as soon as it runs. */
export async function started(
  deadline: Deadline,
  name: string,
  io: Io,
  flags: NodeFlags,
  { listen }: { listen: boolean },
): Promise<Node> {
  const starting = startNode(nodeOptions(name, io, flags, listen));
  try {
    return await deadline.wait(starting, `starting node ${name}`);
  } catch (error) {
    starting.then(
      (node) => node.stop(),
      () => {},
    );
    throw error;
  }
}

/** A name for a node that talks to `target` and that nobody else has. */
export function freshName(target: string): string {
  return ownName(target, thisMachine(), randomBytes(5).toString("hex"));
}

/** Asks the peer's net_kernel whether this connection is good, as `net_adm:ping` does. What was sent before has arrived then. */
export async function roundTrip(node: Node, peer: string, deadline: Deadline): Promise<void> {
  const request = tuple(atom("is_auth"), atom(node.name));
  const asked = node.call({ name: "net_kernel", node: peer }, request, { timeoutMs: Number.POSITIVE_INFINITY });
  await deadline.wait(asked, `an answer of ${peer}`);
}

function nodeOptions(name: string, io: Io, flags: NodeFlags, listen: boolean): NodeOptions {
  const tls = tlsOptionsOf(flags, listen);
  return {
    name,
    clock: io.clock,
    logger: warningsTo(io, flags),
    ...profileFor(flags),
    ...(tls && { tls }),
    ...(!listen && { listen: false as const, epmd: "none" as const }),
    ...(flags.cookie !== undefined && { cookie: flags.cookie }),
    ...(flags.cookieFile !== undefined && { cookieFile: flags.cookieFile }),
  };
}

/** A logger of warnings and errors; neither ends a command by itself. */
export function warningsTo(io: Io, flags: { readonly json: boolean }): Logger {
  const warn = (warning: string) => notice(io, flags, `warning: ${warning}`, { warning });
  return { debug() {}, info() {}, warn, error: warn };
}

function thisMachine(): Machine {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return {
    hostname: hostname(),
    addresses: addresses.filter((one) => one.family === "IPv4" && !one.internal).map((one) => one.address),
  };
}
