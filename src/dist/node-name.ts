/** An Erlang atom's limit, which a node name is held to. */
const MAX_NAME_CHARACTERS = 255;

/** The part before the `@`: anything else makes a BEAM answer `nok` (observed on OTP 23 to 29). */
const LEGAL_NAME_PART = /^[A-Za-z0-9_-]+$/;

/** `"name"` and `"host"` of a node name, `undefined` unless it is a text with exactly one `@` and something on both sides. */
export function splitNodeName(node: unknown): { readonly name: string; readonly host: string } | undefined {
  if (typeof node !== "string") return undefined;
  const at = node.indexOf("@");
  if (at <= 0 || at === node.length - 1 || node.includes("@", at + 1) || node.length > MAX_NAME_CHARACTERS) {
    return undefined;
  }
  return { name: node.slice(0, at), host: node.slice(at + 1) };
}

/** True when peers accept the part before the `@`: letters, digits, `_` and `-` of ASCII. */
export function isLegalNamePart(name: string): boolean {
  return LEGAL_NAME_PART.test(name);
}

/** True for a host part that may stand alone when a dynamic name is asked for. */
export function isLegalHostPart(host: string): boolean {
  return host.length > 0 && host.length <= MAX_NAME_CHARACTERS && !host.includes("@");
}
