import { expect, test } from "vitest";
import { noReply } from "../../src/otp/index.ts";
import { Consumer, GenStage, Producer, ProducerConsumer, type Subscribe, withOptions } from "../../src/stage/index.ts";
import { atom } from "../../src/term/index.ts";
import { integers, NOTHING_LEFT, TestNode } from "./harness.ts";

class Numbers extends Producer<number> {
  static demands: number;
  #next = 1;

  override init() {
    Numbers.demands = 0;
  }

  handleDemand(demand: number) {
    Numbers.demands++;
    if (this.#next > 10) return undefined;
    this.#next += demand;
    return noReply({ events: integers(this.#next - demand, demand) });
  }

  override handleInfo() {
    return noReply({ events: [101, 102, 103] });
  }
}

/** Passes events on, when it is let. */
class Middle extends ProducerConsumer<number, number> {
  override init(subscribeTo: readonly Subscribe[]) {
    return withOptions({ subscribeTo });
  }

  handleEvents(events: number[]) {
    return noReply({ events });
  }
}

class Collector extends Consumer<number> {
  static events: number[];

  override init(subscribeTo: readonly Subscribe[]) {
    Collector.events = [];
    return withOptions({ subscribeTo });
  }

  handleEvents(events: number[]) {
    Collector.events.push(...events);
  }
}

async function drained(node: TestNode, stage: string): Promise<string> {
  let outcome = "pending";
  GenStage.drain(node.process, stage).then(
    () => {
      outcome = "drained";
    },
    (error: { code: string }) => {
      outcome = error.code;
    },
  );
  await node.clock.settle();
  return outcome;
}

test("a producer that drains demands nothing more, sends what it has, and ends with normal", async () => {
  const node = new TestNode();
  const { pid } = await node.start(Numbers, { name: "numbers" });
  void node.process.send(pid, atom("now"));
  await node.clock.settle();
  expect(await drained(node, "numbers")).toBe("pending");

  const reasons: unknown[] = [];
  node.core.monitor(pid, (reason) => reasons.push(reason));
  await node.start(Collector, { args: [{ to: pid, cancel: "temporary", maxDemand: 10 }] });

  expect(Collector.events).toEqual([101, 102, 103]);
  expect(Numbers.demands).toBe(0);
  expect(reasons).toEqual([atom("normal")]);
});

test("one in the middle hands on what it has taken in, and its producer lives on", async () => {
  const node = new TestNode();
  const { pid: source } = await node.start(Numbers, { name: "numbers" });
  const { pid } = await node.start(Middle, { name: "middle", args: [{ to: "numbers", maxDemand: 4 }] });
  expect(await drained(node, "middle")).toBe("pending");
  await node.start(Collector, { args: [{ to: pid, cancel: "temporary", maxDemand: 10 }] });

  expect(Collector.events).toEqual([1, 2, 3, 4]);
  expect(node.runtime.find(pid)).toBeUndefined();
  expect(node.runtime.find(source)).toBeDefined();
});

test("a consumer cancels its subscriptions and ends, even those that would take it with them", async () => {
  const node = new TestNode();
  await node.start(Numbers, { name: "numbers" });
  await node.start(Collector, { name: "collector", args: [{ to: "numbers", maxDemand: 4, cancel: "permanent" }] });

  expect(await drained(node, "collector")).toBe("drained");
  expect(node.left()).toEqual({ ...NOTHING_LEFT, processes: 1, names: 1 });
});

test("a source is read no further, and what it was giving is sent", async () => {
  const given: ((value: number) => void)[] = [];
  const node = new TestNode();
  const source = async function* () {
    for (;;) yield await new Promise<number>((resolve) => given.push(resolve));
  };
  const { pid } = await node.start(GenStage.from(source), { name: "source" });
  await node.start(Collector, { args: [{ to: pid, cancel: "temporary", maxDemand: 10 }] });

  const draining = drained(node, "source");
  await node.clock.settle();
  given.shift()!(1);
  await draining;
  await node.clock.settle();

  expect(Collector.events).toEqual([1]);
  expect(given).toEqual([]);
  expect(node.runtime.find(pid)).toBeUndefined();
});

test("whoever asks is told, and whoever waits too long hears of it", async () => {
  const node = new TestNode();
  const { pid } = await node.start(Numbers, { name: "numbers" });
  void node.process.send(pid, atom("now"));
  await node.clock.settle();
  const first = drained(node, "numbers");
  await first;
  let late: unknown;
  GenStage.drain(node.process, "numbers", { timeoutMs: 100 }).catch((error: unknown) => {
    late = error;
  });
  await node.clock.advance(100);

  expect(late).toMatchObject({ code: "EXIT_TIMEOUT" });
  expect(node.runtime.find(pid)).toBeDefined();
});
