import { expect, test } from "vitest";
import { Deadline } from "../../src/cli/deadline.ts";
import { SimulatedClock } from "../../src/testing/index.ts";

const forever = () => new Promise<never>(() => {});

test("work that is done in time gives its result, and leaves no timer", async () => {
  const clock = new SimulatedClock();
  const deadline = new Deadline(clock, 100, new AbortController().signal);

  await expect(deadline.wait(Promise.resolve(1), "counting")).resolves.toBe(1);
  await expect(deadline.wait(Promise.reject(new Error("no")), "counting")).rejects.toThrow("no");
  expect(clock.pendingTimers).toBe(0);
});

test("the time is that from the start on, for all work together", async () => {
  const clock = new SimulatedClock();
  const deadline = new Deadline(clock, 100, new AbortController().signal);
  await clock.advance(70);

  const waiting = deadline.wait(forever(), "connecting to a@b");
  const outcome = expect(waiting).rejects.toMatchObject({ code: "TIMEOUT", message: /connecting to a@b .* 100 ms/ });
  expect(deadline.leftMs).toBe(30);
  await clock.advance(30);

  await outcome;
  expect(clock.pendingTimers).toBe(0);
});

test("an interrupt ends the waiting with its reason, with and without a time", async () => {
  for (const timeoutMs of [100, Number.POSITIVE_INFINITY]) {
    const clock = new SimulatedClock();
    const controller = new AbortController();
    const waiting = new Deadline(clock, timeoutMs, controller.signal).wait(forever(), "waiting");

    controller.abort(new Error("interrupted"));

    await expect(waiting).rejects.toThrow("interrupted");
    expect(clock.pendingTimers).toBe(0);
  }
});
