import type { CallStart } from "../runtime/index.ts";
import { atomText, inspect, isTuple } from "../term/index.ts";

/**
 * What is said of a call in names and attributes: who is called, and which operation. Never its arguments: they are data. A
 * pid is only said to be one, as there are too many of them.
 */
export function describeCall({ kind, target, request }: CallStart): {
  name: string;
  target: string;
  operation: string;
} {
  const called = targetName(target);
  const operation =
    kind === "erpc" ? functionName(request) : (atomText(isTuple(request) ? request[0] : request) ?? "other");
  return { name: kind === "erpc" ? `erpc ${operation}` : `call ${called} ${operation}`, target: called, operation };
}

/** `cart`, `cart on shop@host`, the name of a node, or that it is a pid. */
function targetName(target: CallStart["target"]): string {
  const name = atomText(target) ?? (typeof target === "string" ? target : undefined);
  if (name !== undefined) return name;
  if (typeof target !== "object" || target === null || !("name" in target)) return "pid";
  const { name: called, node } = target as { name: unknown; node?: string };
  const text = atomText(called) ?? (typeof called === "string" ? called : "via");
  return node === undefined ? text : `${text} on ${node}`;
}

/** `Shop.Stock.count/1` of `{Module, Function, Arity}`. */
function functionName(request: unknown): string {
  if (!isTuple(request)) return "other";
  const [module, name, arity] = request;
  return `${inspect(module)}.${atomText(name)}/${arity}`;
}
