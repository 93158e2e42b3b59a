import { ImproperList, isList, utf8Bytes, utf8Text } from "../term/index.ts";

/**
 * The text of chardata: binaries, and lists of characters, binaries and such lists. `undefined` for anything else.
 * As `latin1`, each byte of a binary is a character of its own, and no character is above 255.
 */
export function chardataText(data: unknown, encoding: "unicode" | "latin1" = "unicode"): string | undefined {
  let text = "";
  // A stack of its own: data come from peers, however deep.
  const stack: unknown[] = [data];
  while (stack.length > 0) {
    const part = stack.pop();
    if (isList(part)) {
      for (let i = part.length - 1; i >= 0; i--) stack.push(part[i]);
    } else if (part instanceof ImproperList) {
      stack.push(part.tail, part.items);
    } else {
      const piece = typeof part === "number" ? character(part, encoding) : binaryText(part, encoding);
      if (piece === undefined) return undefined;
      text += piece;
    }
  }
  return text;
}

function character(code: number, encoding: "unicode" | "latin1"): string | undefined {
  const isCharacter = Number.isInteger(code) && code >= 0 && code <= (encoding === "latin1" ? 0xff : 0x10ffff);
  return isCharacter && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : undefined;
}

function binaryText(part: unknown, encoding: "unicode" | "latin1"): string | undefined {
  if (encoding === "unicode") {
    if (typeof part === "string") return part;
    return part instanceof Uint8Array ? utf8Text(part) : undefined;
  }
  const bytes = typeof part === "string" ? utf8Bytes(part) : part;
  return bytes instanceof Uint8Array ? Array.from(bytes, (byte) => String.fromCharCode(byte)).join("") : undefined;
}
