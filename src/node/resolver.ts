import type { Endpoint } from "../base/index.ts";
import { splitNodeName } from "../dist/index.ts";
import type { EpmdClient } from "../epmd/index.ts";
import { NodeUnknownError } from "./errors.ts";

/**
 * Says where a node listens. Rejects when it cannot: with `NODE_UNKNOWN` if there is no such node.
 * The default asks the epmd of the node's host.
 */
export type AddressResolver = (node: string, signal: AbortSignal) => Promise<Endpoint> | Endpoint;

/** Asks the epmd on the host part of the name, at the port where every epmd is looked for. */
export function epmdResolver(epmd: EpmdClient): AddressResolver {
  return async (node, signal) => {
    const { name, host } = nameParts(node);
    const entry = await epmd.lookup(name, { host, signal });
    if (entry === undefined) throw new NodeUnknownError(node);
    return { host, port: entry.port };
  };
}

/** Every node listens at the same port, as with `-erl_epmd_port`; no epmd is asked. */
export function fixedPortResolver(port: number): AddressResolver {
  return (node) => ({ host: nameParts(node).host, port });
}

function nameParts(node: string): { name: string; host: string } {
  const parts = splitNodeName(node);
  if (parts === undefined) throw new NodeUnknownError(node);
  return parts;
}
