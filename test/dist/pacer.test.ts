import { describe, expect, test } from "vitest";
import { Flag, ourFlags, type Signal } from "../../src/dist/index.ts";
import { Pacer } from "../../src/dist/pacer.ts";
import { Pid } from "../../src/term/index.ts";
import { A, B, connected, pidOfA, pidOfB } from "./links.ts";

const ROUND = 65_536;
const big = (size: number): Signal => ({
  op: "send",
  from: pidOfA,
  to: pidOfB,
  message: new Uint8Array(size).fill(255),
});

/** Sends until a question is due, asks it, and gives the bytes that went. */
function round(pacer: Pacer, id: number, now: number, read = 0, isQuiet = false): number {
  let bytes = ROUND;
  while (!pacer.sent(ROUND)) bytes += ROUND;
  pacer.asked(id, now, read, isQuiet);
  return bytes;
}

describe("the pacer", () => {
  test("lets one round go to a near node, and the next one with its answer", () => {
    const pacer = new Pacer();
    expect(pacer.isOpen).toBe(true);
    round(pacer, 1, 0);
    expect(pacer.isOpen).toBe(false);

    pacer.answered(1, 1, 0);
    expect(pacer.isOpen).toBe(true);
    round(pacer, 2, 1);
    expect(pacer.isOpen).toBe(false);
  });

  test("lets two rounds go to a far node, so that the link is busy while the first one is answered", () => {
    const pacer = new Pacer();
    round(pacer, 1, 0);
    pacer.answered(1, 40, 0);
    round(pacer, 2, 40);
    expect(pacer.isOpen).toBe(true);
    round(pacer, 3, 40);
    expect(pacer.isOpen).toBe(false);
  });

  test("makes rounds longer while answers are as fast as ever, up to 16 MiB, and shorter when they are slower", () => {
    const pacer = new Pacer();
    const sizes: number[] = [];
    for (let id = 1; id <= 40; id++) {
      sizes.push(round(pacer, id, id * 100));
      pacer.answered(id, id * 100 + (id <= 20 ? 50 : 1_000), 0);
    }

    expect(sizes[0]).toBe(ROUND);
    expect(Math.max(...sizes)).toBe(16 * 1024 * 1024);
    expect(sizes.at(-1)).toBe(ROUND);
  });

  test("makes them no shorter for answers that were behind what the peer sends", () => {
    const pacer = new Pacer();
    const sizes: number[] = [];
    for (let id = 1; id <= 10; id++) {
      sizes.push(round(pacer, id, id * 100, id * 1_000_000));
      pacer.answered(id, id * 100 + id * 50, (id + 1) * 1_000_000);
    }

    expect(sizes).toEqual([...sizes].sort((one, other) => one - other));
    expect(sizes.at(-1)).toBeGreaterThan(20 * ROUND);
  });

  test("takes an answer for those before it, and forgets unknown ones", () => {
    const pacer = new Pacer();
    round(pacer, 7, 0);
    round(pacer, 8, 0);

    pacer.answered(3, 1, 0);
    expect(pacer.isOpen).toBe(false);
    pacer.answered(8, 1, 0);

    expect(pacer.isOpen).toBe(true);
  });
});

describe("on a connection", () => {
  test("no more than one round runs ahead of what a near peer has read", async () => {
    const { a, b, clock } = await connected();
    b.connection!.frame = () => {};

    a.connection!.transmit(big(1_000_000));
    clock.flush();

    // The first fragment, then a round.
    expect(a.connection!.queuedBytes).toBeGreaterThan(1_000_000 - 3 * ROUND);
    expect(a.connection!.queuedBytes).toBeLessThan(1_000_000 - ROUND);
  });

  test("a peer that never answers gets the rest after 2 s", async () => {
    const { a, b, clock } = await connected();
    b.connection!.frame = () => {};
    a.connection!.transmit(big(1_000_000));
    clock.flush();

    clock.elapse(2_000);

    expect(a.connection!.queuedBytes).toBe(0);
  });

  test("a peer that need not answer is not asked", async () => {
    const { a, b, clock } = await connected({ dial: { flags: ourFlags({ without: Flag.UnlinkId }) } });
    b.connection!.frame = () => {};

    a.connection!.transmit(big(1_000_000));
    clock.flush();

    expect(a.connection!.queuedBytes).toBe(0);
  });

  test("questions are asked of init, and stay with the connections", async () => {
    const { a, b, clock } = await connected();
    const asked: Signal[] = [];
    const transmit = a.connection!.transmit.bind(a.connection);
    b.connection!.transmit = (signal) => {
      asked.push(signal);
      return false;
    };

    transmit(big(300_000));
    clock.flush();

    const [zeroOfA, zeroOfB] = [A, B].map(({ name, creation }) => new Pid(name, 0, 0, creation));
    expect(asked[0]).toEqual({ op: "unlinkAck", from: zeroOfB, to: zeroOfA, id: 1 });
    clock.elapse(2_000);
    expect(b.signals.map(({ op }) => op)).toEqual(["send"]);
    expect(a.signals).toEqual([]);
  });

  test("nothing runs on once a large message has left or the connection is over", async () => {
    const { a, clock } = await connected();
    const timers = clock.pendingTimers;

    a.connection!.transmit(big(1_000_000));
    clock.flush();
    expect(clock.pendingTimers).toBe(timers);
    a.connection!.transmit(big(1_000_000));
    a.connection!.close("disconnect", { abort: true });
    clock.flush();

    expect(clock.pendingTimers).toBe(0);
  });
});
