import { expect, test } from "vitest";
import { Consumer, GenStage, type ProducerConsumer, type Subscribe, withOptions } from "../../src/stage/index.ts";
import { inspect } from "../../src/term/index.ts";
import { integers, NOTHING_LEFT, TestNode } from "./harness.ts";

class Collector extends Consumer<number> {
  static batches: number[][];

  override init(subscribeTo: readonly Subscribe[]) {
    Collector.batches = [];
    return withOptions({ subscribeTo });
  }

  handleEvents(events: number[]) {
    Collector.batches.push(events);
  }
}

/** A source of `count` integers, the stage, and a consumer behind it. */
async function pipeline(stage: new () => ProducerConsumer<number, number>, count: number, consume = { maxDemand: 10 }) {
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, count), { demand: "accumulate" }),
    { name: "numbers" },
  );
  const { pid } = await node.start(stage, { name: "middle" });
  await node.start(Collector, { args: [{ to: "middle", cancel: "temporary", ...consume }] });
  void GenStage.demand(node.process, "numbers", "forward");
  await node.clock.settle();
  return { node, pid };
}

const from = { subscribeTo: [{ to: "numbers", cancel: "transient", maxDemand: 20 }] } as const;

test("a generator in the middle gets every event and emits what it yields, in order", async () => {
  const double = GenStage.through<number, number>(async function* (events) {
    for await (const event of events) yield event * 2;
  }, from);

  const { node, pid } = await pipeline(double, 100);

  expect(Collector.batches.flat()).toEqual(integers(1, 100).map((event) => event * 2));
  expect(node.runtime.find(pid)).toBeUndefined();
});

test("it may yield more than it gets, less, and at the end", async () => {
  const totals = GenStage.through<number, number>(async function* (events) {
    let total = 0;
    for await (const event of events) {
      total += event;
      if (event % 10 === 0) yield* [event, total];
    }
    yield -total;
  }, from);

  await pipeline(totals, 25);

  expect(Collector.batches.flat()).toEqual([10, 55, 20, 210, -325]);
});

test("when it returns the stage ends after its last event, whatever is left of the input", async () => {
  const firstThree = GenStage.through<number, number>(async function* (events) {
    let count = 0;
    for await (const event of events) {
      yield event;
      if (++count === 3) return;
    }
  }, from);

  const { node, pid } = await pipeline(firstThree, 100);

  expect(Collector.batches.flat()).toEqual([1, 2, 3]);
  expect(node.runtime.find(pid)).toBeUndefined();
});

test("when it throws the stage ends with that error, behind what it yielded before", async () => {
  const failing = GenStage.through<number, number>(async function* (events) {
    for await (const event of events) {
      if (event === 5) throw new Error("no fives");
      yield event;
    }
  }, from);
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, 10)),
    { name: "numbers" },
  );
  const { pid } = await node.start(failing, { name: "middle" });
  const reasons: unknown[] = [];
  node.core.monitor(pid, (reason) => reasons.push(reason));
  await node.start(Collector, { args: [{ to: "middle", cancel: "temporary" }] });

  expect(inspect(reasons[0])).toContain("no fives");
  expect(Collector.batches.flat()).toEqual([1, 2, 3, 4]);
});

test("nothing is given to it while nobody asks for what it yields", async () => {
  const given: number[] = [];
  const middle = GenStage.through<number, number>(async function* (events) {
    for await (const event of events) {
      given.push(event);
      yield event;
    }
  }, from);
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, 100)),
    { name: "numbers" },
  );
  await node.start(middle, { name: "middle" });

  expect(given).toEqual([]);
});

test("what it yields without being given anything is emitted as well", async () => {
  let ring: () => void = () => {};
  const rung = new Promise<void>((resolve) => {
    ring = resolve;
  });
  const bell = GenStage.through<number, number>(async function* (events) {
    const iterator = events[Symbol.asyncIterator]();
    yield (await iterator.next()).value as number;
    await rung;
    yield 42;
    await iterator.next();
  }, from);

  const { node } = await pipeline(bell, 1_000);
  expect(Collector.batches.flat()).toEqual([1]);
  ring();
  await node.clock.settle();

  expect(Collector.batches.flat()).toEqual([1, 42]);
});

test("when the stage is ended from outside the generator's finally blocks run, and nothing is left", async () => {
  let cleaned = false;
  const middle = GenStage.through<number, number>(async function* (events, signal) {
    try {
      for await (const event of events) yield event;
    } finally {
      cleaned = signal.aborted;
    }
  }, {});
  const node = new TestNode();
  const { pid } = await node.start(middle, { name: "middle" });
  const consumer = await node.start(Collector, { args: [{ to: "middle", cancel: "temporary" }] });

  node.core.sendExit(pid, "enough");
  node.core.sendExit(consumer.pid, "enough");
  await node.clock.settle();

  expect(cleaned).toBe(true);
  expect(node.left()).toEqual(NOTHING_LEFT);
});
