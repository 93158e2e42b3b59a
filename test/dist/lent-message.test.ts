import { describe, expect, test } from "vitest";
import { abilitiesOf } from "../../src/dist/abilities.ts";
import { Flag, type Flags, ourFlags, type Signal } from "../../src/dist/index.ts";
import { LentBytesGone, LentMessage } from "../../src/dist/lent-message.ts";
import type { OutgoingMessage } from "../../src/dist/outgoing-message.ts";
import { PacketWriter } from "../../src/dist/packet-writer.ts";
import { Encoder, Writer } from "../../src/etf/index.ts";
import { atom, Fun, lend, tuple } from "../../src/term/index.ts";
import { pidOfA, pidOfB } from "./links.ts";

const KIB = 1024;
/** No UTF-8, and different all the way. */
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => 0x80 | (i * 7) | (i >> 8));
const LARGE = bytes(1024 * KIB);

const FUN = { arity: 0, uniq: new Uint8Array(16), index: 0, module: "m", oldIndex: 0, oldUniq: 0, creator: pidOfA };

/** Messages with bytes that are lent, or not, by `lending`. */
const messages: Record<string, (lending: (bytes: Uint8Array) => Uint8Array) => unknown> = {
  "16 KiB, the least that is lent": (lending) => lending(bytes(16 * KIB)),
  "as much as leaves whole": (lending) => tuple(atom("ok"), lending(bytes(127 * KIB)), "and a text"),
  "as much as leaves in two fragments": (lending) => lending(bytes(128 * KIB)),
  "a megabyte": (lending) => lending(LARGE),
  "several, nested": (lending) => ({
    a: [lending(LARGE), 1.5, lending(bytes(20 * KIB))],
    b: tuple(lending(LARGE), "end"),
  }),
  "side by side": (lending) => [lending(bytes(65 * KIB)), lending(bytes(65 * KIB)), lending(bytes(65 * KIB))],
  "after and before more than a fragment": (lending) => ["x".repeat(200 * KIB), lending(LARGE), "y".repeat(200 * KIB)],
  "before, in and after a fun, whose own bytes are copied": (lending) => [
    lending(LARGE),
    new Fun({ ...FUN, freeVariables: [lending(LARGE)] }),
    lending(LARGE),
  ],
  "beside what is too small to be lent": (lending) => [lending(bytes(16 * KIB - 1)), lending(LARGE), lending(bytes(0))],
};

const send = (message: unknown): Signal => ({ op: "send", from: pidOfA, to: pidOfB, message });

function packetWriter(flags: Flags = ourFlags()): PacketWriter {
  const abilities = abilitiesOf(flags);
  return new PacketWriter(abilities, new Encoder({ peer: abilities }));
}

/** The message that leaves later; nothing is written of it before. */
function lentMessage(value: unknown, packets = packetWriter()): OutgoingMessage {
  const writer = new Writer();
  const message = packets.write(writer, send(value));
  expect(writer.size).toBe(0);
  return message as OutgoingMessage;
}

/** Its frames; a head overwrites the end of the frame before, where that was copied. */
function framesOf(message: OutgoingMessage): Buffer[] {
  const frames: Buffer[] = [];
  while (message.bytesLeft > 0) frames.push(Buffer.concat(message.next()));
  return frames;
}

describe.each(Object.entries(messages))("%s", (_, message) => {
  test("leaves in the same frames as if it were copied", () => {
    const copied = packetWriter().writeApart(send(message((part) => part)))!;
    const lent = lentMessage(message(lend));

    expect(lent.bytesLeft).toBe(copied.bytesLeft);
    const expected = framesOf(copied);
    const frames = framesOf(lent);
    expect(frames.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
    expect(frames.every((frame, i) => frame.equals(expected[i]!))).toBe(true);
  });
});

test("what is lent leaves from where it is, and its memory is not written to", () => {
  const before = LARGE.slice();
  const message = lentMessage([1, lend(LARGE)]);

  let uncopied = 0;
  while (message.bytesLeft > 0) {
    for (const part of message.next()) if (part.buffer === LARGE.buffer) uncopied += part.length;
  }

  expect(uncopied).toBe(LARGE.length);
  expect(message.block.buffer).not.toBe(LARGE.buffer);
  expect(message.block.length).toBeLessThan(KIB);
  expect(Buffer.from(LARGE).equals(before)).toBe(true);
});

test.each([0, 1, 3])("what is transferred after %i frames is missed, and nothing leaves in its place", (frames) => {
  const mine = bytes(1024 * KIB);
  const message = lentMessage(["before", lend(mine), "after"]);
  for (let i = 0; i < frames; i++) message.next();

  structuredClone(mine, { transfer: [mine.buffer] });

  expect(() => message.next()).toThrow(LentBytesGone);
});

test("a peer that knows no fragments gets it copied, in its place among the others", () => {
  const packets = packetWriter(ourFlags() & ~Flag.Fragments);
  const expected = packetWriter(ourFlags() & ~Flag.Fragments);
  const [writer, other] = [new Writer(), new Writer()];

  expect(packets.write(writer, send(lend(LARGE)))).toBe(true);
  expect(expected.write(other, send(LARGE))).toBe(true);

  expect(Buffer.from(writer.take()).equals(other.take())).toBe(true);
});

test("the block of a connection does not stay as large as what was not written to it after all", () => {
  const packets = packetWriter();
  const writer = new Writer();
  const text = "x".repeat(5_000 * KIB);
  expect(packets.write(writer, send("before"))).toBe(true);
  const before = Buffer.from(writer.bytes.subarray(0, writer.offset));

  expect(packets.write(writer, send([text, lend(LARGE)]))).toBeInstanceOf(LentMessage);
  expect(() => packets.write(writer, send([text, new Date()]))).toThrow();

  expect(writer.bytes.length).toBeLessThan(100 * KIB);
  expect(Buffer.from(writer.take()).equals(before)).toBe(true);
});

test("a message that cannot be encoded leaves nothing behind", () => {
  const packets = packetWriter();
  const writer = new Writer();

  for (const value of [
    [lend(LARGE), new Date()],
    [new Date(), lend(LARGE)],
  ]) {
    expect(() => packets.write(writer, send(value))).toThrow(expect.objectContaining({ code: "ETF_UNSUPPORTED" }));
  }
  expect(writer.size).toBe(0);

  expect(packets.write(writer, send("next"))).toBe(true);
  expect(writer.take().length).toBeLessThan(200);
});
