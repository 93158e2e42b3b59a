import { utf8Bytes } from "../term/index.ts";
import { Tag } from "./tags.ts";

/** An atom as every current BEAM writes it: tag, length, UTF-8 text. */
export function atomBytes(text: string): Uint8Array {
  const utf8 = utf8Bytes(text);
  const { length } = utf8;
  const head = length <= 255 ? [Tag.SmallAtomUtf8, length] : [Tag.AtomUtf8, length >> 8, length & 0xff];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  bytes.set(utf8, head.length);
  return bytes;
}

/** Bytes as big-endian words, the last one filled up with zeros: a few are written and compared faster so. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  for (let i = 0; i < bytes.length; i++) words[i >> 2]! |= bytes[i]! << (24 - 8 * (i & 3));
  return words;
}
