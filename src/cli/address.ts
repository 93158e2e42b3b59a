import { isLegalNamePart, splitNodeName } from "../dist/index.ts";
import { atomText, parse } from "../term/index.ts";
import { UsageError } from "./errors.ts";

/** A registered process on a node. */
export interface ProcessAddress {
  readonly name: string;
  readonly node: string;
}

const ADDRESS_HINT = "an address is PROCESS@NODE, such as Shop.Prices@shop@127.0.0.1 or cart@web@127.0.0.1";

/**
 * Reads `PROCESS@NODE`, which is split at the first `@`: `cart@web@127.0.0.1`.
 * @throws UsageError
 */
export function parseAddress(text: string): ProcessAddress {
  const at = text.indexOf("@");
  if (at < 0) throw new UsageError(`${text} names no node`, ADDRESS_HINT);
  const node = text.slice(at + 1);
  if (splitNodeName(node) === undefined) throw new UsageError(`${node} in ${text} is no node name`, ADDRESS_HINT);
  return { name: parseProcessName(text.slice(0, at)), node };
}

/**
 * The registered name that is meant: `Shop.Prices` is the Elixir module, `cart` the atom as it stands, and what starts with
 * a colon is an atom in Elixir's syntax, `:Cart` or `:"my cart"`.
 * @throws UsageError
 */
export function parseProcessName(text: string): string {
  if (text === "") throw new UsageError("the name of a process is missing", ADDRESS_HINT);
  if (text.startsWith(":")) return atomName(text);
  return /^[A-Z]/.test(text) && !text.startsWith("Elixir.") ? `Elixir.${text}` : text;
}

/**
 * Checks a node's name.
 * @throws UsageError
 */
export function parseNodeName(text: string): string {
  const parts = splitNodeName(text);
  if (parts === undefined) throw new UsageError(`${text} is no node name`, "a node name is NAME@HOST: shop@127.0.0.1");
  if (!isLegalNamePart(parts.name)) {
    throw new UsageError(`${text} is no node name`, "only letters, digits, _ and - may stand before the @");
  }
  return text;
}

function atomName(text: string): string {
  try {
    const name = atomText(parse(text, { syntax: "elixir" }));
    if (name !== undefined) return name;
  } catch {
    // Said below.
  }
  throw new UsageError(`${text} is no atom`, 'write :name or :"any name"');
}
