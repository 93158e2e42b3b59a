/**
 * What requests and replies of the port mapper have in common.
 * Source: erl_dist_protocol, "EPMD Protocol", and recordings of the stock daemon (OTP 25).
 */

import { ArgumentError } from "../base/index.ts";

/** First byte of a request's body. */
export const RequestCode = {
  Dump: 100,
  Kill: 107,
  Names: 110,
  Stop: 115,
  Alive2: 120,
  Port2: 122,
} as const;

/** First byte of a reply, for the replies that have one. */
export const ReplyCode = {
  Alive2X: 118,
  Port2: 119,
  Alive2: 121,
} as const;

/** Kinds of node that register. BEAM nodes register as visible even when they are hidden. */
export const NodeType = { Hidden: 72, Visible: 77 } as const;

/** The carrier a node listens on. TCP is also what IPv6 and TLS nodes register. */
export const Protocol = { Tcp: 0 } as const;

/** Versions of the distribution protocol: 5 up to OTP 22, 6 with 32-bit creations from OTP 23. */
export const DistVersion = { Old: 5, Current: 6 } as const;

/** What a node tells an epmd about itself, and an epmd others. */
export interface NodeEntry {
  /** The part before `@`. */
  readonly name: string;
  /** Where the node listens for other nodes. */
  readonly port: number;
  /** One of {@link NodeType}. */
  readonly nodeType: number;
  /** One of {@link Protocol}. */
  readonly protocol: number;
  /** Highest version of the distribution protocol that the node speaks. */
  readonly highest: number;
  /** Lowest version of the distribution protocol that the node speaks. */
  readonly lowest: number;
  /** Bytes nobody interprets; an epmd hands them on as they came. */
  readonly extra: Uint8Array;
}

/** Characters a name may have, and bytes that its UTF-8 and the extra bytes may take. */
export const MAX_NAME_CHARACTERS = 255;
export const MAX_NAME_BYTES = 1_020;
export const MAX_EXTRA_BYTES = 1_020;

/** Bytes that a request's body may have; the stock daemon reads it into 3,060 with the length before it. */
export const MAX_REQUEST_BYTES = 3_057;

/** The port that every epmd has unless it is told otherwise. */
export const DEFAULT_EPMD_PORT = 4_369;

const utf8 = new TextEncoder();

export function encodeText(text: string): Uint8Array {
  return utf8.encode(text);
}

/** The text of a name's bytes, or undefined when they cannot be a name: not UTF-8, too long, empty, or with a NUL. */
export function nameOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > MAX_NAME_BYTES || bytes.includes(0)) return undefined;
  try {
    const name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return characters(name) <= MAX_NAME_CHARACTERS ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Refuses a text that cannot be the part of a node's name before `@`. */
export function checkName(text: string): void {
  if (!text.isWellFormed() || text.includes("@") || nameOf(utf8.encode(text)) === undefined) {
    throw new ArgumentError("name", `"${text}" is not the part of a node's name before "@": 1 to 255 characters`);
  }
}

function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** A view of a message's bytes, for its big-endian fields. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Bytes of an entry from its port to its last: the same in a registration and in the answer to a look-up. */
export function entryBytes(name: Uint8Array, entry: Omit<NodeEntry, "name">): Uint8Array {
  const bytes = new Uint8Array(ENTRY_FIXED_BYTES + name.length + entry.extra.length);
  const view = viewOf(bytes);
  view.setUint16(0, entry.port);
  bytes[2] = entry.nodeType;
  bytes[3] = entry.protocol;
  view.setUint16(4, entry.highest);
  view.setUint16(6, entry.lowest);
  view.setUint16(8, name.length);
  bytes.set(name, 10);
  view.setUint16(10 + name.length, entry.extra.length);
  bytes.set(entry.extra, 12 + name.length);
  return bytes;
}

/** What {@link readEntry} finds: the fields as they came, with the name not yet judged. */
export interface RawEntry extends Omit<NodeEntry, "name"> {
  readonly name: Uint8Array;
}

/** Port:2, NodeType:1, Protocol:1, Highest:2, Lowest:2, Nlen:2 and Elen:2. */
const ENTRY_FIXED_BYTES = 12;

/** Reads an entry; undefined when the bytes end before it does. What is kept is copied, what follows is left alone. */
export function readEntry(bytes: Uint8Array): RawEntry | undefined {
  if (bytes.length < ENTRY_FIXED_BYTES) return undefined;
  const view = viewOf(bytes);
  const extraAt = ENTRY_FIXED_BYTES + view.getUint16(8);
  if (bytes.length < extraAt) return undefined;
  const end = extraAt + view.getUint16(extraAt - 2);
  if (bytes.length < end) return undefined;
  return {
    port: view.getUint16(0),
    nodeType: bytes[2]!,
    protocol: bytes[3]!,
    highest: view.getUint16(4),
    lowest: view.getUint16(6),
    name: bytes.slice(10, extraAt - 2),
    extra: bytes.slice(extraAt, end),
  };
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
