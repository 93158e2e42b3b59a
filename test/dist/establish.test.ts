import { describe, expect, test } from "vitest";
import type { ByteStream } from "../../src/base/index.ts";
import { writeName } from "../../src/dist/handshake-packets.ts";
import { answer, dial, Flag, type HandshakeErrorCode, ourFlags } from "../../src/dist/index.ts";
import { memoryTransport, SeededRandom, SimulatedClock } from "../../src/testing/index.ts";
import { A, B, connected, ok, pidOfA, pidOfB, Side, type World, type WorldOptions, world } from "./links.ts";

/** Whatever happened, nothing is left of it. */
function expectNothingLeft({ clock, network, a, b }: World): void {
  expect(a.connection?.open ?? false).toBe(false);
  expect(b.connection?.open ?? false).toBe(false);
  expect(clock.pendingTimers).toBe(0);
  expect(network.openStreams).toBe(0);
}

describe("two nodes connect", () => {
  test.each([1, 3, 1_000])("in chunks of at most %i bytes", async (maxChunkBytes) => {
    const { a, b } = await connected({ maxChunkBytes });

    expect(a.connection).toMatchObject({ peer: B, self: A, flags: ourFlags() });
    expect(b.connection).toMatchObject({ peer: A, self: B, flags: ourFlags() });
  });

  test("with lengths of four bytes, as inside TLS", async () => {
    const { a, b } = await connected({ dial: { lengthBytes: 4 }, answer: { lengthBytes: 4 } });

    expect(a.connection?.peer).toEqual(B);
    expect(b.connection?.peer).toEqual(A);
  });

  test("and what the acceptor sends at once, with its last packet, arrives", async () => {
    const b = new Side();
    const { a } = await connected({
      answer: {
        up: (connection) => {
          connection.transmit({ op: "send", from: pidOfB, to: pidOfA, message: ok });
          connection.flush();
          return b;
        },
      },
    });

    expect(a.signals).toEqual([{ op: "send", from: pidOfB, to: pidOfA, message: ok }]);
  });

  test("visible only when both want it", async () => {
    const visible = ourFlags({ visible: true });
    const one = await connected({ dial: { flags: visible } });
    const both = await connected({ dial: { flags: visible }, answer: { flags: visible } });

    expect(one.a.connection?.abilities.visible).toBe(false);
    expect(both.a.connection?.abilities.visible).toBe(true);
    expect(both.b.connection?.abilities.visible).toBe(true);
  });

  test("with a name that the acceptor gives", async () => {
    const named = { name: "3X9@host", creation: 99 };
    const { a, b } = await connected({
      dial: { self: { name: "host", creation: 0 }, flags: ourFlags({ dynamicName: true }) },
      answer: { decide: ({ name, wantsName }) => (wantsName && name === "host" ? { named } : "nok") },
    });

    expect(a.connection?.self).toEqual(named);
    expect(b.connection?.peer).toEqual(named);
  });

  test("in place of a live connection, which is gone once the cookie is proven", async () => {
    const taken: string[] = [];
    const { a } = await connected({ answer: { decide: () => "alive", takeOver: (peer) => taken.push(peer) } });

    expect(a.connection?.open).toBe(true);
    expect(taken).toEqual([A.name]);
  });
});

describe("a handshake that fails leaves nothing, and says why on both sides", () => {
  const cases: [string, WorldOptions, HandshakeErrorCode, HandshakeErrorCode][] = [
    ["another cookie", { dial: { cookie: "other" } }, "HANDSHAKE_COOKIE", "HANDSHAKE_COOKIE"],
    ["another name than dialled", { dial: { peer: "c@host" } }, "HANDSHAKE_NAME", "HANDSHAKE_CLOSED"],
    ["not allowed", { answer: { decide: () => "not_allowed" } }, "HANDSHAKE_NOT_ALLOWED", "HANDSHAKE_NOT_ALLOWED"],
    ["the other attempt wins", { answer: { decide: () => "nok" } }, "HANDSHAKE_NOK", "HANDSHAKE_NOK"],
    ["a takeover is under way", { answer: { decide: () => "close" } }, "HANDSHAKE_CLOSED", "HANDSHAKE_ALIVE"],
    [
      "the live connection stays",
      { answer: { decide: () => "alive" }, dial: { replaceLive: () => false } },
      "HANDSHAKE_ALIVE",
      "HANDSHAKE_ALIVE",
    ],
    ["our flags are too few", { dial: { flags: Flag.Handshake23 } }, "HANDSHAKE_NOT_ALLOWED", "HANDSHAKE_FLAGS"],
    ["the peer's flags are too few", { answer: { flags: Flag.Handshake23 } }, "HANDSHAKE_FLAGS", "HANDSHAKE_CLOSED"],
    ["an illegal name", { dial: { self: { name: "a.b@host", creation: 1 } } }, "HANDSHAKE_NOK", "HANDSHAKE_NAME"],
    ["the acceptor's own name", { dial: { self: B } }, "HANDSHAKE_NOK", "HANDSHAKE_NAME"],
    ["no node name", { dial: { self: { name: "a", creation: 1 } } }, "HANDSHAKE_CLOSED", "HANDSHAKE_NAME"],
    [
      "a name was wanted and none is given",
      { dial: { self: { name: "host", creation: 0 }, flags: ourFlags({ dynamicName: true }) } },
      "HANDSHAKE_NOT_ALLOWED",
      "HANDSHAKE_NOT_ALLOWED",
    ],
    ["four bytes meet two", { dial: { lengthBytes: 4 } }, "HANDSHAKE_CLOSED", "HANDSHAKE_PROTOCOL"],
  ];

  test.each(cases)("%s", async (_, options, initiatorCode, acceptorCode) => {
    const made = await world(options);
    await made.clock.settle();

    await expect(made.dialing).rejects.toMatchObject({ code: initiatorCode });
    expect(made.failures.map((error) => error.code)).toEqual([acceptorCode]);
    expectNothingLeft(made);
  });

  test("no cookie is in an error", async () => {
    const made = await world({ dial: { cookie: "my-cookie" } });
    await made.clock.settle();
    const error = await made.dialing.catch((reason: Error) => reason);

    for (const text of [error, ...made.failures].map((one) => JSON.stringify(one) + (one as Error).message)) {
      expect(text).not.toMatch(/my-cookie|secret/);
    }
  });

  test("nobody listens: the transport's error", async () => {
    const clock = new SimulatedClock();
    const network = memoryTransport({ clock });
    const side = new Side();
    const dialing = dial(
      network,
      { host: "nowhere", port: 1 },
      { clock, random: new SeededRandom(1), self: A, flags: ourFlags(), peer: B.name, cookie: "x", up: side.up },
    );
    dialing.catch(() => {});
    await clock.settle();

    await expect(dialing).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(clock.pendingTimers).toBe(0);
  });

  test("an aborted dial rejects with the signal's reason", async () => {
    const controller = new AbortController();
    const made = await world({ dial: { signal: controller.signal } });
    controller.abort("enough");
    await made.clock.settle();

    await expect(made.dialing).rejects.toBe("enough");
    expectNothingLeft(made);
  });
});

describe("a peer that is silent", () => {
  test("is given 7 s for each step", async () => {
    const clock = new SimulatedClock();
    const network = memoryTransport({ clock });
    await network.listen({ host: "b", port: 1 }, () => ({ data() {}, drained() {}, closed() {} }));
    const side = new Side();
    const dialing = dial(
      network,
      { host: "b", port: 1 },
      { clock, random: new SeededRandom(1), self: A, flags: ourFlags(), peer: B.name, cookie: "x", up: side.up },
    );
    let outcome: unknown;
    dialing.catch((error: unknown) => {
      outcome = error;
    });

    await clock.advance(6_999);
    expect(outcome).toBeUndefined();
    await clock.advance(1);

    expect(outcome).toMatchObject({ code: "HANDSHAKE_TIMEOUT", step: "status" });
    expect(clock.pendingTimers).toBe(0);
    expect(network.openStreams).toBe(0);
  });

  test("as the initiator loses its stream without a word", async () => {
    const { clock, network, failures, peer } = await raw();

    await clock.advance(7_000);

    expect(failures).toMatchObject([{ code: "HANDSHAKE_TIMEOUT", step: "name" }]);
    expect(peer.bytes).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    expect(network.openStreams).toBe(0);
  });
});

describe("garbage before the cookie is proven closes that stream only", () => {
  test.each([
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["an empty packet", Buffer.from([0, 0])],
    ["zeros", Buffer.alloc(4_000)],
    ["a TLS hello", Buffer.from("16030100c8010000c40303", "hex")],
    ["a name with a lying length", Buffer.concat([Buffer.from([0, 15]), Buffer.from(`4e${"00".repeat(13)}ff`, "hex")])],
  ])("%s", async (_, bytes) => {
    const { clock, network, failures, stream } = await raw();

    stream.write(bytes);
    await clock.advance(10_000);

    expect(failures).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
    expect(network.openStreams).toBe(0);
  });

  test("and so do more bytes than a handshake has", async () => {
    const { clock, failures, stream } = await raw();
    const name = writeName("c@host", ourFlags(), 1);
    const padded = Buffer.concat([name, Buffer.alloc(3_000)]);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(padded.length);

    stream.write(Buffer.concat([length, padded]));
    stream.write(Buffer.concat([Buffer.from([0x07, 0xd0]), Buffer.alloc(2_000)]));
    await clock.settle();

    expect(failures).toMatchObject([{ code: "HANDSHAKE_PROTOCOL", peer: "c@host" }]);
  });
});

describe("one side speaks TLS and the other does not: HANDSHAKE_TLS, at once and however it is cut", () => {
  test.each([1, 2, 1_000])("a hello that arrives in pieces of %i bytes", async (size) => {
    const { clock, failures, stream } = await raw();
    const hello = Buffer.from("16030100c8010000c40303", "hex");

    for (let at = 0; at < hello.length; at += size) stream.write(hello.subarray(at, at + size));
    await clock.settle();

    expect(failures).toMatchObject([{ code: "HANDSHAKE_TLS", step: "name" }]);
  });

  test("an alert in answer to our name", async () => {
    const clock = new SimulatedClock();
    const network = memoryTransport({ clock });
    const side = new Side();
    await network.listen({ host: "b", port: 1 }, (stream) => ({
      data: () => stream.write(Buffer.from("15030300020246", "hex")),
      drained() {},
      closed() {},
    }));
    const dialing = dial(
      network,
      { host: "b", port: 1 },
      { clock, random: new SeededRandom(1), self: A, flags: ourFlags(), peer: B.name, cookie: "x", up: side.up },
    );
    dialing.catch(() => {});
    await clock.settle();

    await expect(dialing).rejects.toMatchObject({ code: "HANDSHAKE_TLS", step: "status", peer: B.name });
  });
});

/** A stream to an acceptor, whose other side the test plays. */
async function raw() {
  const clock = new SimulatedClock();
  const network = memoryTransport({ clock });
  const failures: unknown[] = [];
  const side = new Side();
  await network.listen({ host: "b", port: 1 }, (stream) =>
    answer(stream, {
      clock,
      random: new SeededRandom(2),
      self: B,
      flags: ourFlags(),
      decide: () => "ok",
      cookieFor: () => "secret",
      up: side.up,
      failed: (error) => failures.push(error),
    }),
  );
  const peer = { bytes: 0 };
  const connecting = network.connect(
    { host: "b", port: 1 },
    {
      data(bytes) {
        peer.bytes += bytes.length;
      },
      drained() {},
      closed() {},
    },
  );
  await clock.settle();
  const stream: ByteStream = await connecting;
  return { clock, network, failures, stream, peer };
}
