import { splitNodeName } from "../dist/index.ts";
import { NameKindError } from "./errors.ts";

/** What a host part makes of a node's name. IPv6 addresses can stand in both kinds. */
function kindOf(node: string): "short" | "long" | "either" {
  const host = splitNodeName(node)?.host ?? node;
  if (host.includes(":")) return "either";
  return host.includes(".") ? "long" : "short";
}

/**
 * Nodes with short names (`shop@box`) and nodes with long ones (`shop@box.example.com`, `shop@10.0.0.7`) do not connect, as
 * among BEAM nodes, where the one that dials refuses. erl(1), `-sname`.
 *
 * @throws NameKindError `NODE_NAME_KIND`.
 */
export function checkNameKinds(self: string, peer: string): void {
  const [own, other] = [kindOf(self), kindOf(peer)];
  if (own !== other && own !== "either" && other !== "either") throw new NameKindError(self, peer, own);
}
