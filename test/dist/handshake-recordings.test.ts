import { describe, expect, test } from "vitest";
import type { Random } from "../../src/base/index.ts";
import { type NamePacket, readChallenge, readName, readReply, readStatus } from "../../src/dist/handshake-packets.ts";
import {
  type ConnectDecision,
  expandDigest,
  HandshakeAcceptor,
  HandshakeError,
  HandshakeInitiator,
  type HandshakeMachine,
} from "../../src/dist/index.ts";
import { handshakeOf, oldNameRecording, type Recording, recordings } from "./recordings.ts";

/** Random numbers that a BEAM drew: its challenge is the only one of a handshake. */
function drawn(challenge: number): Random {
  return { u32: () => challenge };
}

function first<T>(packets: readonly Uint8Array[], read: (bytes: Uint8Array) => T | undefined): T | undefined {
  for (const packet of packets) {
    const value = read(packet);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** "other (initiator) / h1cookie (acceptor)" where they differ. */
function cookies(recording: Recording): { initiator: string; acceptor: string } {
  const differ = /^(\S+) \(initiator\) \/ (\S+) \(acceptor\)$/.exec(recording.cookie);
  return { initiator: differ?.[1] ?? recording.cookie, acceptor: differ?.[2] ?? recording.cookie };
}

/** Plays the other side's packets to a machine, and gives what the machine said and how it ended. */
function play(machine: HandshakeMachine, received: readonly Uint8Array[], closes: boolean) {
  const steps = [machine.start(), ...received.map((packet) => machine.packet(packet))];
  if (closes) steps.push(machine.closed());
  return { sent: steps.flatMap((step) => step.send), end: steps.find((step) => step.end !== undefined)?.end };
}

const all = recordings(23, 25, 27, 29);
const title = ({ otp, name }: Recording) => `${name} of OTP ${otp}`;
const table = (list: Recording[]) => list.map((recording) => [title(recording), recording] as const);

/** OTP 29 refuses OTP 23 as it lacks what we do without: there our machine goes on. */
const refusedByBeam = (recording: Recording) => /^cross-(23-to-29|29-to-23)$/.test(recording.name);

describe.each(table(all))("the recording %s", (_, recording) => {
  const initiator = handshakeOf(recording, "A->B");
  const acceptor = handshakeOf(recording, "B->A");
  const name = first(initiator, readName) as NamePacket;
  const reply = first(initiator, readReply);
  const challenge = first(acceptor.slice(1), readChallenge);
  const status = readStatus(acceptor[0]!)!;

  test("our initiator says what the BEAM's did", () => {
    const machine = new HandshakeInitiator({
      self: { name: name.name, creation: name.creation },
      flags: name.flags,
      peer: challenge?.name ?? "never@known",
      cookie: cookies(recording).initiator,
      random: drawn(reply?.challenge ?? 0),
    });

    const { sent, end } = play(machine, acceptor, true);

    expect(sent.slice(0, initiator.length).map(hex)).toEqual(initiator.map(hex));
    if (refusedByBeam(recording)) return;
    if (recording.name === "wrong-cookie") expect(end).toMatchObject({ code: "HANDSHAKE_COOKIE", step: "ack" });
    else if (status === "not_allowed") expect(end).toMatchObject({ code: "HANDSHAKE_NOT_ALLOWED" });
    else if (status === "nok") expect(end).toMatchObject({ code: "HANDSHAKE_NOK" });
    else if (acceptor.length < 3) expect(end).toMatchObject({ code: "HANDSHAKE_CLOSED" });
    else {
      expect(end).toMatchObject({
        peer: { name: challenge!.name, creation: challenge!.creation },
        flags: expandDigest(challenge!.flags) & name.flags,
      });
    }
  });

  test("our acceptor says what the BEAM's did", () => {
    const machine = new HandshakeAcceptor({
      self: { name: challenge?.name ?? "never@known", creation: challenge?.creation ?? 0 },
      flags: challenge?.flags ?? 0n,
      random: drawn(challenge?.challenge ?? 0),
      decide: () => (typeof status === "object" ? { named: status } : (status as ConnectDecision)),
      cookieFor: () => cookies(recording).acceptor,
    });

    const { sent, end } = play(machine, initiator, true);

    // OTP 23 sends its challenge only once the old connection is gone, which was not to be in some recordings.
    expect(sent.slice(0, acceptor.length).map(hex)).toEqual(acceptor.map(hex));
    if (status !== "alive") expect(sent).toHaveLength(acceptor.length);
    if (recording.name === "wrong-cookie") expect(end).toMatchObject({ code: "HANDSHAKE_COOKIE", step: "reply" });
    else if (status === "not_allowed") expect(end).toMatchObject({ code: "HANDSHAKE_NOT_ALLOWED" });
    else if (status === "nok") expect(end).toMatchObject({ code: "HANDSHAKE_NOK" });
    else if (acceptor.length < 3) expect(end).toMatchObject({ code: "HANDSHAKE_CLOSED" });
    else expect(end).toMatchObject({ peer: typeof status === "object" ? status : { name: name.name } });
  });

  test("every prefix of a packet, and every packet in the wrong place, ends in a named error", () => {
    for (const packets of [initiator, acceptor]) {
      for (const packet of packets) {
        for (let length = 0; length < packet.length; length += 3) {
          for (const machine of machines(recording)) {
            machine.start();
            const { end } = machine.packet(packet.subarray(0, length));
            if (end !== undefined) expect(end).toBeInstanceOf(HandshakeError);
            machine.timeout();
            expect(machine.packet(packet)).toEqual({ send: [] });
            expect(machine.closed()).toEqual({ send: [] });
          }
        }
      }
    }
  });
});

test("every kind of packet, and every status that a BEAM says, is in a recording", () => {
  const packets = [...all, oldNameRecording()].flatMap((recording) => [
    ...handshakeOf(recording, "A->B"),
    ...handshakeOf(recording, "B->A"),
  ]);
  const statuses = packets.map(readStatus).map((status) => (typeof status === "object" ? "named" : status));

  expect(new Set(packets.map((packet) => String.fromCharCode(packet[0]!)))).toEqual(new Set("Nnscra"));
  // That is all of erl_dist_protocol but `false`: a BEAM always goes on in place of its old connection.
  expect(new Set(statuses.filter((status) => status !== undefined))).toEqual(
    new Set(["ok", "ok_simultaneous", "nok", "not_allowed", "alive", "true", "named"]),
  );
});

function machines(recording: Recording): HandshakeMachine[] {
  const random = drawn(1);
  const self = { name: "x@y", creation: 5 };
  return [
    new HandshakeInitiator({ self, flags: 0n, peer: "h1b25@localhost", cookie: recording.cookie, random }),
    new HandshakeAcceptor({ self, flags: 0n, random, decide: () => "ok", cookieFor: () => recording.cookie }),
  ];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
