import { describe, expect, test } from "vitest";
import { abilitiesOf, ourFlags, type Signal } from "../../src/dist/index.ts";
import { type Admit, PacketReader } from "../../src/dist/packet-reader.ts";
import { Decoder, Encoder, Writer } from "../../src/etf/index.ts";
import { atom, type Pid, Ref, tuple } from "../../src/term/index.ts";
import { A, ok, pidOfA, pidOfB } from "./links.ts";

// The bodies follow erl_dist_protocol and erl_ext_dist; the forms that BEAMs were seen to send are in the recordings.
const LIMITS = { maxMessageBytes: 5_000, maxPendingBytes: 8_000, maxSequences: 3 };
const NO_ATOMS = Buffer.of(0);
const none = atom("");
const refOfA = new Ref(A.name, A.creation, [1, 2, 3]);
/** As `seq_trace` makes it: flags, label, serial, sender, last count. */
const token = tuple(7, 42, 3, pidOfA, 2);

function reader(admit?: Admit) {
  const abilities = abilitiesOf(ourFlags());
  return new PacketReader({ peer: A.name, abilities, decoder: new Decoder(), limits: LIMITS, admit });
}

function terms(...values: unknown[]): Buffer {
  const writer = new Writer();
  const encoder = new Encoder();
  for (const value of values) encoder.write(writer, value);
  return Buffer.concat(writer.take());
}

const whole = (...parts: Uint8Array[]) => Buffer.concat([Buffer.of(131, 68), ...parts]);

function fragment(kind: "first" | "next", sequence: number, id: number, ...parts: Uint8Array[]): Buffer {
  const head = Buffer.alloc(18);
  head.set([131, kind === "first" ? 69 : 70]);
  head.writeBigUInt64BE(BigInt(sequence), 2);
  head.writeBigUInt64BE(BigInt(id), 10);
  return Buffer.concat([head, ...parts]);
}

const control = (to: Pid) => terms(tuple(22, pidOfA, to));
const message = (value: unknown): Signal => ({ op: "send", from: pidOfA, to: pidOfB, message: value });

describe("control messages with a trace token are the signals that they are without it", () => {
  const forms: [string, unknown[], Signal][] = [
    ["SEND_TT", [tuple(12, none, pidOfB, token), "hello"], { op: "send", from: null, to: pidOfB, message: "hello" }],
    ["EXIT_TT", [tuple(13, pidOfA, pidOfB, token, ok)], { op: "linkExit", from: pidOfA, to: pidOfB, reason: ok }],
    [
      "REG_SEND_TT",
      [tuple(16, pidOfA, none, atom("x"), token), 1],
      { op: "sendName", from: pidOfA, to: "x", message: 1 },
    ],
    ["EXIT2_TT", [tuple(18, pidOfA, pidOfB, token, ok)], { op: "exit", from: pidOfA, to: pidOfB, reason: ok }],
    ["SEND_SENDER_TT", [tuple(23, pidOfA, pidOfB, token), 1], message(1)],
    [
      "PAYLOAD_EXIT_TT",
      [tuple(25, pidOfA, pidOfB, token), ok],
      { op: "linkExit", from: pidOfA, to: pidOfB, reason: ok },
    ],
    ["PAYLOAD_EXIT2_TT", [tuple(27, pidOfA, pidOfB, token), ok], { op: "exit", from: pidOfA, to: pidOfB, reason: ok }],
    [
      "SPAWN_REQUEST_TT",
      [tuple(30, refOfA, pidOfA, pidOfA, tuple(atom("m"), atom("f"), 1), [], token), [1]],
      {
        op: "spawnRequest",
        ref: refOfA,
        from: pidOfA,
        groupLeader: pidOfA,
        module: "m",
        function: "f",
        arity: 1,
        options: [],
        args: [1],
      },
    ],
    [
      "SPAWN_REPLY_TT",
      [tuple(32, refOfA, pidOfB, 0, atom("notsup"), token)],
      { op: "spawnReply", ref: refOfA, to: pidOfB, flags: 0, result: atom("notsup") },
    ],
    [
      "ALIAS_SEND_TT",
      [tuple(34, pidOfA, refOfA, token), 1],
      { op: "sendAlias", from: pidOfA, to: refOfA, message: 1, priority: false },
    ],
    [
      "ALTACT_SIG_SEND with a token, to an alias, with priority",
      [tuple(37, 1 + 2 + 4, pidOfA, refOfA, token), 1],
      { op: "sendAlias", from: pidOfA, to: refOfA, message: 1, priority: true },
    ],
    [
      "ALTACT_SIG_SEND with a token, to a name",
      [tuple(37, 2 + 8, pidOfA, atom("x"), token), 1],
      { op: "sendName", from: pidOfA, to: "x", message: 1 },
    ],
    [
      "ALTACT_SIG_SEND with a token, an exit",
      [tuple(37, 2 + 16, pidOfA, pidOfB, token), ok],
      { op: "exit", from: pidOfA, to: pidOfB, reason: ok },
    ],
  ];

  test.each(forms)("%s", (_, [head, ...payload], signal) => {
    const body = whole(NO_ATOMS, terms(head, ...payload));
    const [first, second] = [terms(head), terms(...payload)];

    expect(reader().read(body)).toEqual(signal);
    if (payload.length === 0) return;
    const inPieces = reader();
    expect(inPieces.read(fragment("first", 9, 2, NO_ATOMS, first))).toBeUndefined();
    expect(inPieces.read(fragment("next", 9, 1, second))).toEqual(signal);
  });

  test("without the token they have the wrong arity", () => {
    for (const head of [tuple(12, none, pidOfB), tuple(23, pidOfA, pidOfB), tuple(27, pidOfA, pidOfB)]) {
      expect(() => reader().read(whole(NO_ATOMS, terms(head, 1)))).toThrow(
        expect.objectContaining({ code: "DIST_PROTOCOL" }),
      );
    }
  });
});

describe("fragments", () => {
  /** A header that puts one atom into slot 5 and refers to it; and one that refers to what is there. */
  const telling = (text: string) => Buffer.concat([Buffer.of(1, 0x08, 5, text.length), Buffer.from(text)]);
  const reference = Buffer.of(82, 0);

  test("of several messages interleave with each other and with whole messages, which arrive when they are complete", () => {
    const packets = reader();
    const long = terms("abcdefgh".repeat(100));
    const seen = [
      fragment("first", 1, 3, NO_ATOMS, control(pidOfB), long.subarray(0, 100)),
      fragment("first", 2, 2, NO_ATOMS, control(pidOfB)),
      whole(NO_ATOMS, control(pidOfB), terms("whole")),
      fragment("next", 1, 2),
      fragment("next", 2, 1, terms("second")),
      fragment("first", 2, 1, NO_ATOMS, control(pidOfB), terms("alone")),
      fragment("next", 1, 1, long.subarray(100)),
    ].map((body) => packets.read(body));

    expect(seen).toEqual([
      undefined,
      undefined,
      message("whole"),
      undefined,
      message("second"),
      message("alone"),
      message("abcdefgh".repeat(100)),
    ]);
  });

  test("refer to the atoms of their first one, though their slot was taken over meanwhile", () => {
    const packets = reader();

    packets.read(fragment("first", 1, 2, telling("old"), control(pidOfB)));
    const between = packets.read(whole(telling("new"), control(pidOfB), reference));
    const after = packets.read(fragment("next", 1, 1, reference));
    const later = packets.read(whole(Buffer.of(1, 0x00, 5), control(pidOfB), reference));

    expect([between, after, later]).toEqual([message(atom("new")), message(atom("old")), message(atom("new"))]);
  });

  test("are counted and not kept when their message is not admitted, which is asked once, at the first", () => {
    const asked: unknown[] = [];
    const packets = reader((signal, bytes) => {
      asked.push([signal.op, bytes]);
      return false;
    });
    const part = new Uint8Array(4_000);

    expect(packets.read(fragment("first", 1, 100, telling("told"), control(pidOfB), part))).toBeUndefined();
    for (let id = 99; id >= 1; id--) expect(packets.read(fragment("next", 1, id, part))).toBeUndefined();

    expect(asked).toEqual([["send", 4_000]]);
    expect(() => packets.read(fragment("next", 1, 1))).toThrow(expect.objectContaining({ code: "DIST_PROTOCOL" }));
  });

  test("of a message that is not admitted still teach their atoms", () => {
    let first = true;
    const packets = reader(() => {
      const admitted = !first;
      first = false;
      return admitted;
    });

    packets.read(fragment("first", 1, 2, telling("told"), control(pidOfB)));
    packets.read(fragment("next", 1, 1, reference));

    expect(packets.read(whole(Buffer.of(1, 0x00, 5), control(pidOfB), reference))).toEqual(message(atom("told")));
  });

  const part = new Uint8Array(3_000);
  const begin = (sequence: number) => fragment("first", sequence, 9, NO_ATOMS, control(pidOfB), part);
  test.each([
    ["a message over the limit", [begin(1), fragment("next", 1, 8, part)], "DIST_LIMIT"],
    ["unfinished messages over the limit together", [begin(1), begin(2), begin(3)], "DIST_LIMIT"],
    [
      "more unfinished messages than accepted",
      [1, 2, 3, 4].map((id) => fragment("first", id, 2, NO_ATOMS, control(pidOfB))),
      "DIST_LIMIT",
    ],
    ["ids out of order", [begin(1), fragment("next", 1, 7)], "DIST_PROTOCOL"],
    ["one that comes twice", [begin(1), fragment("next", 1, 8), fragment("next", 1, 8)], "DIST_PROTOCOL"],
    ["a sequence that begins twice", [begin(1), begin(1)], "DIST_PROTOCOL"],
    ["a control message that is cut", [fragment("first", 1, 2, NO_ATOMS, control(pidOfB).subarray(0, 9))], "DIST_TERM"],
    ["no term in the end", [fragment("first", 1, 2, NO_ATOMS, control(pidOfB)), fragment("next", 1, 1)], "DIST_TERM"],
  ])("are refused: %s", (_, bodies, code) => {
    const packets = reader();

    for (const body of bodies.slice(0, -1)) packets.read(body);

    expect(() => packets.read(bodies.at(-1)!)).toThrow(expect.objectContaining({ code, node: A.name }));
  });
});
