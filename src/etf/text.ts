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
  if (length === 0) return "";
  asciiReaders[length] ??= asciiReader(length);
  const text = asciiReaders[length]!(bytes, start);
  if (text !== false) return text;
  if (!isUtf8(bytes, start, end)) return undefined;
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

/** Reads a text of one length, if all of it is ASCII. */
type AsciiReader = (bytes: Uint8Array, start: number) => string | false;

/** By length, made when the first text of that length is read. */
const asciiReaders: AsciiReader[] = [];

/**
 * One call with an argument for each character takes half the time of a call out of JavaScript for 30 characters, a
 * fifth for 4, and gives one flat text. Each byte is read once, to be checked and to be used. Hosts that do not compile
 * get the same with an array between.
 */
function asciiReader(length: number): AsciiReader {
  const codes = Array.from({ length }, (_, i) => `c${i}`);
  const reads = codes.map((code, i) => `${code}=b[i+${i}]`);
  try {
    const make = new Function("f", `return(b,i)=>{var ${reads};return(${codes.join("|")})<128&&f(${codes})}`);
    return make(String.fromCharCode) as AsciiReader;
  } catch {
    return (bytes, start) => {
      const range = bytes.subarray(start, start + length);
      return range.every((byte) => byte < 0x80) && String.fromCharCode(...range);
    };
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
