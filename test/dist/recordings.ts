import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";

/** A packet between two real BEAMs, or the end of a side. Recorded by a relay on loopback; see the files' `about`. */
export interface RecordedPacket {
  readonly dir: "A->B" | "B->A";
  readonly event?: "close";
  /** Bytes of the length that preceded it: 2 during the handshake, 4 afterwards. */
  readonly length_prefix: 2 | 4;
  readonly bytes: Uint8Array;
  readonly note: string;
}

export interface Recording {
  readonly otp: number;
  readonly name: string;
  readonly initiator_otp: number;
  readonly acceptor_otp: number;
  readonly cookie: string;
  readonly packets: readonly RecordedPacket[];
}

interface StoredPacket extends Omit<RecordedPacket, "bytes"> {
  readonly hex?: string;
  readonly deflated?: string;
}

/** Every recorded connection between BEAMs of these releases. */
export function recordings(...releases: number[]): Recording[] {
  return releases.flatMap((otp) => recordingsIn(`handshake-otp${otp}.json`));
}

/** The connection between two BEAMs of OTP 23 of which one asked no epmd, up to the end of the handshake. */
export function oldNameRecording(): Recording {
  return recordingsIn("handshake-old-name.json")[0]!;
}

function recordingsIn(name: string): Recording[] {
  const { otp, captures } = JSON.parse(readFileSync(join(import.meta.dirname, "../vectors", name), "utf8"));
  return captures.map((capture: Omit<Recording, "packets"> & { packets: StoredPacket[] }) => ({
    ...capture,
    otp,
    packets: capture.packets.map(({ hex, deflated, ...packet }) => ({ ...packet, bytes: bytesOf(hex, deflated) })),
  }));
}

function bytesOf(hex: string | undefined, deflated: string | undefined): Uint8Array {
  if (deflated !== undefined) return new Uint8Array(inflateRawSync(Buffer.from(deflated, "base64")));
  return new Uint8Array(Buffer.from(hex ?? "", "hex"));
}

/** The handshake packets of one side. */
export function handshakeOf(recording: Recording, dir: RecordedPacket["dir"]): Uint8Array[] {
  return recording.packets
    .filter((packet) => packet.dir === dir && packet.event === undefined && packet.length_prefix === 2)
    .map((packet) => packet.bytes);
}

/** The bodies of the connected link of one side, ticks included. */
export function framesOf(recording: Recording, dir: RecordedPacket["dir"]): RecordedPacket[] {
  return recording.packets.filter((packet) => packet.dir === dir && packet.length_prefix === 4);
}
