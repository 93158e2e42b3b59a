import { describe, expect, test } from "vitest";
import { abilitiesOf } from "../../src/dist/abilities.ts";
import { readChallenge, readName, readStatus } from "../../src/dist/handshake-packets.ts";
import { expandDigest, Flag, type Flags, type Signal } from "../../src/dist/index.ts";
import { PacketWriter } from "../../src/dist/packet-writer.ts";
import { Encoder } from "../../src/etf/index.ts";
import { Pid, Ref } from "../../src/term/index.ts";
import { sameSignal } from "./links.ts";
import { framesFor, readerFor } from "./packets.ts";
import { framesOf, handshakeOf, type Recording, recordings } from "./recordings.ts";

/** Longer notes are cut in the trimmed files. */
const NOTE_CUT = 360;

/** Which signal each control message of a recording is, by the name its note gives. */
const OPS: Record<string, Signal["op"]> = {
  LINK: "link",
  SEND: "send",
  SEND_SENDER: "send",
  SEND_SENDER_TT: "send",
  REG_SEND: "sendName",
  REG_SEND_TT: "sendName",
  GROUP_LEADER: "groupLeader",
  UNLINK: "unlink",
  UNLINK_ID: "unlink",
  UNLINK_ID_ACK: "unlinkAck",
  PAYLOAD_EXIT: "linkExit",
  PAYLOAD_EXIT_TT: "linkExit",
  PAYLOAD_EXIT2: "exit",
  PAYLOAD_EXIT2_TT: "exit",
  MONITOR_P: "monitor",
  DEMONITOR_P: "demonitor",
  PAYLOAD_MONITOR_P_EXIT: "down",
  SPAWN_REQUEST: "spawnRequest",
  SPAWN_REQUEST_TT: "spawnRequest",
  SPAWN_REPLY: "spawnReply",
  SPAWN_REPLY_TT: "spawnReply",
  ALIAS_SEND: "sendAlias",
  ALIAS_SEND_TT: "sendAlias",
};

interface Link {
  readonly flags: Flags;
  readonly names: Record<"A->B" | "B->A", string>;
}

function linkOf(recording: Recording): Link | undefined {
  const name = readName(handshakeOf(recording, "A->B")[0]!)!;
  const acceptor = handshakeOf(recording, "B->A");
  const challenge = acceptor.slice(1).map(readChallenge)[0];
  if (challenge === undefined) return undefined;
  const status = readStatus(acceptor[0]!);
  const initiator = typeof status === "object" ? status.name : name.name;
  return { flags: expandDigest(challenge.flags) & name.flags, names: { "A->B": initiator, "B->A": challenge.name } };
}

const connected = recordings(23, 25, 27, 29).filter((recording) => framesOf(recording, "A->B").length > 0);

function expectedOp(note: string): Signal["op"] | undefined {
  const found = /\b([A-Z][A-Z0-9_]+) \{(\d+),(?:(\d+),)?/.exec(note);
  if (found === null) return undefined;
  if (found[2] === "37") return Number(found[3]) & 16 ? "exitAlias" : "sendAlias";
  return OPS[found[1]!];
}

/** A pid or reference as the notes print it. */
function printed(value: Pid | Ref): string {
  if (value instanceof Pid) return `Pid<${value.node},id=${value.id},serial=${value.serial},cr=${value.creation}>`;
  return `Ref<${value.node},cr=${value.creation},words=${value.words.join(".")}>`;
}

describe.each(connected.map((recording) => [`${recording.name} of OTP ${recording.otp}`, recording] as const))(
  "the recording %s",
  (_, recording) => {
    const link = linkOf(recording)!;

    test.each(["A->B", "B->A"] as const)("every packet %s is the signal that its note says", (dir) => {
      const reader = readerFor(link.names[dir], link.flags);
      let signals = 0;

      for (const { bytes, note } of framesOf(recording, dir)) {
        if (bytes.length === 0) continue;
        const signal = reader.read(bytes);
        if (signal === undefined) {
          expect(note).toMatch(/fragment|continuation/);
          continue;
        }
        signals++;
        expect({ op: signal.op, note }).toEqual({ op: expectedOp(note) ?? signal.op, note });
        if (note.length >= NOTE_CUT) continue;
        for (const value of Object.values(signal)) {
          if (value instanceof Pid || value instanceof Ref) expect(note.replaceAll("'", "")).toContain(printed(value));
        }
      }

      expect(signals).toBeGreaterThan(0);
    });

    test.each(["A->B", "B->A"] as const)("of the packets %s only those that are too long are refused", (dir) => {
      const all = readerFor(link.names[dir], link.flags);
      const refused: string[] = [];
      const some = readerFor(link.names[dir], link.flags, {
        maxPayloadBytes: 65_536,
        admit: () => true,
        tooLong: ({ op }) => void refused.push(op),
      });
      const tooLong: string[] = [];

      for (const { bytes } of framesOf(recording, dir)) {
        if (bytes.length === 0) continue;
        const [signal, taken] = [all.read(bytes), some.read(bytes)];
        if (signal !== undefined && all.bytes > 66_000) tooLong.push(signal.op);
        else expect(taken === signal || sameSignal(taken!, signal!)).toBe(true);
      }

      expect(refused.sort()).toEqual(tooLong.sort());
      if (recording.name === "same-release-full") expect(refused).not.toEqual([]);
    });

    test.each(["A->B", "B->A"] as const)("what we write for the signals %s reads as the same signals", (dir) => {
      for (const without of [0n, Flag.DistHdrAtomCache, Flag.DistHdrAtomCache | Flag.Fragments]) {
        const flags = link.flags & ~without;
        const reader = readerFor(link.names[dir], link.flags);
        const again = readerFor(link.names[dir], flags);
        const abilities = abilitiesOf(flags);
        const packets = new PacketWriter(abilities, new Encoder({ peer: abilities }));

        for (const { bytes } of framesOf(recording, dir)) {
          const signal = bytes.length === 0 ? undefined : reader.read(bytes);
          if (signal === undefined) continue;
          const frames = framesFor(packets, signal);
          const results = frames.map((frame) => {
            expect(Buffer.from(frame).readUInt32BE(0)).toBe(frame.length - 4);
            return again.read(frame.subarray(4));
          });
          expect(results.slice(0, -1)).toEqual(Array(results.length - 1).fill(undefined));
          expect(sameSignal(results.at(-1)!, signal)).toBe(true);
        }
      }
    });
  },
);
