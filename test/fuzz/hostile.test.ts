import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { Connection, type ConnectionHandler, type ConnectionLimits, ourFlags } from "../../src/dist/index.ts";
import { decode, encode } from "../../src/etf/index.ts";
import { atom, Pid, tuple } from "../../src/term/index.ts";
import { SimulatedClock } from "../../src/testing/index.ts";
import { inflate } from "../etf/vectors.ts";
import { FakeStream } from "./fake-stream.ts";
import { immediate, usedBytes } from "./memory.ts";
import { framed, joined } from "./mutator.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** A list of that many atoms, no two of them the same. */
function newAtoms(count: number, first = 0): Uint8Array {
  const parts = [hex("6c"), u32(count)];
  for (let i = first; i < first + count; i++) {
    const text = Buffer.from(`hostile${i}`);
    parts.push(Uint8Array.of(119, text.length), text);
  }
  return Buffer.concat([...parts, hex("6a")]);
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function repeated(unit: Uint8Array, times: number): Uint8Array {
  const bytes = new Uint8Array(unit.length * times);
  for (let i = 0; i < times; i++) bytes.set(unit, i * unit.length);
  return bytes;
}

/** Bytes in a key of a map, which is a key of a map, and so on. */
function keysAround(bytes: Uint8Array, levels: number): Uint8Array {
  return joined(
    repeated(hex("74 00000001"), levels),
    hex("6d"),
    u32(bytes.length),
    bytes,
    repeated(hex("61 01"), levels),
  );
}

/** Terms without their version byte that are small, or cheap to send, and mean harm. */
const TERMS: readonly [what: string, term: Uint8Array, code: string][] = [
  ["a list of 2^31-1 elements in six bytes", hex("6c 7fffffff"), "ETF_TRUNCATED"],
  ["300,000 nested lists", repeated(hex("6c 00000001"), 300_000), "ETF_DEPTH"],
  ["300,000 nested tuples", repeated(hex("68 01"), 300_000), "ETF_DEPTH"],
  ["300,000 nested maps in keys", repeated(hex("74 00000001"), 300_000), "ETF_DEPTH"],
  ["a megabyte inside 1,900 maps that are keys of maps", keysAround(new Uint8Array(2 ** 20), 1_900), "ETF_DEPTH"],
  ["300,000 tails of tails", repeated(hex("6c 00000000"), 300_000), "ETF_TRUNCATED"],
  ["a binary of 4 GiB", hex("6d ffffffff"), "ETF_TRUNCATED"],
  ["a bit string of 4 GiB", hex("4d ffffffff 01"), "ETF_TRUNCATED"],
  ["an integer of 4 GiB", hex("6f ffffffff 00"), "ETF_LIMIT"],
  ["a tuple of 4 Gi elements", hex("69 ffffffff"), "ETF_FIELD"],
  ["a map of 4 Gi pairs", hex("74 ffffffff"), "ETF_TRUNCATED"],
  ["a million new atoms", newAtoms(1_000_000), "ETF_LIMIT"],
];

test.each(TERMS)("%s: refused by code", (_, term, code) => {
  const start = performance.now();

  expect(() => decode(joined(hex("83"), term))).toThrow(expect.objectContaining({ code }));

  // Not a matter of speed: none of them may take as long as what it announces.
  expect(performance.now() - start).toBeLessThan(20_000);
});

test.each([
  ["announces 4 GiB", u32(0xffff_ffff), 1_024, "ETF_LIMIT"],
  ["inflates to more than it announces", u32(1_024), 256 * 2 ** 20, "ETF_INFLATE"],
])("a compressed term that %s: refused by code", async (_, announced, size, code) => {
  const bomb = joined(hex("83 50"), announced, deflateSync(new Uint8Array(size)));
  const before = await usedBytes();

  expect(() => decode(bomb, { inflate })).toThrow(expect.objectContaining({ code }));

  expect((await usedBytes()) - before).toBeLessThan(8 * 2 ** 20);
});

const SELF = new Pid("self@host", 1, 0, 1);

/** A message to a process of ours, up to its payload. */
const SEND = encode(tuple(2, atom(""), SELF)).subarray(1);

/** A connection that was just made, and how it ended. */
function connected(limits: ConnectionLimits = {}) {
  const stream = new FakeStream();
  const ends: Parameters<ConnectionHandler["closed"]>[] = [];
  const signals: unknown[] = [];
  const connection = new Connection({
    clock: new SimulatedClock(),
    stream,
    established: {
      peer: { name: "peer@host", creation: 1 },
      self: { name: "self@host", creation: 1 },
      flags: ourFlags(),
    },
    limits,
    up: () => ({
      signal: (signal) => void signals.push(signal),
      drained() {},
      closed: (...end) => void ends.push(end),
    }),
  });
  return { connection, stream, ends, signals };
}

test.each(TERMS)("%s, as a message: the connection is closed, and says why", (_, term, code) => {
  const { connection, stream, ends, signals } = connected();

  connection.data(framed(joined(hex("83 44 00"), SEND, term), 4));

  expect(ends).toMatchObject([["protocol_error", { code: "DIST_TERM", cause: { code } }]]);
  expect([signals, stream.closes]).toEqual([[], 1]);
});

test("a frame of 4 GiB is refused when its length is known", async () => {
  const before = await usedBytes();
  const { connection, ends } = connected();

  connection.data(hex("ffffffff 83"));

  expect(ends).toMatchObject([["protocol_error", { code: "DIST_LIMIT" }]]);
  expect((await usedBytes()) - before).toBeLessThan(2 ** 20);
});

const u64 = (value: number) => joined(u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32));
const firstFragment = (sequence: number, count: number) =>
  framed(joined(hex("83 45"), u64(sequence), u64(count), hex("00"), SEND), 4);
const nextFragment = (sequence: number, id: number, part: Uint8Array) =>
  framed(joined(hex("83 46"), u64(sequence), u64(id), part), 4);

/** Sends until the connection is closed. */
function sendUntilClosed({ connection, ends }: ReturnType<typeof connected>, next: (i: number) => Uint8Array): void {
  for (let i = 0; ends.length === 0; i++) connection.data(next(i));
}

test("a message of endless fragments is refused: by their number, or by what they hold", () => {
  const announced = connected();
  announced.connection.data(firstFragment(1, 2 ** 40));
  expect(announced.ends).toMatchObject([["protocol_error", { code: "DIST_LIMIT" }]]);

  const sent = connected({ maxFrameBytes: 2 ** 20 });
  const part = new Uint8Array(1_000);
  sent.connection.data(firstFragment(1, 1_000_000));
  sendUntilClosed(sent, (i) => nextFragment(1, 999_999 - i, part));
  expect(sent.ends).toMatchObject([["protocol_error", { code: "DIST_LIMIT" }]]);
});

test("messages that are begun and never ended are refused: by their number, or by what they hold", () => {
  const many = connected();
  sendUntilClosed(many, (i) => firstFragment(i + 1, 2));
  expect(many.ends).toMatchObject([["protocol_error", { code: "DIST_LIMIT" }]]);

  const large = connected({ maxPendingBytes: 2 ** 22 });
  const part = new Uint8Array(2 ** 18);
  sendUntilClosed(large, (i) => joined(firstFragment(i + 1, 3), nextFragment(i + 1, 2, part)));
  expect(large.ends).toMatchObject([["protocol_error", { code: "DIST_LIMIT" }]]);
});

test("a quarter of a million new atoms in many messages are taken, and forgotten again", async () => {
  const { connection, ends, signals } = connected();
  const before = await usedBytes();

  for (let i = 0; i < 50; i++) {
    connection.data(framed(joined(hex("83 44 00"), SEND, newAtoms(5_000, i * 5_000)), 4));
    expect(signals.splice(0)).toHaveLength(1);
    await immediate();
  }

  expect(ends).toEqual([]);
  expect((await usedBytes()) - before).toBeLessThan(8 * 2 ** 20);
});
