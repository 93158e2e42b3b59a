import { utf8Text } from "../term/index.ts";

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
  Buffer?: { readonly prototype: Partial<NativeText>; byteLength(text: string): number };
};
const methods = host.Buffer?.prototype;
const native = methods?.latin1Slice && methods.utf8Slice && methods.utf8Write ? (methods as NativeText) : undefined;
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
  for (let at = start; at < until; at++) {
    const lead = bytes[at]!;
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const last = at + (lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3);
    if (last >= end) return false;
    if (lead >= 0xe0) {
      const second = bytes[at + 1]!;
      if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return false;
      if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return false;
    }
    do {
      if ((bytes[++at]! & 0xc0) !== 0x80) return false;
    } while (at < last);
  }
  return true;
}

/** Up to this length the bytes are checked here, and from there on by the host, which is slow to start. */
const MAX_CHECKED = 64;

/** The text of a range of bytes, a byte order mark included; `undefined` when they are not UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start;
  if (length > MAX_CHECKED) {
    // The host tells of wrong bytes by an exception, so those that are wrong from the start are not shown to it.
    return isUtf8(bytes, start, end, start + MAX_CHECKED) ? utf8Text(bytes.subarray(start, end)) : undefined;
  }
  if (length <= MAX_SHORT) {
    const text = length === 0 ? "" : shortAscii(bytes, start, length);
    if (text !== false) return text;
  }
  const ascii = asciiEnd(bytes, start, end);
  if (ascii === end) return readLatin1(bytes, start, end);
  if (!isUtf8(bytes, ascii, end)) return undefined;
  return native === undefined ? utf8Text(bytes.subarray(start, end)) : native.utf8Slice.call(bytes, start, end);
}

/** Each byte one character. */
export function readLatin1(bytes: Uint8Array, start: number, end: number): string {
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
const chars = String.fromCharCode;

/**
 * The text of one to twenty ASCII characters; `false` when one is not ASCII. Two to three times as fast as a call
 * out of JavaScript, and unlike joining, one flat text. Each byte is read once, to be checked and to be used.
 */
// biome-ignore format: a table
function shortAscii(b: Uint8Array, i: number, length: number): string | false {
  const c0 = b[i]!; if (length === 1) return c0 < 128 && chars(c0);
  let seen = c0;
  const c1 = b[i + 1]!; seen |= c1; if (length === 2) return seen < 128 && chars(c0, c1);
  const c2 = b[i + 2]!; seen |= c2; if (length === 3) return seen < 128 && chars(c0, c1, c2);
  const c3 = b[i + 3]!; seen |= c3; if (length === 4) return seen < 128 && chars(c0, c1, c2, c3);
  const c4 = b[i + 4]!; seen |= c4; if (length === 5) return seen < 128 && chars(c0, c1, c2, c3, c4);
  const c5 = b[i + 5]!; seen |= c5; if (length === 6) return seen < 128 && chars(c0, c1, c2, c3, c4, c5);
  const c6 = b[i + 6]!; seen |= c6; if (length === 7) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6);
  const c7 = b[i + 7]!; seen |= c7; if (length === 8) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7);
  const c8 = b[i + 8]!; seen |= c8; if (length === 9) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8);
  const c9 = b[i + 9]!; seen |= c9; if (length === 10) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9);
  const c10 = b[i + 10]!; seen |= c10; if (length === 11) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
  const c11 = b[i + 11]!; seen |= c11; if (length === 12) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11);
  const c12 = b[i + 12]!; seen |= c12; if (length === 13) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
  const c13 = b[i + 13]!; seen |= c13; if (length === 14) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13);
  const c14 = b[i + 14]!; seen |= c14; if (length === 15) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14);
  const c15 = b[i + 15]!; seen |= c15; if (length === 16) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
  const c16 = b[i + 16]!; seen |= c16; if (length === 17) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16);
  const c17 = b[i + 17]!; seen |= c17; if (length === 18) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17);
  const c18 = b[i + 18]!; seen |= c18; if (length === 19) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18);
  const c19 = b[i + 19]!; seen |= c19; if (length === 20) return seen < 128 && chars(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19);
  return false;
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
