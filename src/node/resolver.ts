import type { Clock, Endpoint } from "../base/index.ts";
import { HandshakeError, splitNodeName } from "../dist/index.ts";
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

/**
 * A resolver that may be anybody's: it has `timeoutMs` to answer, since what waits for a connection may wait without a limit of
 * its own. Its signal is aborted then.
 */
export function resolverInTime(resolve: AddressResolver, clock: Clock, timeoutMs: number): AddressResolver {
  return (node, signal) => {
    const late = new AbortController();
    const found = resolve(node, AbortSignal.any([signal, late.signal]));
    if (!(found instanceof Promise)) return found;
    return new Promise((settle, reject) => {
      const giveUp = (reason: unknown) => {
        timer.cancel();
        reject(reason);
      };
      const timer = clock.setTimer(timeoutMs, () => {
        const problem = `its address was not found within ${timeoutMs} ms`;
        const error = new HandshakeError("HANDSHAKE_TIMEOUT", problem, { peer: node, step: "connect" });
        reject(error);
        late.abort(error);
      });
      signal.addEventListener("abort", () => giveUp(signal.reason), { once: true });
      found.then((endpoint) => {
        timer.cancel();
        settle(endpoint);
      }, giveUp);
    });
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
