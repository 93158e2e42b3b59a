import { expect, test } from "vitest";
import { SeededRandom } from "../../src/testing/index.ts";

test("the same seed gives the same numbers, another seed others", () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 20 }, () => random.u32());
  };

  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(new Set(draw(0)).size).toBe(20);
});

test("numbers are unsigned 32-bit integers and spread over the range", () => {
  const random = new SeededRandom(1);
  const quarters = [0, 0, 0, 0];
  for (let i = 0; i < 40_000; i++) {
    const value = random.u32();
    expect(value).toBe(value >>> 0);
    quarters[value >>> 30]!++;
  }

  for (const count of quarters) expect(count).toBeGreaterThan(9_500);
});

test("below stays below and pick gives every item", () => {
  const random = new SeededRandom(3);
  const seen = new Set(Array.from({ length: 200 }, () => random.below(6)));

  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(new Set(Array.from({ length: 100 }, () => random.pick(["a", "b"]))).size).toBe(2);
});
