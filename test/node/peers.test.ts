import { expect, test } from "vitest";
import { silentLogger } from "../../src/base/index.ts";
import type { Connection, ConnectionHandler, ConnectRequest, Signal } from "../../src/dist/index.ts";
import { Peers, type PeersOptions } from "../../src/node/index.ts";
import { atom, copyTerm, EncodeError, Pid } from "../../src/term/index.ts";
import { SeededRandom, SimulatedClock } from "../../src/testing/index.ts";

const PEER = "b@host";
const REQUEST: ConnectRequest = { name: PEER, wantsName: false, flags: 0n };
const HELLO: Signal = { op: "send", from: null, to: new Pid(PEER, 1, 0, 1), message: atom("hello") };

/** A connection as {@link Peers} sees it. */
class FakeConnection {
  readonly peer = { name: PEER, creation: 1 };
  readonly abilities = { unlinkId: true };
  readonly sent: Signal[] = [];
  readonly ends: string[] = [];
  handler: ConnectionHandler | undefined;
  /** A message that it cannot carry. */
  tooWide: unknown;

  bytesAhead(): number {
    return 0;
  }

  bytesHeld(): number {
    return 0;
  }

  laneOf(): undefined {}

  transmit(signal: Signal): boolean {
    if ("message" in signal && signal.message === this.tooWide) throw new EncodeError("ETF_PEER", "it is too wide");
    this.sent.push(signal);
    return true;
  }

  close(reason: string): void {
    this.ends.push(reason);
    this.handler?.closed(reason);
  }
}

/** The peers of a@host, whose attempts to connect stay under way until they are given up. */
function setup(owner: Partial<PeersOptions["owner"]> = {}) {
  const events: string[] = [];
  const abandoned: unknown[] = [];
  const peers = new Peers({
    self: "a@host",
    dial: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          abandoned.push(signal.reason);
          reject(signal.reason);
        });
      }),
    owner: {
      signal() {},
      settle: () => true,
      refused() {},
      up: () => void events.push("up"),
      down: (_node, reason) => void events.push(reason),
      ...owner,
    },
    logger: silentLogger,
    clock: new SimulatedClock(),
    random: new SeededRandom(1),
    setupTimeoutMs: 1_000,
    rules: undefined,
    highWaterBytes: 1_000,
    maxQueuedBytes: 1_000,
    maxQueuedSignals: 10,
    fixed: copyTerm,
  });
  const up = (attempt?: { order: number }, tooWide?: unknown) => {
    const connection = new FakeConnection();
    connection.tooWide = tooWide;
    connection.handler = peers.up(connection as unknown as Connection, attempt);
    return connection;
  };
  return { peers, up, events, abandoned };
}

test("of two attempts of a peer the later one is kept, whichever succeeds first", () => {
  const [first, second] = [{ order: 1 }, { order: 2 }];

  const inOrder = setup();
  expect([inOrder.peers.decide(REQUEST, first), inOrder.peers.decide(REQUEST, second)]).toEqual(["ok", "ok"]);
  const [old, young] = [inOrder.up(first), inOrder.up(second)];
  expect([old.ends, young.ends]).toEqual([["replaced"], []]);
  expect(inOrder.events).toEqual(["up", "replaced", "up"]);

  const crossed = setup();
  crossed.peers.decide(REQUEST, first);
  crossed.peers.decide(REQUEST, second);
  const [live, late] = [crossed.up(second), crossed.up(first)];
  expect([live.ends, late.ends]).toEqual([[], ["disconnect"]]);
  expect(crossed.events).toEqual(["up"]);
});

test("an attempt that fails late does not count against those that came after it", () => {
  const { peers, events } = setup();
  const [first, second] = [{ order: 1 }, { order: 2 }];
  peers.decide(REQUEST, first);
  peers.disconnect(PEER);
  peers.decide(REQUEST, second);

  peers.acceptFailed(PEER, first, new Error("late"));
  expect(peers.connecting).toBe(1);
  peers.acceptFailed(PEER, second, new Error("failed"));

  expect(peers.connecting).toBe(0);
  expect(events).toEqual(["connection_setup_failed", "connection_setup_failed"]);
});

test("an unlink is acknowledged in the name of a peer of OTP 23.2, which knows no acknowledgements", () => {
  const got: unknown[] = [];
  const { peers, up } = setup({ signal: (signal) => void got.push(signal) });
  const [ours, theirs] = [new Pid("a@host", 1, 0, 1), new Pid(PEER, 1, 0, 1)];
  peers.decide(REQUEST, { order: 1 });
  const connection = up({ order: 1 });
  const unlink = (id: number): Signal => ({ op: "unlink", from: ours, to: theirs, id });

  void peers.transmit(PEER, unlink(1), false);
  connection.abilities.unlinkId = false;
  void peers.transmit(PEER, unlink(2), false);

  expect(connection.sent).toEqual([unlink(1), unlink(2)]);
  expect(got).toEqual([{ op: "unlinkAck", from: theirs, to: ours, id: 2 }]);
});

test("what waited for a connection that cannot carry it fails by itself, told to who sent it; the rest leaves", () => {
  const { peers, up } = setup();
  const told: unknown[] = [];
  const wide = { ...HELLO, message: atom("too wide") };
  void peers.transmit(PEER, HELLO, true);
  void peers.transmit(PEER, wide, true, (why) => told.push(why));
  void peers.transmit(PEER, wide, true);
  void peers.transmit(PEER, HELLO, true);

  const connection = up(undefined, wide.message);

  expect(connection.sent).toEqual([HELLO, HELLO]);
  expect(told).toEqual([expect.objectContaining({ code: "ETF_PEER" })]);
});

test("who is told that a connection is replaced may send at once: it goes over the new one", () => {
  const { peers, up, abandoned } = setup({ down: () => void peers.transmit(PEER, HELLO, true) });
  const [first, second] = [{ order: 1 }, { order: 2 }];
  peers.decide(REQUEST, first);
  up(first);
  expect(peers.decide(REQUEST, second)).toBe("alive");

  peers.takeOver(PEER, second);
  const connection = up(second);

  expect(connection.sent).toMatchObject([{ op: "send" }]);
  expect(abandoned).toMatchObject([{ code: "HANDSHAKE_NOK" }]);
  expect([peers.connecting, peers.connections()]).toEqual([0, [connection]]);
});
