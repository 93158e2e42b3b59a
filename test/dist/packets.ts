import { abilitiesOf } from "../../src/dist/abilities.ts";
import type { Flags, Signal } from "../../src/dist/index.ts";
import { type Admission, PacketReader } from "../../src/dist/packet-reader.ts";
import type { PacketWriter } from "../../src/dist/packet-writer.ts";
import { Decoder, Writer } from "../../src/etf/index.ts";
import { inspect, Pid, Ref, type Term } from "../../src/term/index.ts";

const LIMITS = { maxMessageBytes: 1 << 24, maxPendingBytes: 1 << 25, maxSequences: 100 };

/** Reads what that peer says on a connection with these flags in common. */
export function readerFor(peer: string, flags: Flags, admission?: Admission): PacketReader {
  const decoder = new Decoder({ floats: "exact" });
  return new PacketReader({ peer, abilities: abilitiesOf(flags), decoder, limits: LIMITS, admission });
}

/** The frames that a signal leaves in. */
export function framesFor(packets: PacketWriter, signal: Signal): Uint8Array[] {
  const writer = new Writer();
  const rest = packets.write(writer, signal);
  const frames = writer.size === 0 ? [] : [writer.take()];
  if (typeof rest === "object") while (rest.bytesLeft > 0) frames.push(Buffer.concat(rest.next()));
  return frames;
}

/** A signal as text, without what differs from run to run: `send :hello`. */
export function told({ op, ...members }: Signal): string {
  const values = Object.values(members).filter((value) => !(value instanceof Pid || value instanceof Ref));
  return [op, ...values.map((value) => inspect(value as Term))].join(" ");
}
