import { describe, expect, test } from "vitest";
import { digestOf } from "../../src/dist/digest.ts";
import { type ChallengePacket, readChallenge, writeReply } from "../../src/dist/handshake-packets.ts";
import {
  type AcceptorOptions,
  expandDigest,
  Flag,
  type Flags,
  HandshakeAcceptor,
  MANDATORY_25,
  ourFlags,
} from "../../src/dist/index.ts";
import { SeededRandom } from "../../src/testing/index.ts";
import { B } from "./links.ts";
import { handshakeOf, oldNameRecording } from "./recordings.ts";

// OTP 23 and 24 begin with the old name packet where they have no epmd to tell the peer's version. Where a peer does
// what the recorded one does not, the bytes follow erl_dist_protocol, "Distribution Handshake".
const FLAGS: Flags = MANDATORY_25 | Flag.Fragments | Flag.DistHdrAtomCache | Flag.Spawn;
const LOW = 0xffff_ffffn;

function oldName(flags: Flags, name = "old@host"): Buffer {
  const packet = Buffer.alloc(7);
  packet.write("n", 0);
  packet.writeUInt16BE(5, 1);
  packet.writeUInt32BE(Number(flags & LOW), 3);
  return Buffer.concat([packet, Buffer.from(name)]);
}

function complement(flags: Flags, creation: number): Buffer {
  const packet = Buffer.alloc(9);
  packet.write("c", 0);
  packet.writeUInt32BE(Number(flags >> 32n), 1);
  packet.writeUInt32BE(creation, 5);
  return packet;
}

function acceptor(options: Partial<AcceptorOptions> = {}) {
  return new HandshakeAcceptor({
    self: B,
    flags: ourFlags(),
    random: new SeededRandom(1),
    decide: () => "ok",
    cookieFor: () => "secret",
    ...options,
  });
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("latin1");
const reply = (challenge: ChallengePacket) => writeReply(7, digestOf(challenge.challenge, "secret"));

test("what a BEAM of OTP 23 answers to the old name packet of another, we answer", () => {
  const recording = oldNameRecording();
  const [status, challenge, ack] = handshakeOf(recording, "B->A");
  const [name, complete, answer] = handshakeOf(recording, "A->B");
  const { challenge: drawn, ...self } = readChallenge(challenge!)!;
  const machine = acceptor({
    self,
    flags: self.flags,
    random: { u32: () => drawn },
    cookieFor: () => recording.cookie,
  });

  expect(machine.packet(name!)).toEqual({ send: [status, challenge].map((packet) => Buffer.from(packet!)) });
  expect(machine.packet(complete!)).toEqual({ send: [] });
  expect(machine.packet(answer!)).toMatchObject({
    send: [Buffer.from(ack!)],
    end: { peer: { name: "h1a23@127.0.0.1", creation: 0x6b01a670 }, flags: self.flags },
  });
});

describe("a peer that begins with the old name packet", () => {
  test("completes its flags and creation before it answers the challenge", () => {
    const machine = acceptor();

    const { send } = machine.packet(oldName(FLAGS));
    const challenge = readChallenge(send[1]!)!;
    const between = machine.packet(complement(FLAGS, 42));
    const { end } = machine.packet(reply(challenge));

    expect(text(send[0])).toBe("sok");
    expect(challenge).toMatchObject({ name: B.name, creation: B.creation, flags: ourFlags() });
    expect(between).toEqual({ send: [] });
    expect(end).toEqual({ peer: { name: "old@host", creation: 42 }, self: B, flags: expandDigest(FLAGS) & ourFlags() });
  });

  test("may stand for the flags of OTP 25 by their digest", () => {
    const machine = acceptor();
    const challenge = readChallenge(machine.packet(oldName(Flag.Mandatory25Digest)).send[1]!)!;

    machine.packet(complement(Flag.V4Nc, 1));

    expect(machine.packet(reply(challenge)).end).toMatchObject({
      flags: MANDATORY_25 | Flag.Mandatory25Digest | Flag.V4Nc,
    });
  });

  test("is refused when it lacks what is needed", () => {
    const { send, end } = acceptor().packet(oldName(FLAGS & ~Flag.MapTag));

    expect(text(send[0])).toBe("snot_allowed");
    expect(end).toMatchObject({ code: "HANDSHAKE_FLAGS", peer: "old@host" });
  });

  test.each([
    ["answers the challenge at once", (challenge: ChallengePacket) => reply(challenge)],
    ["sends half a complement", () => complement(FLAGS, 1).subarray(0, 8)],
    ["sends its name again", () => oldName(FLAGS)],
  ])("and %s is refused", (_, next) => {
    const machine = acceptor();
    const challenge = readChallenge(machine.packet(oldName(FLAGS)).send[1]!)!;

    expect(machine.packet(next(challenge)).end).toMatchObject({ code: "HANDSHAKE_PROTOCOL", step: "complement" });
  });

  test("and falls silent, or goes, is given up", () => {
    const [silent, gone] = [acceptor(), acceptor()];
    for (const machine of [silent, gone]) machine.packet(oldName(FLAGS));

    expect(silent.timeout().end).toMatchObject({ code: "HANDSHAKE_TIMEOUT", step: "complement", peer: "old@host" });
    expect(gone.closed().end).toMatchObject({ code: "HANDSHAKE_CLOSED", step: "complement" });
  });
});
