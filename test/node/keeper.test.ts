import { describe, expect, test } from "vitest";
import { type BackoffOptions, backoffOf } from "../../src/base/index.ts";
import { Keeper } from "../../src/node/index.ts";
import { SeededRandom, SimulatedClock } from "../../src/testing/index.ts";

const NODE = "b@127.0.0.1";

/** A keeper whose tries are noted with their time; the test says how each one ends. */
function keeping(options: BackoffOptions = {}, seed = 1) {
  const clock = new SimulatedClock();
  const tries: number[] = [];
  const connect = () => {
    tries.push(clock.now());
    return new Promise<void>(() => {});
  };
  const reconnect = backoffOf({ minDelayMs: 100, jitter: 0, ...options }, "reconnect");
  const keeper = new Keeper({ reconnect, clock, random: new SeededRandom(seed), connect });
  return { clock, tries, keeper };
}

describe("a kept node", () => {
  test("is connected to at once, and after waits that double up to the longest", () => {
    const { clock, tries, keeper } = keeping({ maxDelayMs: 350 });
    keeper.keep(NODE);

    for (let i = 0; i < 5; i++) {
      keeper.down(NODE);
      clock.elapse(350);
    }

    expect(tries).toEqual([0, 100, 550, 1_050, 1_400, 1_750]);
  });

  test("is tried after the shortest wait again once it was there", () => {
    const { clock, tries, keeper } = keeping();
    keeper.keep(NODE);
    for (let i = 0; i < 3; i++) {
      keeper.down(NODE);
      clock.elapse(1_000);
    }
    keeper.up(NODE);

    keeper.down(NODE);
    clock.elapse(100);

    expect(tries.at(-1)).toBe(3_100);
  });

  test("that connects by itself meanwhile is not tried", () => {
    const { clock, tries, keeper } = keeping();
    keeper.keep(NODE);
    keeper.down(NODE);

    keeper.up(NODE);

    expect([clock.pendingTimers, tries.length]).toEqual([0, 1]);
  });

  test("is waited for once, however often it is said to be gone", () => {
    const { clock, keeper } = keeping();
    keeper.keep(NODE);
    keeper.down(NODE);
    keeper.down(NODE);
    expect(clock.pendingTimers).toBe(1);
  });

  test("is forgotten by the function that keep gave, and with all others by stop", () => {
    const { clock, keeper } = keeping();
    const forget = keeper.keep(NODE);
    keeper.keep("c@127.0.0.1");
    keeper.down(NODE);
    keeper.down("c@127.0.0.1");

    forget();
    expect(clock.pendingTimers).toBe(1);
    keeper.stop();
    keeper.down(NODE);

    expect(clock.pendingTimers).toBe(0);
  });

  test("is one of those that were asked for: others are not connected to", () => {
    const { clock, keeper } = keeping();
    keeper.down(NODE);
    expect(clock.pendingTimers).toBe(0);
  });
});

test("jitter shortens the waits of each node differently, by at most its part", () => {
  const waits = Array.from({ length: 50 }, (_, seed) => {
    const { clock, tries, keeper } = keeping({ jitter: 0.5 }, seed);
    keeper.keep(NODE);
    keeper.down(NODE);
    clock.elapse(100);
    return tries[1]!;
  });

  expect(Math.min(...waits)).toBeGreaterThanOrEqual(50);
  expect(Math.max(...waits)).toBeLessThanOrEqual(100);
  expect(new Set(waits).size).toBeGreaterThan(40);
});

test.each([{ minDelayMs: 0 }, { minDelayMs: 200, maxDelayMs: 100 }, { jitter: 1.5 }, { jitter: Number.NaN }])(
  "%o is refused",
  (options) => {
    expect(() => backoffOf(options, "reconnect")).toThrow(
      expect.objectContaining({ code: "BADARG", argument: "reconnect" }),
    );
  },
);
