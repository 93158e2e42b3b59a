const encoder = new TextEncoder();
/** Keeps a leading byte order mark, which is data, and throws for anything that is not UTF-8. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The UTF-8 bytes of a text. A lone surrogate has none: check with `isWellFormed` where it matters. */
export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text whose UTF-8 form the bytes are, a leading byte order mark included; `undefined` when they are none. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
