/**
 * Text to and from bytes. `Buffer`'s methods are used where the host has them (Node.js, Bun, Deno with a global): they
 * take a range of bytes without a view of it, and are several times faster on short ranges than TextDecoder.
 */
interface NativeText {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number, length: number): number;
}

const host = globalThis as {
  Buffer?: { readonly prototype: NativeText; byteLength(text: string): number };
};

function nativeText(): NativeText | undefined {
  const methods = host.Buffer?.prototype;
  const complete =
    typeof methods?.latin1Slice === "function" &&
    typeof methods.utf8Slice === "function" &&
    typeof methods.utf8Write === "function";
  return complete ? methods : undefined;
}

const native = nativeText();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The end of the run of bytes below 128 that starts at `start`. */
function asciiEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at]! < 0x80) at++;
  return at;
}

/**
 * True when the bytes are UTF-8 as the BEAM has it: no overlong form, no surrogate, nothing above U+10FFFF. Only the
 * characters that start before `until` are looked at.
 */
function isUtf8(bytes: Uint8Array, start: number, end: number, until = end): boolean {
  let at = start;
  while (at < until) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at++;
    } else if (lead < 0xe0) {
      if (lead < 0xc2 || !continues(bytes, at, 1, end)) return false;
      at += 2;
    } else if (lead < 0xf0) {
      if (!continues(bytes, at, 2, end)) return false;
      const second = bytes[at + 1]!;
      if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return false;
      at += 3;
    } else {
      if (lead > 0xf4 || !continues(bytes, at, 3, end)) return false;
      const second = bytes[at + 1]!;
      if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return false;
      at += 4;
    }
  }
  return true;
}

/** True when `count` continuation bytes follow the one at `at`. */
function continues(bytes: Uint8Array, at: number, count: number, end: number): boolean {
  if (at + count >= end) return false;
  for (let i = at + 1; i <= at + count; i++) if ((bytes[i]! & 0xc0) !== 0x80) return false;
  return true;
}

/** Up to this length the bytes are checked here, and from there on by the host, which is slow to start. */
const MAX_CHECKED = 64;

/** The text of a range of bytes, a byte order mark included; `undefined` when they are not UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > MAX_CHECKED) return readLongUtf8(bytes, start, end);
  const ascii = asciiEnd(bytes, start, end);
  if (ascii === end) return readLatin1(bytes, start, end);
  if (!isUtf8(bytes, ascii, end)) return undefined;
  return native === undefined ? decoder.decode(bytes.subarray(start, end)) : native.utf8Slice.call(bytes, start, end);
}

/** The host tells of wrong bytes by an exception, so those that are wrong from the start are not shown to it. */
function readLongUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (!isUtf8(bytes, start, end, start + MAX_CHECKED)) return undefined;
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** Each byte one character. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= MAX_SHORT) return shortLatin1(bytes, start, end - start);
  if (native !== undefined) return native.latin1Slice.call(bytes, start, end);
  let text = "";
  // Pieces, because the arguments of a call are on the stack.
  for (let at = start; at < end; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 4096, end)));
  }
  return text;
}

/** Characters that are made into a text by one call with an argument for each. */
const MAX_SHORT = 20;
const chars = String.fromCharCode as (...codes: (number | undefined)[]) => string;

/** Up to twenty characters: two to three times as fast as a call out of JavaScript, and unlike joining, one flat text. */
function shortLatin1(b: Uint8Array, i: number, length: number): string {
  // biome-ignore format: a table
  switch (length) {
    case 0: return "";
    case 1: return chars(b[i]);
    case 2: return chars(b[i], b[i + 1]);
    case 3: return chars(b[i], b[i + 1], b[i + 2]);
    case 4: return chars(b[i], b[i + 1], b[i + 2], b[i + 3]);
    case 5: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4]);
    case 6: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5]);
    case 7: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6]);
    case 8: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7]);
    case 9: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8]);
    case 10: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9]);
    case 11: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10]);
    case 12: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11]);
    case 13: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12]);
    case 14: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13]);
    case 15: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14]);
    case 16: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15]);
    case 17: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15], b[i + 16]);
    case 18: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15], b[i + 16], b[i + 17]);
    case 19: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15], b[i + 16], b[i + 17], b[i + 18]);
    default: return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15], b[i + 16], b[i + 17], b[i + 18], b[i + 19]);
  }
}

/** How many bytes to have at hand before {@link writeUtf8}: exact for long texts where that can be known cheaply. */
export function utf8Room(text: string): number {
  const most = text.length * 3;
  return most > 4096 && host.Buffer !== undefined ? host.Buffer.byteLength(text) : most;
}

/** Writes a well-formed text at `offset`, where {@link utf8Room} bytes are at hand, and gives the bytes written. */
export function writeUtf8(bytes: Uint8Array, offset: number, text: string): number {
  if (native !== undefined) return native.utf8Write.call(bytes, text, offset, bytes.length - offset);
  return encoder.encodeInto(text, bytes.subarray(offset)).written;
}
