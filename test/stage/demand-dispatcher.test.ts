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
  const dispatcher = new DemandDispatcher<number>(outlet, { maxDemand: expectedMax });
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

test("#131: the demand of a consumer that is gone is used up by the next asks", () => {
  const { dispatcher } = dispatcherWith([
    [a, 5],
    [b, 0],
  ]);

  expect(dispatcher.cancel(a)).toBe(0);
  expect(dispatcher.ask(3, b)).toBe(0);
  expect(dispatcher.ask(3, b)).toBe(1);
});

// consumer_dies_with_unserved_demand on GenStage 1.3
test("#130: events that find no demand lower what the next asks are set off against, to nothing and no further", () => {
  const some = dispatcherWith([[a, 10]]).dispatcher;
  const all = dispatcherWith([[a, 10]]).dispatcher;
  for (const dispatcher of [some, all]) {
    dispatcher.cancel(a);
    expect(dispatcher.dispatch([1, 2, 3])).toEqual([1, 2, 3]);
  }
  expect(all.dispatch(integers(4, 10))).toEqual(integers(4, 10));

  for (const dispatcher of [some, all]) dispatcher.subscribe(b);
  expect(some.ask(8, b)).toBe(1);
  expect(all.ask(8, b)).toBe(8);
});

test("#128: a consumer that comes and goes leaves nothing", () => {
  const { outlet, dispatcher } = dispatcherWith([[a, 0]]);

  expect(dispatcher.cancel(a)).toBe(0);

  expect(dispatcher.dispatch([1])).toEqual([1]);
  expect(outlet.delivered).toEqual([]);
  dispatcher.subscribe(b);
  expect(dispatcher.ask(3, b)).toBe(3);
});

test("#129: what is owed is handed on from consumer to consumer", () => {
  const { dispatcher } = dispatcherWith([[a, 10]]);
  dispatcher.cancel(a);

  dispatcher.subscribe(b);
  expect(dispatcher.ask(5, b)).toBe(0);
  dispatcher.cancel(b);
  dispatcher.subscribe(c);

  expect(dispatcher.ask(11, c)).toBe(1);
});

test("#132: what is asked for adds up, and what nobody has asked for is left", () => {
  const { outlet, dispatcher } = dispatcherWith([[a, 3]]);

  expect(dispatcher.dispatch([1])).toEqual([]);
  dispatcher.ask(3, a);
  expect(dispatcher.dispatch(integers(2, 7))).toEqual([7, 8]);
  expect(dispatcher.dispatch([9])).toEqual([9]);

  expect(outlet.delivered).toEqual([
    ["a", [1]],
    ["a", integers(2, 5)],
  ]);
});

test.each([
  [[], "acb"],
  [[[c, 2]], "cab"],
  [
    [
      [c, 2],
      [b, 4],
    ],
    "bca",
  ],
] as const)("#133: with 4, 2 and 3, and then %j, asked for, they are served in the order %s", (asks, order) => {
  const { outlet, dispatcher } = dispatcherWith([[a, 4], [b, 2], [c, 3]]); // biome-ignore format: one line
  for (const [who, count] of asks) dispatcher.ask(count, who);

  dispatcher.dispatch(integers(0, 20));

  expect(outlet.delivered.map(([who]) => who).join("")).toBe(order);
});

test.each([
  ["#134", [3, 2], [5], [["a", [0, 1, 2]], ["b", [3, 4]]], 0],
  ["#135", [3, 3], [2, 2], [["a", [0, 1]], ["b", [2, 3]]], 0],
  ["#136", [1, 1], [3], [["a", [0]], ["b", [1]]], 1],
] as const)("%s: with %j asked for, messages of %j events are divided", (_number, [one, two], sizes, delivered, rest) => {
  const { outlet, dispatcher } = dispatcherWith([[a, one], [b, two]]); // biome-ignore format: one line
  let next = 0;
  let left: readonly number[] = [];
  for (const size of sizes) {
    left = dispatcher.dispatch(integers(next, size));
    next += size;
  }

  expect(outlet.delivered).toEqual(delivered);
  expect(left).toHaveLength(rest);
}); // biome-ignore format: one case a line

test("#137: the order is one by chance at the first events, and not again", () => {
  const orders = new Set<string>();
  const outlet = new Recorder();
  for (let i = 0; i < 50; i++) {
    const dispatcher = new DemandDispatcher<number>(outlet, { shuffleDemandsOnFirstDispatch: true });
    for (const who of [a, b, c]) {
      dispatcher.subscribe(who);
      dispatcher.ask(2, who);
    }
    outlet.delivered.length = 0;
    expect(dispatcher.dispatch(integers(0, 6))).toEqual([]);
    orders.add(outlet.delivered.map(([who]) => who).join(""));
    for (const who of [a, b, c]) dispatcher.ask(1, who);
    outlet.delivered.length = 0;
    dispatcher.dispatch(integers(0, 3));
    expect(outlet.delivered.map(([who]) => who).join("")).toBe("abc");
  }

  expect([...orders].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
});

test("a consumer that has not asked does not come before others by chance", () => {
  const outlet = new Recorder();
  for (let i = 0; i < 20; i++) {
    const dispatcher = new DemandDispatcher<number>(outlet, { shuffleDemandsOnFirstDispatch: true });
    for (const who of [a, b, c]) dispatcher.subscribe(who);
    dispatcher.ask(1, b);

    expect(dispatcher.dispatch([1])).toEqual([]);
  }
});

test("#139: asks above the maximum that is expected are warned about, and granted", () => {
  const { outlet, dispatcher } = dispatcherWith([[a, 0]], 3);

  expect(dispatcher.ask(4, a)).toBe(4);

  expect(outlet.warnings).toEqual([expect.stringContaining("expects a maximum demand of 3")]);
});

test("#140: asks above the first one are warned about, each time, and served all the same", () => {
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

test("#138: infos are passed on at once", () => {
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
