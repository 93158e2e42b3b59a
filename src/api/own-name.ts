import { hostname } from "node:os";
import { ArgumentError } from "../base/index.ts";
import { isLegalHostPart, isLegalNamePart, splitNodeName } from "../dist/index.ts";

/** A name that another node is asked for, as with `-sname undefined`. */
export interface DynamicName {
  /** The node that is asked. The name is good as long as the connection to it lives; then this node stops. */
  readonly from: string;
  /** The host part of the name. Default: that of `from` when it is a loopback one, else this machine's name. */
  readonly host?: string | undefined;
}

/** The parts of a node's own name. Throws ArgumentError when it cannot be one. */
export function ownName(node: string): { readonly name: string; readonly host: string } {
  const parts = splitNodeName(node);
  if (parts === undefined) throw new ArgumentError("name", `${node} is no node name: it has to be name@host`);
  if (!isLegalNamePart(parts.name)) {
    throw new ArgumentError("name", `${parts.name}: only letters, digits, _ and - may stand before the @`);
  }
  return parts;
}

/** The host part for a name that is asked for. Throws ArgumentError for what cannot be one. */
export function dynamicHost({ from, host }: DynamicName): string {
  const asked = splitNodeName(from);
  if (asked === undefined) throw new ArgumentError("name", `${from} is no node name: it has to be name@host`);
  const own = host ?? (loopbackOf(asked.host) === undefined ? hostname() : asked.host);
  if (!isLegalHostPart(own)) throw new ArgumentError("name", `${own} cannot be the host part of a node name`);
  return own;
}

/** The loopback address that a host part stands for, if it does. */
export function loopbackOf(host: string): string | undefined {
  if (host.startsWith("127.")) return host;
  return LOOPBACK_NAMES.get(host);
}

const LOOPBACK_NAMES = new Map([
  ["localhost", "127.0.0.1"],
  ["::1", "::1"],
]);
