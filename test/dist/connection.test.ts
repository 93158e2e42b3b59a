import { describe, expect, test } from "vitest";
import type { ByteStream } from "../../src/base/index.ts";
import { Connection, type ConnectionOptions, Flag, type Flags, ourFlags, type Signal } from "../../src/dist/index.ts";
import { atom, lend, Pid, Ref, tuple } from "../../src/term/index.ts";
import { SimulatedClock } from "../../src/testing/index.ts";
import { A, B, connected, ok, pidOfA, pidOfB, Side } from "./links.ts";

const refOfA = new Ref(A.name, A.creation, [1, 2, 3]);
const refOfB = new Ref(B.name, B.creation, [4, 5, 6]);

/** A signal of node `a` of every kind. */
const SIGNALS: Signal[] = [
  { op: "send", from: pidOfA, to: pidOfB, message: tuple(ok, { a: 1 }) },
  { op: "send", from: null, to: pidOfB, message: "text" },
  { op: "sendName", from: pidOfA, to: "server", message: [1, 2, 3] },
  { op: "sendName", from: pidOfA, to: "true", message: null },
  { op: "sendAlias", from: pidOfA, to: refOfB, message: 1.5, priority: false },
  { op: "sendAlias", from: pidOfA, to: refOfB, message: ok, priority: true },
  { op: "link", from: pidOfA, to: pidOfB },
  { op: "unlink", from: pidOfA, to: pidOfB, id: 1 },
  { op: "unlink", from: pidOfA, to: pidOfB, id: 2n ** 64n - 1n },
  { op: "unlink", from: pidOfA, to: pidOfB, id: 0 },
  { op: "unlinkAck", from: pidOfA, to: pidOfB, id: 7 },
  { op: "linkExit", from: pidOfA, to: pidOfB, reason: tuple(atom("shutdown"), "bye") },
  { op: "exit", from: pidOfA, to: pidOfB, reason: atom("kill") },
  { op: "exitAlias", from: pidOfA, to: refOfB, reason: ok, priority: true },
  { op: "exitAlias", from: pidOfA, to: refOfB, reason: ok, priority: false },
  { op: "monitor", from: pidOfA, to: pidOfB, ref: refOfA },
  { op: "monitor", from: pidOfA, to: "server", ref: refOfA },
  { op: "demonitor", from: pidOfA, to: pidOfB, ref: refOfA },
  { op: "demonitor", from: pidOfA, to: "server", ref: refOfA },
  { op: "down", from: pidOfA, to: pidOfB, ref: refOfB, reason: atom("noproc") },
  { op: "down", from: "server", to: pidOfB, ref: refOfB, reason: atom("noproc") },
  { op: "groupLeader", from: pidOfA, to: pidOfB },
  {
    op: "spawnRequest",
    ref: refOfA,
    from: pidOfA,
    groupLeader: pidOfA,
    module: "erpc",
    function: "execute_call",
    arity: 1,
    options: [atom("monitor"), tuple(atom("priority"), atom("high"))],
    args: [1],
  },
  { op: "spawnReply", ref: refOfB, to: pidOfB, flags: 3, result: pidOfA },
  { op: "spawnReply", ref: refOfB, to: pidOfB, flags: 0, result: atom("notsup") },
];

const NO_HEADER = Flag.Fragments | Flag.DistHdrAtomCache;

describe("every kind of signal arrives as it was sent", () => {
  test.each([
    ["with the atom cache", 0n],
    ["with headers without a cache", Flag.DistHdrAtomCache],
    ["with cache and without fragments", Flag.Fragments],
    ["without headers", NO_HEADER],
    ["with reasons inside the control message", Flag.ExitPayload],
  ] as const)("%s", async (_, without) => {
    for (const maxChunkBytes of [1, 100_000]) {
      const { a, b, clock } = await connected({ maxChunkBytes, dial: { flags: ourFlags({ without }) } });

      for (const signal of [...SIGNALS, ...SIGNALS]) expect(a.connection!.transmit(signal)).toBe(true);
      clock.flush();

      expect(b.signals).toEqual([...SIGNALS, ...SIGNALS]);
      expect(a.connection!.queuedBytes).toBe(0);
    }
  });
});

describe("what the peer's flags have no form for is not sent", () => {
  const lacking: [string, Flags, Signal["op"][]][] = [
    ["ALTACT_SIG", Flag.AltactSig, ["exitAlias"]],
    ["ALIAS and ALTACT_SIG", Flag.Alias | Flag.AltactSig, ["sendAlias", "exitAlias"]],
    ["UNLINK_ID", Flag.UnlinkId, ["unlinkAck"]],
    ["DIST_MONITOR_NAME", Flag.DistMonitorName, ["monitor", "demonitor"]],
    ["SPAWN", Flag.Spawn, ["spawnRequest", "spawnReply"]],
  ];

  test.each(lacking)("without %s", async (_, without, ops) => {
    const { a, b, clock } = await connected({ dial: { flags: ourFlags({ without }) } });

    for (const signal of SIGNALS) expect(a.connection!.transmit(signal)).toBe(!ops.includes(signal.op));
    clock.flush();

    expect(b.signals.map(({ op }) => op)).toEqual(SIGNALS.map(({ op }) => op).filter((op) => !ops.includes(op)));
  });

  test("an alias goes to a peer of OTP 24 to 27 by ALIAS_SEND, without its priority", async () => {
    const { a, b, clock } = await connected({ dial: { flags: ourFlags({ without: Flag.AltactSig }) } });

    a.connection!.transmit({ op: "sendAlias", from: pidOfA, to: refOfB, message: ok, priority: true });
    clock.flush();

    expect(b.signals).toEqual([{ op: "sendAlias", from: pidOfA, to: refOfB, message: ok, priority: false }]);
  });
});

describe("a signal that cannot be encoded fails alone", () => {
  test.each([
    ["of no Erlang form", () => {}, 0n, "ETF_UNSUPPORTED"],
    ["of a width that OTP 23 cannot carry", new Ref(A.name, 1, [1, 2, 3, 4, 5]), Flag.V4Nc, "ETF_PEER"],
    ["with too long an atom", { ["x".repeat(256)]: 1 }, 0n, "ETF_ATOM"],
  ] as const)("a message %s", async (_, message, without, code) => {
    const { a, b, clock } = await connected({ dial: { flags: ourFlags({ without }) } });
    const send = (value: unknown) => a.connection!.transmit({ op: "send", from: pidOfA, to: pidOfB, message: value });

    send(tuple(atom("before"), ok));
    expect(() => send(tuple(atom("fresh"), [message]))).toThrow(expect.objectContaining({ code }));
    send(tuple(atom("fresh"), atom("before")));
    clock.flush();

    expect(b.signals.map((signal) => (signal as { message: unknown }).message)).toEqual([
      tuple(atom("before"), ok),
      tuple(atom("fresh"), atom("before")),
    ]);
  });

  test("and so does one over the budget of atoms", async () => {
    const { a } = await connected({ dial: { encoder: { atomBudget: 5 } } });
    const send = (name: string) => a.connection!.transmit({ op: "sendName", from: pidOfA, to: name, message: 1 });

    for (const name of ["one", "two", "three"]) send(name);

    expect(() => "four five six".split(" ").map(send)).toThrow(expect.objectContaining({ code: "ETF_ATOM_BUDGET" }));
    expect(a.connection!.open).toBe(true);
  });
});

describe("writing", () => {
  test("what is sent in one turn leaves in one write, and not before its end", () => {
    const { connection, clock, stream } = alone();

    for (let i = 0; i < 100; i++) connection.transmit({ op: "send", from: pidOfA, to: pidOfB, message: i });
    expect(stream.writes).toEqual([]);
    clock.flush();

    expect(stream.writes).toHaveLength(1);
  });

  test("answers given while a chunk is read leave with the end of the chunk", () => {
    const { connection, clock, stream, side } = alone();
    side.signal = (signal) => void connection.transmit({ op: "send", from: pidOfA, to: pidOfB, message: signal.op });
    const link = frame(signalBytes({ op: "link", from: pidOfB, to: pidOfA }));

    connection.data(Buffer.concat([link, link]));

    expect(stream.writes).toHaveLength(1);
    clock.flush();
    expect(stream.writes).toHaveLength(1);
  });

  test("much leaves before the turn ends", () => {
    const { connection, stream } = alone();

    for (let i = 0; i < 100; i++) {
      connection.transmit({ op: "send", from: pidOfA, to: pidOfB, message: "x".repeat(2_000) });
    }

    expect(stream.writes.length).toBeGreaterThan(1);
    expect(connection.queuedBytes).toBeLessThan(70_000);
  });

  test("bytes that the stream still holds are not overwritten", () => {
    const { connection, stream } = alone();
    stream.queuedBytes = 1;
    const send = (message: string) => {
      connection.transmit({ op: "send", from: pidOfA, to: pidOfB, message });
      connection.flush();
    };

    send("first");
    const before = Buffer.concat(stream.writes).toString("hex");
    send("other");

    expect(Buffer.from(stream.writes[0]!).toString("hex")).toBe(before);
  });
});

test("the lane of lent bytes is over once the stream has none of them any more", () => {
  const { connection, clock, stream, side } = alone();
  const signal: Signal = { op: "send", from: pidOfA, to: pidOfB, message: lend(new Uint8Array(20_000)) };
  const over: unknown[] = [];
  side.drained = (lane) => void over.push(lane);
  stream.write = ({ length }) => {
    stream.queuedBytes += length;
  };

  connection.transmit(signal);
  const lane = connection.laneOf(signal);
  clock.flush();
  expect([lane?.lends, connection.laneOf(signal), over]).toEqual([true, undefined, []]);

  stream.queuedBytes = 0;
  connection.drained();
  connection.drained();
  expect(over.filter((each) => each === lane)).toHaveLength(1);
});

test("nothing is read while what came before is not handled, until the next round of the event loop", () => {
  const { connection, clock, stream, side } = alone();
  const reads: string[] = [];
  stream.pause = () => void reads.push("paused");
  stream.resume = () => void reads.push("resumed");
  const link = frame(signalBytes({ op: "link", from: pidOfB, to: pidOfA }));

  connection.data(link);
  side.settle = () => false;
  connection.data(link);
  expect(reads).toEqual(["paused"]);
  clock.flush();

  expect(reads).toEqual(["paused", "resumed"]);
});

describe("ticks", () => {
  test("keep an idle link up, and a silent peer is lost within 1.125 times the tick time", async () => {
    const { a, b, clock, network } = await connected({
      dial: { tick: { timeMs: 60_000 } },
      answer: { tick: { timeMs: 60_000 } },
    });

    await clock.advance(600_000);
    expect(a.connection!.open && b.connection!.open).toBe(true);
    expect(a.connection!.packetsRead).toBe(40);
    b.connection!.sendTick = () => {};
    await clock.advance(67_500);

    expect(a.ends).toEqual([{ reason: "net_tick_timeout", error: undefined }]);
    expect(b.ends).toMatchObject([{ reason: "connection_closed" }]);
    expect(network.openStreams).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test("are not sent on a visible link that writes anyway, but on a hidden one that reads nothing", () => {
    for (const [flags, ticks] of [
      [ourFlags({ visible: true }), 0],
      [ourFlags(), 3],
    ] as const) {
      const { connection, clock, stream } = alone({ tick: { timeMs: 4_000 } }, flags);
      for (let i = 0; i < 3; i++) {
        connection.transmit({ op: "send", from: pidOfA, to: pidOfB, message: i });
        clock.elapse(1_000);
      }

      expect(stream.writes.filter((bytes) => bytes.length === 4)).toHaveLength(ticks);
    }
  });

  test("are not sent while bytes wait to leave", () => {
    const { clock, stream } = alone({ tick: { timeMs: 4_000 } }, ourFlags({ visible: true }));
    stream.queuedBytes = 10;

    clock.elapse(3_000);

    expect(stream.writes).toEqual([]);
  });
});

describe("the end", () => {
  test("close sends what was written, and each side learns it once", async () => {
    const { a, b, clock, network } = await connected();

    a.connection!.transmit({ op: "send", from: pidOfA, to: pidOfB, message: ok });
    a.connection!.close();
    a.connection!.close();
    expect(a.connection!.transmit({ op: "link", from: pidOfA, to: pidOfB })).toBe(false);
    clock.flush();

    expect(b.signals).toHaveLength(1);
    expect(a.ends).toEqual([{ reason: "disconnect", error: undefined }]);
    expect(b.ends).toEqual([{ reason: "connection_closed", error: undefined }]);
    expect(clock.pendingTimers).toBe(0);
    expect(network.openStreams).toBe(0);
  });

  test.each([
    ["left", (_: Connection) => {}],
    ["left, and the connection closed", (connection: Connection) => connection.close()],
  ])("comes when lent bytes are transferred before they have %s, and each side learns it once", async (_, then) => {
    const { a, b, clock, network } = await connected();
    const bytes = new Uint8Array(1024 * 1024);

    a.connection!.transmit({ op: "send", from: pidOfA, to: pidOfB, message: lend(bytes) });
    a.connection!.transmit({ op: "send", from: pidOfA, to: pidOfB, message: ok });
    structuredClone(bytes, { transfer: [bytes.buffer] });
    then(a.connection!);
    clock.flush();

    const error = expect.objectContaining({ code: "DIST_LENT", node: B.name });
    expect(a.ends).toEqual([{ reason: "lent_bytes", error }]);
    expect(b.ends).toMatchObject([{ reason: "connection_closed" }]);
    expect(b.signals).toEqual([]);
    expect(a.connection!.queuedBytes).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    expect(network.openStreams).toBe(0);
  });

  test("a lost network is connection_closed with its error", async () => {
    const { a, b, clock, network } = await connected();

    network.cut();
    clock.flush();

    expect(a.ends).toEqual([{ reason: "connection_closed", error: expect.objectContaining({ code: "ECONNRESET" }) }]);
    expect(b.ends).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a peer that breaks the protocol loses its connection, with a named error", () => {
  const pid = (node: string) => new Pid(node, 1, 0, 1);
  const bad: [string, Buffer, string][] = [
    ["a frame over the limit", Buffer.from("ffffffff", "hex"), "DIST_LIMIT"],
    ["a body of one byte", frame(Buffer.of(131)), "DIST_TERM"],
    ["no version", frame(Buffer.from("7083616a", "hex")), "DIST_PROTOCOL"],
    ["an unknown kind of body", frame(Buffer.from("834700", "hex")), "DIST_PROTOCOL"],
    ["a control message that is no tuple", frame(Buffer.from("8344006161", "hex")), "DIST_PROTOCOL"],
    ["an empty control message", frame(Buffer.from("8344006800", "hex")), "DIST_PROTOCOL"],
    ["an unknown opcode", frame(Buffer.from("83440068016163", "hex")), "DIST_PROTOCOL"],
    ["the obsolete opcode 5", frame(Buffer.from("83440068016105", "hex")), "DIST_PROTOCOL"],
    ["an opcode that is no integer", frame(Buffer.from("83440068017701", "hex")), "DIST_TERM"],
    ["too few elements", frame(Buffer.from("83440068016101", "hex")), "DIST_PROTOCOL"],
    ["elements of the wrong kind", frame(Buffer.from("8344006803610161016101", "hex")), "DIST_PROTOCOL"],
    ["an atom reference without a header entry", frame(Buffer.from("8344005200", "hex")), "DIST_PROTOCOL"],
    ["a reference to an empty slot", frame(Buffer.from("83440100056801", "hex")), "DIST_PROTOCOL"],
    ["a header atom that is not UTF-8", frame(Buffer.from("834401080501ff6801", "hex")), "DIST_TERM"],
    ["a truncated header", frame(Buffer.from("8344ff08", "hex")), "DIST_TERM"],
    ["a fragment of an unknown sequence", frame(fragment(70, 1n, 1n)), "DIST_PROTOCOL"],
    ["a first fragment with the sequence id 0", frame(fragment(69, 0n, 2n)), "DIST_PROTOCOL"],
    ["a message of 2^63 fragments", frame(fragment(69, 1n, 2n ** 63n)), "DIST_LIMIT"],
    [
      "a link of a third node's process",
      frame(signalBytes({ op: "link", from: pid("c@host"), to: pidOfA })),
      "DIST_IDENTITY",
    ],
    [
      "a monitor by a reference of a third node",
      frame(signalBytes({ op: "monitor", from: pidOfB, to: pidOfA, ref: new Ref("c@host", 1, [1, 2, 3]) })),
      "DIST_IDENTITY",
    ],
    [
      "a third node's process for one that it has spawned",
      frame(
        signalBytes({
          op: "spawnReply",
          ref: new Ref(A.name, 1, [1, 2, 3]),
          to: pidOfA,
          flags: 0,
          result: pid("c@host"),
        }),
      ),
      "DIST_IDENTITY",
    ],
    [
      "an exit of our own process",
      frame(signalBytes({ op: "exit", from: pidOfA, to: pidOfA, reason: ok })),
      "DIST_IDENTITY",
    ],
    [
      "a message that is no term",
      frame(
        Buffer.concat([
          signalBytes({ op: "send", from: pidOfB, to: pidOfA, message: 1 }).subarray(0, -2),
          Buffer.of(7),
        ]),
      ),
      "DIST_TERM",
    ],
    [
      "a message that is missing",
      frame(signalBytes({ op: "send", from: pidOfB, to: pidOfA, message: 1 }).subarray(0, -2)),
      "DIST_TERM",
    ],
  ];

  test.each(bad)("%s", (_, bytes, code) => {
    for (const step of [1, bytes.length]) {
      const { connection, clock, side, stream } = alone();
      const more = frame(signalBytes({ op: "link", from: pidOfB, to: pidOfA }));

      const all = Buffer.concat([more, bytes, more]);
      for (let at = 0; at < all.length; at += step) connection.data(all.subarray(at, at + step));

      expect(side.ends).toEqual([{ reason: "protocol_error", error: expect.objectContaining({ code, node: B.name }) }]);
      expect(side.signals).toHaveLength(1);
      expect(stream.closed).toBe(1);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  test("bytes after the last term are ignored, as on the BEAM", () => {
    const { connection, side } = alone();
    const link = signalBytes({ op: "link", from: pidOfB, to: pidOfA });

    connection.data(frame(Buffer.concat([link, Buffer.from([1, 2, 3])])));

    expect(side.signals).toHaveLength(1);
    expect(connection.open).toBe(true);
  });
});

describe("the admission", () => {
  test("sees the signal before its payload is decoded, and what it refuses is dropped undecoded", () => {
    const seen: unknown[] = [];
    const { connection, side } = alone({
      up: () => ({
        signal: (signal) => side.signal(signal),
        drained() {},
        closed: (reason, error) => side.closed(reason, error),
        admission: {
          maxPayloadBytes: 2,
          admit(signal) {
            seen.push(signal);
            return signal.op !== "sendName";
          },
          tooLong: (signal) => void seen.push(["too long", signal.op]),
        },
      }),
    });
    const broken = signalBytes({ op: "sendName", from: pidOfB, to: "x", message: 1 }).subarray(0, -2);

    connection.data(frame(Buffer.concat([broken, Buffer.from([7, 7, 7])])));
    connection.data(frame(signalBytes({ op: "send", from: pidOfB, to: pidOfA, message: 1 })));
    connection.data(frame(signalBytes({ op: "send", from: pidOfB, to: pidOfA, message: 1000 })));

    expect(seen).toMatchObject([
      { op: "sendName", to: "x", message: undefined },
      { op: "send" },
      { op: "send" },
      ["too long", "send"],
    ]);
    expect(side.signals).toEqual([{ op: "send", from: pidOfB, to: pidOfA, message: 1 }]);
    expect(side.ends).toEqual([]);
  });
});

test("a peer that asks on and on and does not read the answers loses its connection, one that is only slow does not", () => {
  const { connection, clock, stream, side } = alone({ limits: { maxUnreadBytes: 10_000 } });
  side.signal = () => void connection.transmit({ op: "linkExit", from: pidOfA, to: pidOfB, reason: ok });
  const asks = frame(signalBytes({ op: "link", from: pidOfB, to: pidOfA }));
  connection.data(asks);
  clock.flush();
  stream.queuedBytes = 10_001;

  connection.transmit({ op: "send", from: pidOfA, to: pidOfB, message: 1 });
  expect(connection.open).toBe(true);
  connection.data(asks);

  expect(side.ends).toMatchObject([{ reason: "unread_limit", error: { code: "DIST_LIMIT", node: B.name } }]);
});

test("a connection that is ended while its handler is being made tells that handler", () => {
  const side = new Side();
  const up = (connection: Connection) => {
    connection.transmit({ op: "send", from: null, to: pidOfB, message: new Uint8Array(100_000) });
    connection.close("replaced");
    return side.up(connection);
  };

  const { connection, clock, stream } = alone({ up });

  expect(side.ends).toEqual([{ reason: "replaced", error: undefined }]);
  expect([connection.open, stream.closed, clock.pendingTimers]).toEqual([false, 1, 0]);
});

class RecordedStream implements ByteStream {
  readonly writes: Uint8Array[] = [];
  queuedBytes = 0;
  closed = 0;

  write(bytes: Uint8Array): void {
    this.writes.push(this.queuedBytes > 0 ? bytes : bytes.slice());
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.closed++;
  }
}

/** Node a's connection to b over a stream that only records. */
function alone(options: Partial<ConnectionOptions> = {}, flags: Flags = ourFlags()) {
  const clock = new SimulatedClock();
  const stream = new RecordedStream();
  const side = new Side();
  const connection = new Connection({
    clock,
    stream,
    established: { peer: B, self: A, flags },
    up: side.up,
    ...options,
  });
  return { connection, clock, stream, side };
}

/** The body that a connection of b writes for a signal, with a header that has no references. */
function signalBytes(signal: Signal): Buffer {
  const { connection, stream } = alone({}, ourFlags({ without: Flag.DistHdrAtomCache }));
  connection.transmit(signal);
  connection.flush();
  return Buffer.concat(stream.writes).subarray(4);
}

function frame(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function fragment(kind: 69 | 70, sequenceId: bigint, fragmentId: bigint): Buffer {
  const bytes = Buffer.alloc(18);
  bytes[0] = 131;
  bytes[1] = kind;
  bytes.writeBigUInt64BE(sequenceId, 2);
  bytes.writeBigUInt64BE(fragmentId, 10);
  return bytes;
}
