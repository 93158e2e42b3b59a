import { expect, test } from "vitest";
import { addRestart } from "../../src/otp/supervisor/restart-intensity.ts";

/** The number of the restart, from 1, that is one too many; 0 when none is. */
function firstExceeded(timesMs: readonly number[], maxRestarts: number, maxSeconds: number): number {
  let restarts: readonly number[] = [];
  return (
    timesMs.findIndex((nowMs) => {
      const counted = addRestart(restarts, nowMs, { maxRestarts, maxSeconds });
      restarts = counted.restarts;
      return counted.exceeded;
    }) + 1
  );
}

test("as many restarts as allowed are borne, one more within the time is not", () => {
  expect(firstExceeded([0, 10, 20], 3, 5)).toBe(0);
  expect(firstExceeded([0, 10, 20, 30], 3, 5)).toBe(4);
});

test("without any allowed the first is one too many", () => {
  expect(firstExceeded([0], 0, 5)).toBe(1);
});

test("a restart counts until it is older than the time, in whole seconds", () => {
  expect(firstExceeded([0, 5_999], 1, 5)).toBe(2);
  expect(firstExceeded([0, 6_000], 1, 5)).toBe(0);
  expect(firstExceeded([900, 6_000], 1, 5)).toBe(0);
});

test("restarts that no longer count are not kept", () => {
  let restarts: readonly number[] = [];
  for (let nowMs = 0; nowMs < 1_000_000; nowMs += 1000) {
    ({ restarts } = addRestart(restarts, nowMs, { maxRestarts: 3, maxSeconds: 5 }));
  }
  expect(restarts).toHaveLength(6);
});
