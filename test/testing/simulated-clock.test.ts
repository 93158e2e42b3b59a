import { expect, test } from "vitest";
import { SimulatedClock } from "../../src/testing/index.ts";

test("timers fire in the order of their due time, and of their making when that is equal", () => {
  const clock = new SimulatedClock();
  const seen: [string, number][] = [];
  for (const [name, ms] of [
    ["c", 30],
    ["a", 10],
    ["b", 10],
    ["d", 31],
  ] as const) {
    clock.setTimer(ms, () => seen.push([name, clock.now()]));
  }

  clock.elapse(30);

  expect(seen).toEqual([
    ["a", 10],
    ["b", 10],
    ["c", 30],
  ]);
  expect(clock.now()).toBe(30);
  expect(clock.pendingTimers).toBe(1);
});

test("a cancelled timer is gone and does not fire", () => {
  const clock = new SimulatedClock();
  const timer = clock.setTimer(5, () => expect.unreachable());

  timer.cancel();
  timer.cancel();
  clock.elapse(10);

  expect(clock.pendingTimers).toBe(0);
});

test("deferred work runs before time moves, and what it defers runs one turn later", () => {
  const clock = new SimulatedClock();
  const seen: string[] = [];
  clock.setTimer(0, () => seen.push("timer"));
  clock.defer(() => {
    seen.push("first");
    clock.defer(() => seen.push("third"));
  });
  clock.defer(() => seen.push("second"));

  clock.elapse(0);

  expect(seen).toEqual(["first", "second", "third", "timer"]);
});

test("promises react between two timers", async () => {
  const clock = new SimulatedClock();
  const seen: string[] = [];
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(ms, resolve));
  const worker = (async () => {
    await sleep(10);
    seen.push(`awake at ${clock.now()}`);
    await sleep(10);
    seen.push(`again at ${clock.now()}`);
  })();
  clock.setTimer(15, () => seen.push("between"));

  await clock.run();
  await worker;

  expect(seen).toEqual(["awake at 10", "between", "again at 20"]);
});

test("run refuses to go on for ever", async () => {
  const clock = new SimulatedClock();
  const again = () => void clock.setTimer(1_000, again);
  again();

  await expect(clock.run(10_000)).rejects.toThrow("1 timers are still pending");
});

test("wall time starts where the test says and moves along", () => {
  const clock = new SimulatedClock(1_000);

  clock.elapse(5);

  expect(clock.wallTime()).toBe(1_005);
});
