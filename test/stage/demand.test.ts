import fc from "fast-check";
import { expect, test } from "vitest";
import { Demand } from "../../src/stage/demand.ts";

/** Sizes and asks of the chunks of each message. */
const trace = (max: number, min: number, messages: number[]) => {
  const demand = new Demand(max, min);
  return messages.map((count) => demand.take(count).map(({ size, ask }) => [size, ask]));
};

// The table of gen_stage.md §5.3, each row recorded from GenStage 1.3.2 and 1.1.2.
test("a message of max events is cut into windows of max - min, each followed by an ask for as many", () => {
  expect(trace(10, 5, [10])).toEqual([[[5, 5], [5, 5]]]); // biome-ignore format: one row a line
  expect(trace(1000, 500, [1000, 300])).toEqual([[[500, 500], [500, 500]], [[300, 0]]]); // biome-ignore format: as above
  expect(trace(10, 8, [10])).toEqual([[[2, 2], [2, 2], [2, 2], [2, 2], [2, 2]]]); // biome-ignore format: as above
});

test("a demand of one is asked for one by one", () => {
  expect(trace(1, 0, [1, 1])).toEqual([[[1, 1]], [[1, 1]]]);
});

test("a chunk is never cut where the threshold is, so that an ask can exceed it", () => {
  expect(trace(1000, 750, [100, 100, 100])).toEqual([[[100, 0]], [[100, 0]], [[100, 300]]]);
});

test("events that nobody asked for are handled but create no demand", () => {
  const demand = new Demand(4, 2);

  expect(demand.take(7)).toEqual([
    { size: 2, ask: 2, excess: 0 },
    { size: 2, ask: 2, excess: 0 },
    { size: 2, ask: 0, excess: 2 },
    { size: 1, ask: 0, excess: 1 },
  ]);
  expect(demand.take(2)).toEqual([{ size: 2, ask: 2, excess: 0 }]);
});

test("an empty message has no chunks", () => {
  expect(new Demand(4, 2).take(0)).toEqual([]);
});

test("whatever the producer's batches, what is outstanding stays above min after an ask and never exceeds max", () => {
  const demands = fc.integer({ min: 1, max: 50 }).chain((max) => fc.tuple(fc.constant(max), fc.nat(max - 1)));
  fc.assert(
    fc.property(
      demands,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 50 }),
      ([max, min], parts) => {
        const demand = new Demand(max, min);
        let outstanding = max;
        for (const part of parts) {
          const count = Math.ceil(outstanding * part);
          const chunks = demand.take(count);
          expect(chunks.reduce((sum, { size }) => sum + size, 0)).toBe(count);
          for (const { size, ask, excess } of chunks) {
            expect(size).toBeLessThanOrEqual(max - min);
            expect(excess).toBe(0);
            outstanding += ask - size;
            expect(outstanding).toBeLessThanOrEqual(max);
          }
          expect(outstanding).toBe(demand.outstanding);
          expect(outstanding).toBeGreaterThan(min);
        }
      },
    ),
  );
});
