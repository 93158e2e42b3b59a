import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Connection, Flag, type Lane, ourFlags, type Signal } from "../../src/dist/index.ts";
import { atom, Pid, Ref } from "../../src/term/index.ts";
import { A, B, connected, pidOfA, pidOfB, sameSignal, type World } from "./links.ts";

const otherOfA = new Pid(A.name, 7, 0, A.creation);
const refOfB = new Ref(B.name, B.creation, [4, 5, 6]);
const PIECE = 65_536;

/** Bytes that are no UTF-8, so that they come back as they are; each message has its own. */
const bytes = (length: number, fill = 0xff) => new Uint8Array(length).fill(fill);
const send = (from: Pid | null, message: unknown): Signal => ({ op: "send", from, to: pidOfB, message });

/** What arrived at b, in short: the length of bytes, other messages as they are, the op of other signals. */
function arrived({ b }: World): unknown[] {
  return b.signals.map((signal) => {
    if (!("message" in signal)) return signal.op;
    return signal.message instanceof Uint8Array ? signal.message.length : signal.message;
  });
}

function expectSignals(actual: readonly Signal[], expected: readonly Signal[]): void {
  expect(actual.map(({ op }) => op)).toEqual(expected.map(({ op }) => op));
  expect(actual.findIndex((signal, i) => !sameSignal(signal, expected[i]!))).toBe(-1);
}

const transmit = (connection: Connection | undefined, ...signals: Signal[]) =>
  signals.map((signal) => connection!.transmit(signal));

describe("a large message", () => {
  test.each([
    ["with the atom cache", 0n],
    ["with headers without a cache", Flag.DistHdrAtomCache],
    ["to a peer without fragments, whole", Flag.Fragments],
  ] as const)("arrives %s, of any size, as payload of any signal", async (_, without) => {
    const { a, b, clock } = await connected({ dial: { flags: ourFlags({ without }) } });
    const big = [atom("fresh"), bytes(200_000), { old: atom("fresh"), fresh: bytes(70_000, 0xfe) }];
    const signals: Signal[] = [
      send(pidOfA, big),
      send(otherOfA, bytes(PIECE * 3)),
      send(null, big),
      { op: "sendName", from: otherOfA, to: "server", message: big },
      { op: "sendAlias", from: pidOfA, to: refOfB, message: big, priority: false },
      { op: "linkExit", from: pidOfA, to: pidOfB, reason: big },
      { op: "down", from: pidOfA, to: pidOfB, ref: refOfB, reason: big },
    ];

    for (const signal of signals) {
      expect(transmit(a.connection, signal)).toEqual([true]);
      clock.flush();
    }

    expectSignals(b.signals, signals);
    expect(a.connection!.queuedBytes).toBe(0);
  });

  test("of bytes arrives without a copy of them, which would hold up the event loop", async () => {
    const { a, b, clock } = await connected();

    transmit(a.connection, send(pidOfA, bytes(1_000_000)), send(otherOfA, [bytes(100_000), bytes(400_000)]));
    clock.flush();

    const messages = b.signals.map((signal) => (signal as { message: unknown }).message);
    const [[part, most], whole] = messages as [[Uint8Array, Uint8Array], Uint8Array];
    expect(whole.byteOffset).toBeGreaterThan(0);
    expect(whole.buffer.byteLength).toBeLessThan(1_000_000 + 2 * PIECE);
    // A part that is not most of a message would hold on to all of it.
    expect(part.buffer.byteLength).toBe(100_000);
    expect(most.buffer.byteLength).toBeGreaterThan(500_000);
  });

  test("stays as it is when another one comes, be it read from the same room or a part of it", async () => {
    const { a, b, clock } = await connected();
    const sent = [
      ["a".repeat(200_000), bytes(80_000, 0xf1)],
      bytes(150_000, 0xf2),
      bytes(400_000, 0xf3),
      [bytes(150_000, 0xf4), bytes(40_000, 0xf5)],
      bytes(300_000, 0xf6),
    ].map((message) => send(pidOfA, message));

    for (const signal of sent) {
      transmit(a.connection, signal);
      clock.flush();
    }

    expectSignals(b.signals, sent);
  });

  test("of every size around the cut arrives", async () => {
    const world = await connected();

    for (let size = PIECE - 60; size <= PIECE + 60; size++) {
      transmit(world.a.connection, send(pidOfA, bytes(size)));
      world.clock.flush();
    }

    expect(arrived(world)).toEqual(Array.from({ length: 121 }, (_, i) => PIECE - 60 + i));
  });

  test("is fixed when it was given, however long it takes to leave", async () => {
    const { a, b, clock } = await connected();
    const first = bytes(500_000, 0xf1);
    const second = bytes(500_000, 0xf2);
    const list = [1, 2, 3];

    transmit(a.connection, send(pidOfA, first), send(pidOfA, second), send(pidOfA, list));
    first.fill(0);
    second.fill(0);
    list.fill(0);
    clock.flush();

    expectSignals(b.signals, [
      send(pidOfA, bytes(500_000, 0xf1)),
      send(pidOfA, bytes(500_000, 0xf2)),
      send(pidOfA, [1, 2, 3]),
    ]);
  });

  test("that cannot be encoded fails alone, also behind another", async () => {
    const world = await connected();

    transmit(world.a.connection, send(pidOfA, bytes(200_000)));
    for (const from of [pidOfA, otherOfA]) {
      expect(() => transmit(world.a.connection, send(from, [bytes(300_000), () => {}]))).toThrow(
        expect.objectContaining({ code: "ETF_UNSUPPORTED" }),
      );
    }
    transmit(world.a.connection, send(pidOfA, atom("after")));
    world.clock.flush();

    expect(arrived(world)).toEqual([200_000, atom("after")]);
    expect(world.a.connection!.queuedBytes).toBe(0);
  });

  test("without a form for the peer is not sent, also behind another", async () => {
    const world = await connected({ dial: { flags: ourFlags({ without: Flag.AltactSig }) } });
    const none: Signal = { op: "exitAlias", from: pidOfA, to: refOfB, reason: bytes(PIECE * 2), priority: false };

    expect(transmit(world.a.connection, none, send(pidOfA, bytes(PIECE * 2)), none)).toEqual([false, true, false]);
    world.clock.flush();

    expect(arrived(world)).toEqual([PIECE * 2]);
  });
});

describe("order", () => {
  test("signals of other processes pass a large message, those of its sender wait for it", async () => {
    const world = await connected();

    transmit(
      world.a.connection,
      send(pidOfA, bytes(1_000_000)),
      send(pidOfA, "behind it"),
      { op: "link", from: pidOfA, to: pidOfB },
      send(otherOfA, "passes"),
    );
    world.clock.flush();

    expect(arrived(world)).toEqual(["passes", 1_000_000, "behind it", "link"]);
  });

  test("large messages of several processes share the link, so that the shorter one arrives first", async () => {
    const world = await connected();

    transmit(
      world.a.connection,
      send(pidOfA, bytes(2_000_000)),
      send(otherOfA, bytes(300_000)),
      send(otherOfA, "next"),
    );
    world.clock.flush();

    expect(arrived(world)).toEqual([300_000, "next", 2_000_000]);
  });

  test("a signal without a sender's pid waits for all that was sent before it, and for nothing that was sent later", async () => {
    const world = await connected();
    const down: Signal = { op: "down", from: "server", to: pidOfB, ref: refOfB, reason: atom("normal") };

    transmit(
      world.a.connection,
      send(pidOfA, bytes(300_000)),
      send(pidOfA, "behind it"),
      down,
      send(pidOfA, bytes(1_000_000)),
      send(otherOfA, bytes(1_500_000)),
    );
    world.clock.flush();

    expect(arrived(world)).toEqual([300_000, "behind it", "down", 1_000_000, 1_500_000]);
  });

  test("atoms that take over slots between two fragments do not change the message", async () => {
    const { a, b, clock } = await connected();
    const numbered = (from: number) => Array.from({ length: 200 }, (_, i) => atom(`atom_${from + i}`));
    const large = send(pidOfA, [...numbered(0), bytes(500_000), ...numbered(0).reverse()]);
    const others = Array.from({ length: 30 }, (_, i) => send(otherOfA, numbered(200 + i * 200)));

    transmit(a.connection, large, ...others, send(otherOfA, numbered(0)));
    clock.flush();

    expectSignals(b.signals, [...others, send(otherOfA, numbered(0)), large]);
  });

  test("is kept for every sender, whatever the sizes and however the bytes are cut on their way", async () => {
    const message = fc.record({
      sender: fc.integer({ min: -1, max: 3 }),
      size: fc.constantFrom(0, 10, 70_000, 200_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 25 }),
        fc.constantFrom(1_000, 65_537, 1_000_000),
        fc.boolean(),
        async (messages, maxChunkBytes, close) => {
          const { a, b, clock } = await connected({ maxChunkBytes });
          const pids = [0, 1, 2, 3].map((id) => new Pid(A.name, id, 0, A.creation));
          for (const [i, { sender, size }] of messages.entries()) {
            transmit(a.connection, send(pids[sender] ?? null, [i, bytes(size), atom(`atom_${i % 7}`)]));
          }
          if (close) a.connection!.close();
          clock.flush();

          const order = b.signals.map((signal) => (signal as { message: [number, Uint8Array] }).message);
          const of = (sender: number) => order.map(([i]) => i).filter((i) => messages[i]!.sender === sender);
          expect(order.map(([i]) => i).sort((x, y) => x - y)).toEqual([...messages.keys()]);
          for (const [i, content] of order) expect(content.length).toBe(messages[i]!.size);
          for (let sender = -1; sender < 4; sender++) expect(of(sender)).toEqual(of(sender).sort((x, y) => x - y));
          for (const i of of(-1)) {
            // Nobody's message comes after all that were sent before it.
            expect(order.findIndex(([j]) => j === i)).toBeGreaterThanOrEqual(i);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("while a large message leaves", () => {
  test("what waits is counted: all of it for the connection, its sender's for its sender", async () => {
    const { a, clock } = await connected();
    const connection = a.connection!;

    transmit(connection, send(pidOfA, bytes(1_000_000)), send(pidOfA, bytes(500_000)));

    expect(connection.queuedBytes).toBeGreaterThan(1_500_000);
    expect(connection.queuedBytes).toBeLessThan(1_501_000);
    expect(connection.bytesAhead(send(pidOfA, 1))).toBe(connection.queuedBytes);
    expect(connection.bytesAhead(send(otherOfA, 1))).toBeLessThan(70_000);
    expect(connection.bytesHeld(send(pidOfA, 1))).toBeGreaterThan(500_000);
    expect(connection.bytesHeld(send(pidOfA, 1))).toBeLessThan(570_000);
    clock.flush();
    expect(connection.queuedBytes).toBe(0);
    expect(connection.laneOf(send(pidOfA, 1))).toBeUndefined();
  });

  test("its owner learns when a sender has nothing waiting any more", async () => {
    const { a, clock } = await connected();
    const drained: unknown[] = [];
    a.drained = (lane?: Lane) => void (lane !== undefined && drained.push(lane));

    transmit(a.connection, send(pidOfA, bytes(1_000_000)), send(otherOfA, bytes(200_000)));
    const lanes = [otherOfA, pidOfA].map((pid) => a.connection!.laneOf(send(pid, 1)));
    clock.flush();

    expect(drained).toEqual(lanes);
  });

  test("close sends all of it, and a lost network none", async () => {
    for (const [lose, signals] of [
      [false, 3],
      [true, 0],
    ] as const) {
      const world = await connected();

      transmit(world.a.connection, send(pidOfA, bytes(1_000_000)), send(pidOfA, bytes(500_000)), send(pidOfA, 1));
      if (lose) world.network.cut();
      else world.a.connection!.close();
      world.clock.flush();

      expect(world.b.signals).toHaveLength(signals);
      expect(world.a.connection!.queuedBytes).toBe(0);
      expect(world.clock.pendingTimers).toBe(0);
      expect(world.network.openStreams).toBe(0);
    }
  });
});
