import { splitNodeName } from "../dist/index.ts";

/** What is known about the machine this runs on. */
export interface Machine {
  readonly hostname: string;
  /** Its addresses that others can reach. */
  readonly addresses: readonly string[];
}

/**
 * A name for a node that exists for one command: nobody else has it, and its host part goes with that of the node it talks
 * to, since nodes with long names (a dot in the host part) and with short ones do not accept each other.
 *
 * @param unique - text that no other node has in its name.
 */
export function ownName(target: string, machine: Machine, unique: string): string {
  return `tiebeam-${unique}@${ownHost(splitNodeName(target)?.host ?? "127.0.0.1", machine)}`;
}

function ownHost(target: string, { hostname, addresses }: Machine): string {
  if (target === "localhost" || target === "::1" || target.startsWith("127.")) return target;
  const isLong = target.includes(".") || target.includes(":");
  if (!isLong) return hostname.split(".")[0]!;
  return hostname.includes(".") ? hostname : (addresses[0] ?? "127.0.0.1");
}
