import fc from "fast-check";
import { expect, test } from "vitest";
import { EventBuffer } from "../../src/stage/buffer.ts";
import { integers } from "./harness.ts";

const filled = (events: number[], capacity = Number.POSITIVE_INFINITY) => {
  const buffer = new EventBuffer<number>(capacity, "last");
  buffer.put(events);
  return buffer;
};

test("events leave in the order in which they came, as many as are taken", () => {
  const buffer = filled([1, 2, 3]);

  expect(buffer.take(2)).toEqual({ events: [1, 2], infos: [] });
  expect(buffer.take(2)).toEqual({ events: [3], infos: [] });
  expect(buffer.take(2)).toEqual({ events: [], infos: [] });
});

// buffer_overflow_keep_last, buffer_overflow_keep_first
test("a full buffer that keeps the last lets the oldest go, one that keeps the first the new ones", () => {
  const last = new EventBuffer<number>(5, "last");
  const first = new EventBuffer<number>(5, "first");
  for (const buffer of [last, first]) buffer.put([1, 2, 3, 4, 5]);

  expect(last.put([6, 7, 8]).discarded).toBe(3);
  expect(first.put([6, 7, 8]).discarded).toBe(3);

  expect(last.take(9).events).toEqual([4, 5, 6, 7, 8]);
  expect(first.take(9).events).toEqual([1, 2, 3, 4, 5]);
});

test("more events than fit at all leave the newest, or the oldest", () => {
  const last = new EventBuffer<number>(2, "last");
  const first = new EventBuffer<number>(2, "first");

  expect(last.put([1, 2, 3, 4, 5]).discarded).toBe(3);
  expect(first.put([1, 2, 3, 4, 5]).discarded).toBe(3);

  expect(last.take(9).events).toEqual([4, 5]);
  expect(first.take(9).events).toEqual([1, 2]);
});

// info_ordering
test("taking stops at an info, which is due after the events before it", () => {
  const buffer = filled([1, 2, 3]);
  buffer.putInfo("a");
  buffer.putInfo("b");
  buffer.put([4, 5]);
  buffer.putInfo("d");

  expect(buffer.take(2)).toEqual({ events: [1, 2], infos: [] });
  expect(buffer.take(5)).toEqual({ events: [3], infos: ["a", "b"] });
  expect(buffer.take(4)).toEqual({ events: [4, 5], infos: ["d"] });
});

test("an info for an empty buffer is not queued", () => {
  const buffer = filled([1]);
  buffer.take(1);

  expect(buffer.putInfo("now")).toBe(false);
});

test("an info whose events are discarded is due at that moment", () => {
  const buffer = filled([1, 2], 3);
  buffer.putInfo("behind 2");
  buffer.put([3]);

  expect(buffer.put([4])).toEqual({ discarded: 1, infos: [] });
  expect(buffer.put([5])).toEqual({ discarded: 1, infos: ["behind 2"] });
});

test("it is a queue, however it is filled and emptied", () => {
  const steps = fc.array(fc.record({ put: fc.nat(3_000), take: fc.nat(3_000) }), { maxLength: 20 });
  fc.assert(
    fc.property(steps, (all) => {
      const buffer = new EventBuffer<number>(Number.POSITIVE_INFINITY, "last");
      const model: number[] = [];
      let next = 0;
      for (const { put, take } of all) {
        const events = integers(next, put);
        next += put;
        buffer.put(events);
        model.push(...events);
        expect(buffer.take(take).events).toEqual(model.splice(0, take));
        expect(buffer.size).toBe(model.length);
      }
    }),
    { numRuns: 30 },
  );
});
