import fc from "fast-check";
import { expect, test } from "vitest";
import { DemandDispatcher } from "../../src/stage/demand-dispatcher.ts";
import type { DispatcherConsumer } from "../../src/stage/dispatcher.ts";
import { integers, remotePid } from "./harness.ts";
import { Recorder } from "./recorder.ts";

const consumer = (key: string, id = 1): DispatcherConsumer => ({ key, tag: key, pid: remotePid("ex@127.0.0.1", id) });
const [a, b, c] = [consumer("a"), consumer("b"), consumer("c")];

function dispatcherWith(asks: readonly (readonly [DispatcherConsumer, number])[], expectedMax = 1_000) {
  const outlet = new Recorder();
  const dispatcher = new DemandDispatcher(outlet, expectedMax);
  for (const [who, count] of asks) {
    dispatcher.subscribe(who);
    if (count > 0) dispatcher.ask(count, who);
  }
  return { outlet, dispatcher };
}

// demand_dispatcher_push_order
test("events go to the consumer with the most demand, to the one that has waited longest among equals", () => {
  const { outlet, dispatcher } = dispatcherWith([
    [a, 3],
    [b, 2],
    [c, 2],
  ]);

  dispatcher.dispatch([1, 2]);
  const left = dispatcher.dispatch([3, 4, 5, 6, 7, 8]);

  expect(outlet.delivered).toEqual([
    ["a", [1, 2]],
    ["b", [3, 4]],
    ["c", [5, 6]],
    ["a", [7]],
  ]);
  expect(left).toEqual([8]);
});

test("what a consumer asks for is demanded, and nothing twice", () => {
  const { dispatcher } = dispatcherWith([[a, 0]]);

  expect(dispatcher.subscribe(b)).toBe(0);
  expect(dispatcher.ask(5, a)).toBe(5);
  expect(dispatcher.ask(3, b)).toBe(3);
});

test("the demand of a consumer that is gone is used up by the next asks", () => {
  const { dispatcher } = dispatcherWith([
    [a, 5],
    [b, 0],
  ]);

  expect(dispatcher.cancel(a)).toBe(0);
  expect(dispatcher.ask(3, b)).toBe(0);
  expect(dispatcher.ask(3, b)).toBe(1);
});

// consumer_dies_with_unserved_demand on GenStage 1.3
test("events that find no demand lower what the next asks are set off against", () => {
  const { dispatcher } = dispatcherWith([[a, 5]]);
  dispatcher.cancel(a);

  expect(dispatcher.dispatch([1, 2, 3])).toEqual([1, 2, 3]);

  dispatcher.subscribe(b);
  expect(dispatcher.ask(4, b)).toBe(2);
});

test("asks above the first one are warned about, each time, and served all the same", () => {
  const outlet = new Recorder();
  const dispatcher = new DemandDispatcher(outlet);
  dispatcher.subscribe(a);
  dispatcher.ask(2, a);

  expect(dispatcher.ask(5, a)).toBe(5);
  expect(dispatcher.ask(5, a)).toBe(5);

  expect(outlet.warnings).toHaveLength(2);
  expect(outlet.warnings[0]).toContain("expects a maximum demand of 2");
  dispatcher.dispatch(integers(1, 12));
  expect(outlet.delivered).toEqual([["a", integers(1, 12)]]);
});

// ask_from_third_process
test("events go to the process that asked last for the subscription", () => {
  const outlet = new Recorder();
  const pids: unknown[] = [];
  outlet.deliver = ({ pid }) => void pids.push(pid);
  const dispatcher = new DemandDispatcher(outlet);
  dispatcher.subscribe(consumer("a", 1));

  dispatcher.ask(1, consumer("a", 2));
  dispatcher.dispatch([1]);

  expect(pids).toEqual([remotePid("ex@127.0.0.1", 2)]);
});

test("infos are passed on at once", () => {
  const { outlet, dispatcher } = dispatcherWith([]);

  dispatcher.info("last");

  expect(outlet.infos).toEqual(["last"]);
});

test("nobody gets more than was asked for, nothing is lost or given twice", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ ask: fc.integer({ min: 1, max: 20 }), who: fc.constantFrom(a, b, c) }),
      fc.record({ events: fc.integer({ min: 1, max: 30 }) }),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const { outlet, dispatcher } = dispatcherWith([[a, 0], [b, 0], [c, 0]]); // biome-ignore format: short
      const asked = new Map<unknown, number>();
      const left: number[] = [];
      let next = 0;
      for (const step of all) {
        if ("ask" in step) {
          dispatcher.ask(step.ask, step.who);
          asked.set(step.who.key, (asked.get(step.who.key) ?? 0) + step.ask);
        } else {
          left.push(...dispatcher.dispatch(integers(next, step.events)));
          next += step.events;
        }
      }
      const given = outlet.delivered.flatMap(([, events]) => events);
      expect([...given, ...left].sort((x, y) => x - y)).toEqual(integers(0, next));
      for (const { key } of [a, b, c]) {
        const got = outlet.delivered.filter(([to]) => to === key).reduce((sum, [, events]) => sum + events.length, 0);
        expect(got).toBeLessThanOrEqual(asked.get(key) ?? 0);
      }
    }),
  );
});
