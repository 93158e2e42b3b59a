import { utf8Text } from "../term/index.ts";

/**
 * Text to and from bytes. `Buffer`'s methods are used where the host has them (Node.js, Bun, Deno with a global): they
 * take a range of bytes without a view of it, and are several times faster on short ranges than TextDecoder.
 */
interface NativeText {
  latin1Slice(start: number, end: number): string;
  ucs2Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number, length: number): number;
}

const host = globalThis as {
  Buffer?: { readonly prototype: Partial<NativeText>; byteLength(text: string): number };
};
const methods = host.Buffer?.prototype;

/** Code units of a text that is being read, and their bytes. */
const units = new Uint16Array(4096);
const unitBytes = new Uint8Array(units.buffer);
units[0] = 1;

// `ucs2Slice` takes the low byte of a unit first, whatever the host does.
const native =
  methods?.latin1Slice && methods.ucs2Slice && methods.utf8Write && unitBytes[0] === 1
    ? (methods as NativeText)
    : undefined;
const encoder = new TextEncoder();

/** Texts of up to this length are read by what is compiled for theirs if they are ASCII; of longer ones the start is looked at. */
const MAX_COMPILED = 64;

/** The text of a range of bytes, a byte order mark included; `undefined` when they are not UTF-8. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start;
  if (length === 0) return "";
  if (length <= MAX_COMPILED) {
    asciiReaders[length] ??= asciiReader(length);
    const text = asciiReaders[length]!(bytes, start);
    if (text !== false) return text;
  }
  // The host is much faster with ASCII, and slower with all else.
  const isLongAscii = length > MAX_COMPILED && isAscii(bytes, start, start + MAX_COMPILED);
  if (native === undefined || isLongAscii) return utf8Text(bytes.subarray(start, end));
  return readCharacters(native, bytes, start, end);
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! >= 0x80) return false;
  return true;
}

/** A text in UTF-8 as the BEAM has it, without overlong forms, surrogates and what is above U+10FFFF; else `undefined`. */
function readCharacters(native: NativeText, bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = "";
  let at = start;
  while (at < end) {
    let count = 0;
    while (at < end && count < units.length - 1) {
      let code = bytes[at++]!;
      if (code >= 0x80) {
        if (code < 0xc0) return undefined;
        let more = code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3;
        const least = more === 1 ? 0x80 : more === 2 ? 0x800 : 0x10000;
        code &= 0x7f >> more; // what follows 0xf7 keeps one bit too many, and is above all characters
        do {
          const bits = bytes[at++]! ^ 0x80;
          if (bits > 0x3f) return undefined;
          code = (code << 6) | bits;
        } while (--more > 0);
        if (code < least || code > 0x10ffff || (code & ~0x7ff) === 0xd800) return undefined;
        if (code > 0xffff) {
          units[count++] = 0xd7c0 + (code >> 10);
          code = 0xdc00 | (code & 0x3ff);
        }
      }
      units[count++] = code;
    }
    text += native.ucs2Slice.call(unitBytes, 0, 2 * count);
  }
  // The last character may reach beyond the end.
  return at === end ? text : undefined;
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
 * read all texts in the general way.
 */
function asciiReader(length: number): AsciiReader {
  const codes = Array.from({ length }, (_, i) => `c${i}`);
  const reads = codes.map((code, i) => `${code}=b[i+${i}]`);
  try {
    const make = new Function("f", `return(b,i)=>{var ${reads};return(${codes.join("|")})<128&&f(${codes})}`);
    return make(String.fromCharCode) as AsciiReader;
  } catch {
    return () => false;
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
