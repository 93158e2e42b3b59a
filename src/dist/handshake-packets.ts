import type { Flags } from "./flags.ts";

/**
 * The packets of the handshake (erl_dist_protocol, "Distribution Handshake"), without their length prefix.
 * Reading gives `undefined` for bytes that are not such a packet; what follows a name is ignored, as a BEAM does.
 */

const NEW_NAME = 0x4e; // N
const OLD_NAME = 0x6e; // n
const STATUS = 0x73; // s
const COMPLEMENT = 0x63; // c
const REPLY = 0x72; // r
const ACK = 0x61; // a

const DIGEST_BYTES = 16;

/** The initiator's first packet. `old` is the form of OTP 23 and 24 without epmd: low flags only, no creation. */
export interface NamePacket {
  readonly old: boolean;
  readonly flags: Flags;
  /** 0 in the old form, and where a dynamic name is asked for. */
  readonly creation: number;
  readonly name: string;
}

/** The acceptor's challenge. */
export interface ChallengePacket {
  readonly flags: Flags;
  readonly challenge: number;
  readonly creation: number;
  readonly name: string;
}

/** What follows an old name: the high half of the flags, and the creation. */
export interface ComplementPacket {
  readonly highFlags: Flags;
  readonly creation: number;
}

/** The initiator's answer to the challenge with its own challenge. */
export interface ReplyPacket {
  readonly challenge: number;
  readonly digest: Uint8Array;
}

export function writeName(name: string, flags: Flags, creation: number): Uint8Array {
  const packet = Buffer.alloc(15 + name.length);
  packet[0] = NEW_NAME;
  packet.writeBigUInt64BE(flags, 1);
  packet.writeUInt32BE(creation, 9);
  packet.writeUInt16BE(name.length, 13);
  packet.write(name, 15, "latin1");
  return packet;
}

export function readName(packet: Uint8Array): NamePacket | undefined {
  const bytes = asBuffer(packet);
  if (bytes[0] === OLD_NAME && bytes.length >= 7) {
    const flags = BigInt(bytes.readUInt32BE(3));
    return { old: true, flags, creation: 0, name: bytes.toString("latin1", 7) };
  }
  if (bytes[0] !== NEW_NAME || bytes.length < 15) return undefined;
  const name = readCounted(bytes, 13);
  if (name === undefined) return undefined;
  return { old: false, flags: bytes.readBigUInt64BE(1), creation: bytes.readUInt32BE(9), name };
}

export function writeStatus(text: string): Uint8Array {
  return Buffer.from(`s${text}`, "latin1");
}

/** The grant of a dynamic name, a status of its own form. */
export function writeNamed(name: string, creation: number): Uint8Array {
  const packet = Buffer.alloc(13 + name.length);
  packet.write("snamed:", 0, "latin1");
  packet.writeUInt16BE(name.length, 7);
  packet.write(name, 9, "latin1");
  packet.writeUInt32BE(creation, 9 + name.length);
  return packet;
}

/** The text of a status packet, or the name and creation it grants. */
export function readStatus(packet: Uint8Array): string | { name: string; creation: number } | undefined {
  const bytes = asBuffer(packet);
  if (bytes[0] !== STATUS) return undefined;
  if (bytes.toString("latin1", 1, 7) !== "named:") return bytes.toString("latin1", 1);
  if (bytes.length < 9) return undefined;
  const name = readCounted(bytes, 7);
  if (name === undefined || bytes.length < 13 + name.length) return undefined;
  return { name, creation: bytes.readUInt32BE(9 + name.length) };
}

export function writeChallenge(packet: ChallengePacket): Uint8Array {
  const { flags, challenge, creation, name } = packet;
  const bytes = Buffer.alloc(19 + name.length);
  bytes[0] = NEW_NAME;
  bytes.writeBigUInt64BE(flags, 1);
  bytes.writeUInt32BE(challenge, 9);
  bytes.writeUInt32BE(creation, 13);
  bytes.writeUInt16BE(name.length, 17);
  bytes.write(name, 19, "latin1");
  return bytes;
}

export function readChallenge(packet: Uint8Array): ChallengePacket | undefined {
  const bytes = asBuffer(packet);
  if (bytes[0] !== NEW_NAME || bytes.length < 19) return undefined;
  const name = readCounted(bytes, 17);
  if (name === undefined) return undefined;
  return {
    flags: bytes.readBigUInt64BE(1),
    challenge: bytes.readUInt32BE(9),
    creation: bytes.readUInt32BE(13),
    name,
  };
}

export function readComplement(packet: Uint8Array): ComplementPacket | undefined {
  const bytes = asBuffer(packet);
  if (bytes[0] !== COMPLEMENT || bytes.length < 9) return undefined;
  return { highFlags: BigInt(bytes.readUInt32BE(1)) << 32n, creation: bytes.readUInt32BE(5) };
}

export function writeReply(challenge: number, digest: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(5 + DIGEST_BYTES);
  bytes[0] = REPLY;
  bytes.writeUInt32BE(challenge, 1);
  bytes.set(digest, 5);
  return bytes;
}

export function readReply(packet: Uint8Array): ReplyPacket | undefined {
  const bytes = asBuffer(packet);
  if (bytes[0] !== REPLY || bytes.length !== 5 + DIGEST_BYTES) return undefined;
  return { challenge: bytes.readUInt32BE(1), digest: bytes.subarray(5) };
}

export function writeAck(digest: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(1 + DIGEST_BYTES);
  bytes[0] = ACK;
  bytes.set(digest, 1);
  return bytes;
}

export function readAck(packet: Uint8Array): Uint8Array | undefined {
  return packet[0] === ACK && packet.length === 1 + DIGEST_BYTES ? packet.subarray(1) : undefined;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A Latin-1 text after its length of two bytes at `at`. */
function readCounted(bytes: Buffer, at: number): string | undefined {
  const end = at + 2 + bytes.readUInt16BE(at);
  return end <= bytes.length ? bytes.toString("latin1", at + 2, end) : undefined;
}
