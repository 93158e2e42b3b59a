import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { abilitiesOf, ourFlags, type Signal } from "../../src/dist/index.ts";
import { type Admission, PacketReader } from "../../src/dist/packet-reader.ts";
import { Decoder, Encoder, Writer } from "../../src/etf/index.ts";
import { atom, Pid, Ref, tuple } from "../../src/term/index.ts";
import { A, ok, pidOfA, pidOfB } from "./links.ts";

// The bodies follow erl_dist_protocol and erl_ext_dist; the forms that BEAMs were seen to send are in the recordings.
const LIMITS = { maxMessageBytes: 5_000, maxPendingBytes: 8_000, maxSequences: 3 };
const NO_ATOMS = Buffer.of(0);
const none = atom("");
const refOfA = new Ref(A.name, A.creation, [1, 2, 3]);
/** As `seq_trace` makes it: flags, label, serial, sender, last count. */
const token = tuple(7, 42, 3, pidOfA, 2);

function reader(admission?: Partial<Admission>) {
  const abilities = abilitiesOf(ourFlags());
  return new PacketReader({
    peer: A.name,
    abilities,
    decoder: new Decoder(),
    limits: LIMITS,
    admission: admission && {
      maxPayloadBytes: Number.POSITIVE_INFINITY,
      admit: () => true,
      tooLong: () => {},
      ...admission,
    },
  });
}

function terms(...values: unknown[]): Buffer {
  const writer = new Writer();
  const encoder = new Encoder();
  for (const value of values) encoder.write(writer, value);
  return Buffer.from(writer.take());
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

describe("a signal that changes a link, a monitor or a process comes from a process of the peer only", () => {
  const foreign = new Pid("c@host", 1, 0, 1);
  const id = 1;
  test.each<[string, (from: Pid) => unknown[], unknown[]]>([
    ["LINK", (from) => [1, from, pidOfB], []],
    ["EXIT", (from) => [3, from, pidOfB, ok], []],
    ["UNLINK", (from) => [4, from, pidOfB], []],
    ["EXIT2", (from) => [8, from, pidOfB, ok], []],
    ["MONITOR_P", (from) => [19, from, pidOfB, refOfA], []],
    ["DEMONITOR_P", (from) => [20, from, pidOfB, refOfA], []],
    ["PAYLOAD_EXIT", (from) => [24, from, pidOfB], [ok]],
    ["PAYLOAD_EXIT2", (from) => [26, from, pidOfB], [ok]],
    ["SPAWN_REQUEST", (from) => [29, refOfA, from, pidOfA, tuple(atom("m"), atom("f"), 0), []], [[]]],
    ["UNLINK_ID", (from) => [35, id, from, pidOfB], []],
    ["UNLINK_ID_ACK", (from) => [36, id, from, pidOfB], []],
    ["ALTACT_SIG_SEND, an exit", (from) => [37, 16, from, pidOfB], [ok]],
  ])("%s", (_, head, payload) => {
    const read = (from: Pid) => reader().read(whole(NO_ATOMS, terms(tuple(...(head(from) as object[])), ...payload)));

    expect(read(pidOfA)).toMatchObject({ from: pidOfA });
    for (const from of [foreign, pidOfB]) {
      expect(() => read(from)).toThrow(expect.objectContaining({ code: "DIST_IDENTITY", node: A.name }));
    }
  });
});

describe("a payload that is too long", () => {
  const reason = Buffer.concat([Buffer.of(109, 0, 0, 0, 100), Buffer.alloc(100, "x")]);

  test.each<[string, unknown[], Signal["op"]]>([
    ["EXIT", [3, pidOfA, pidOfB], "linkExit"],
    ["EXIT2", [8, pidOfA, pidOfB], "exit"],
    ["EXIT_TT", [13, pidOfA, pidOfB, token], "linkExit"],
    ["MONITOR_P_EXIT", [21, pidOfA, pidOfB, refOfA], "down"],
  ])("is refused unread also where it stands in the control message: %s", (_, head, op) => {
    const refused: Signal[] = [];
    const packets = reader({ maxPayloadBytes: 100, tooLong: (signal) => void refused.push(signal) });
    const broken = Buffer.concat([terms(tuple(...(head as object[]), 0)).subarray(0, -2), reason]);
    broken[broken.length - 105] = 255; // no tag of a term

    expect(packets.read(whole(NO_ATOMS, broken))).toBeUndefined();

    expect(refused).toMatchObject([{ op, reason: undefined }]);
    expect(() => packets.read(whole(NO_ATOMS, broken.subarray(0, -5)))).toThrow(
      expect.objectContaining({ code: "DIST_TERM" }),
    );
  });

  test("cannot hide in a compressed term, which no node sends: it is none", () => {
    // term_to_binary(binary:copy(<<"x">>, 10000), [compressed]) on OTP 25
    const compressed = "835000002715789CEDC1311100000804A08F600BD3B91BDF1E1E3049D7020000000000000000C003070B3C5133";
    const payload = Buffer.from(compressed, "hex").subarray(1);

    expect(() => reader({ maxPayloadBytes: 1_000 }).read(whole(NO_ATOMS, control(pidOfB), payload))).toThrow(
      expect.objectContaining({ code: "DIST_TERM" }),
    );
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
    const packets = reader({
      admit: ({ op }) => {
        asked.push(op);
        return false;
      },
      tooLong: () => expect.unreachable(),
    });
    const part = new Uint8Array(4_000);

    expect(packets.read(fragment("first", 1, 100, telling("told"), control(pidOfB), part))).toBeUndefined();
    for (let id = 99; id >= 1; id--) expect(packets.read(fragment("next", 1, id, part))).toBeUndefined();

    expect(asked).toEqual(["send"]);
    expect(() => packets.read(fragment("next", 1, 1))).toThrow(expect.objectContaining({ code: "DIST_PROTOCOL" }));
  });

  test("are not kept from the one on with which their message is too long, and others go on", () => {
    const refused: Signal[] = [];
    const packets = reader({ maxPayloadBytes: 1_500, tooLong: (signal) => void refused.push(signal) });
    const part = new Uint8Array(1_000);
    const other = terms("abcdefgh".repeat(150));

    packets.read(fragment("first", 1, 100, telling("told"), control(pidOfB), part));
    packets.read(fragment("first", 2, 2, NO_ATOMS, control(pidOfB), other.subarray(0, 700)));
    expect(refused).toEqual([]);
    packets.read(fragment("next", 1, 99, part));
    expect(refused).toEqual([{ ...message(undefined) }]);
    // More than may be pending together comes of it, so nothing of it is kept.
    for (let id = 98; id >= 2; id--) expect(packets.read(fragment("next", 1, id, part))).toBeUndefined();
    const completed = packets.read(fragment("next", 2, 1, other.subarray(700)));
    expect(packets.read(fragment("next", 1, 1, part))).toBeUndefined();

    expect(completed).toEqual(message("abcdefgh".repeat(150)));
    expect(refused).toHaveLength(1);
    expect(packets.read(whole(Buffer.of(1, 0x00, 5), control(pidOfB), reference))).toEqual(message(atom("told")));
    expect(packets.read(fragment("first", 1, 1, NO_ATOMS, control(pidOfB), terms(1)))).toEqual(message(1));
  });

  test("a message is too long by the bytes of its payload, whole or in however many fragments", () => {
    const payload = terms("abcdefgh".repeat(20));
    const sizes = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.array(fc.nat(payload.length), { maxLength: 5 }));
    fc.assert(
      fc.property(sizes, ([more, cuts]) => {
        let refusals = 0;
        const packets = reader({ maxPayloadBytes: payload.length + more, tooLong: () => void refusals++ });
        const bounds = [0, ...cuts.sort((a, b) => a - b), payload.length];
        const parts = bounds.slice(1).map((end, i) => payload.subarray(bounds[i], end));
        const bodies = parts.map((part, i) =>
          i === 0
            ? fragment("first", 1, parts.length, NO_ATOMS, control(pidOfB), part)
            : fragment("next", 1, parts.length - i, part),
        );

        const results = [...bodies, whole(NO_ATOMS, control(pidOfB), payload)].map((body) => packets.read(body));

        expect(results.filter(Boolean)).toHaveLength(more < 0 ? 0 : 2);
        expect(refusals).toBe(more < 0 ? 2 : 0);
      }),
    );
  });

  test("of a message that is not admitted still teach their atoms", () => {
    let first = true;
    const packets = reader({
      admit: () => {
        const admitted = !first;
        first = false;
        return admitted;
      },
    });

    packets.read(fragment("first", 1, 2, telling("told"), control(pidOfB)));
    packets.read(fragment("next", 1, 1, reference));

    expect(packets.read(whole(Buffer.of(1, 0x00, 5), control(pidOfB), reference))).toEqual(message(atom("told")));
  });

  const part = new Uint8Array(3_000);
  /** A request with 3,000 bytes of options, and its first, empty part. */
  const beginLong = (sequence: number) => {
    const options = [tuple(atom("priority"), "x".repeat(3_000))];
    const request = tuple(29, refOfA, pidOfA, pidOfA, tuple(atom("m"), atom("f"), 0), options);
    return fragment("first", sequence, 2, NO_ATOMS, terms(request));
  };
  const begin = (sequence: number) => fragment("first", sequence, 9, NO_ATOMS, control(pidOfB), part);
  test.each([
    ["a message over the limit", [begin(1), fragment("next", 1, 8, part)], "DIST_LIMIT"],
    ["unfinished messages over the limit together", [begin(1), begin(2), begin(3)], "DIST_LIMIT"],
    ["control messages over that limit, of unfinished ones", [1, 2, 3].map(beginLong), "DIST_LIMIT"],
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
