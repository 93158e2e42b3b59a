import { expect, test } from "vitest";
import { Consumer, type Subscribe, withOptions } from "../../src/stage/index.ts";
import { cancelledMessage, eventsMessage } from "../../src/stage/messages.ts";
import type { Position } from "../../src/stage/resubscriber.ts";
import { atom, inspect, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { integers, remotePid, TestNode } from "./harness.ts";

const PEER = "ex@127.0.0.1";
const producer = remotePid(PEER);

class Collector extends Consumer<number> {
  static events: number[];
  static positions: Position[];

  override init(subscribeTo: readonly Subscribe[]) {
    Collector.events = [];
    Collector.positions = [];
    return withOptions({ subscribeTo });
  }

  handleEvents(events: number[]) {
    Collector.events.push(...events);
  }

  override handleResubscribe(position: Position, options: Subscribe): Subscribe | undefined {
    Collector.positions.push(position);
    return position.attempt === 2 ? { ...options, partition: position.handled } : undefined;
  }
}

/** A consumer subscribed to a producer of another node, and what it sends there. */
async function subscribed(options: Omit<Subscribe, "to">) {
  const node = new TestNode();
  node.connected.add(PEER);
  const { pid } = await node.start(Collector, { args: [{ to: producer, ...options }] });
  const sent = (kind: string) =>
    node.sent
      .filter(({ signal }) => "message" in signal && inspect(signal.message).includes(kind))
      .map(({ signal }) => (signal as unknown as { message: Term[] }).message);
  const tags = () => sent(":subscribe").map((message) => (message[1] as unknown as Term[])[1] as Ref);
  const asks = () => sent(":ask").map((message) => (message[2] as unknown as number[])[1]);
  const emit = async (events: unknown[]) => {
    const message = eventsMessage(producer, tags().at(-1), events);
    node.runtime.accept({ op: "send", from: producer, to: pid, message });
    await node.clock.settle();
  };
  const lose = async () => {
    node.runtime.nodeDown(PEER);
    await node.clock.settle();
  };
  return { node, pid, sent, tags, asks, emit, lose };
}

const RESUBSCRIBE = { resubscribe: { minDelayMs: 100, maxDelayMs: 1_000, jitter: 0 } } as const;

test("a subscription whose node is lost is made again after a wait, and the position is told", async () => {
  const { node, emit, lose, tags } = await subscribed({ maxDemand: 10, ...RESUBSCRIBE });
  await emit(integers(1, 7));

  await lose();
  expect(tags()).toHaveLength(1);
  await node.clock.advance(100);

  expect(tags()).toHaveLength(2);
  expect(tags()[1]!.key).not.toBe(tags()[0]!.key);
  expect(Collector.positions).toMatchObject([{ handled: 7, attempt: 1 }]);
});

test("waits grow while nothing comes, and begin anew once something has; the options may change", async () => {
  const { node, emit, lose, tags, sent } = await subscribed({ maxDemand: 10, ...RESUBSCRIBE });
  await emit([1]);
  for (const wait of [100, 200, 400]) {
    await lose();
    await node.clock.advance(wait - 1);
    const before = tags().length;
    await node.clock.advance(1);
    expect(tags()).toHaveLength(before + 1);
  }
  await emit([2]);
  await lose();
  await node.clock.advance(100);

  expect(Collector.positions.map(({ attempt, handled }) => [attempt, handled])).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
    [1, 2],
  ]);
  expect(inspect(sent(":subscribe")[2] as unknown as Term)).toContain("partition: 1");
  expect(Collector.events).toEqual([1, 2]);
});

test("a producer that ends, crashes or gives the subscription up is not lost: cancel decides", async () => {
  for (const reason of [atom("normal"), atom("boom")]) {
    const { node, pid, tags } = await subscribed({ cancel: "permanent", ...RESUBSCRIBE });
    const message = cancelledMessage(producer, tags()[0], reason);
    node.runtime.accept({ op: "send", from: producer, to: pid, message });
    await node.clock.settle();

    expect(node.runtime.find(pid)).toBeUndefined();
  }
});

test("a producer that is shut down, with its supervisor or its node, is waited for", async () => {
  const { node, pid, tags } = await subscribed(RESUBSCRIBE);

  node.runtime.accept({ op: "down", from: producer, to: pid, ref: tags()[0]!, reason: atom("shutdown") });
  await node.clock.advance(100);

  expect(tags()).toHaveLength(2);
});

test("a local producer that is not there yet is waited for", async () => {
  const node = new TestNode();
  await node.start(Collector, { args: [{ to: "later", maxDemand: 2, ...RESUBSCRIBE }] });
  const got: Term[] = [];

  node.runtime.names.register("later", node.spawn(got));
  await node.clock.advance(100);

  expect(got.map((message) => inspect((message as unknown as Term[])[2]))).toEqual([
    "{:subscribe, nil, [max_demand: 2]}",
    "{:ask, 2}",
  ]);
});

test("with a rate no more is asked for than may come", async () => {
  const { node, asks, emit } = await subscribed({ maxDemand: 1_000, rate: { events: 10, perMs: 1_000 } });
  expect(asks()).toEqual([10]);

  await emit(integers(1, 5));
  expect(asks()).toEqual([10]);
  await node.clock.advance(499);
  expect(asks()).toEqual([10]);
  await node.clock.advance(1);
  expect(asks()).toEqual([10, 5]);
  await node.clock.advance(10_000);
  await emit(integers(6, 10));

  expect(asks().reduce((sum, count) => sum! + count!, 0)).toBe(25);
});

test("an ask that waits is forgotten with its subscription", async () => {
  const { node, pid, asks, emit, tags } = await subscribed({ cancel: "temporary", rate: { events: 2, perMs: 1_000 } });
  await emit([1, 2]);
  const message = cancelledMessage(producer, tags()[0], atom("enough"));
  node.runtime.accept({ op: "send", from: producer, to: pid, message });
  await node.clock.advance(10_000);

  expect(asks()).toEqual([2]);
});

test.each([{ resubscribe: { minDelayMs: 0 } }, { rate: { events: 0, perMs: 1 } }, { rate: { events: 1, perMs: 0 } }])(
  "%j is refused",
  async (options) => {
    const { node, tags } = await subscribed(options);

    expect(tags()).toEqual([]);
    expect(node.errors()).toEqual([expect.stringContaining("subscribe received invalid option")]);
  },
);

test("nothing of these options travels", async () => {
  const { sent } = await subscribed({ maxDemand: 3, rate: { events: 5, perMs: 10 }, ...RESUBSCRIBE });

  expect(inspect((sent(":subscribe")[0] as unknown as Term[])[2])).toBe(
    inspect(tuple(atom("subscribe"), null, [tuple(atom("max_demand"), 3)])),
  );
});
