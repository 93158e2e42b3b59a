import { expect, test } from "vitest";
import { noReply } from "../../src/otp/index.ts";
import type { ProcessCore } from "../../src/runtime/index.ts";
import {
  broadcastDispatcher,
  Consumer,
  type DispatcherFactory,
  GenStage,
  Producer,
  ProducerConsumer,
  type ProducerConsumerOptions,
  partitionDispatcher,
  type Subscribe,
  withOptions,
} from "../../src/stage/index.ts";
import { ackMessage, acksMessage, askMessage, eventsMessage, subscribeMessage } from "../../src/stage/messages.ts";
import type { StageProcess } from "../../src/stage/stage-process.ts";
import { atom, inspect, type Pid, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { integers, TestNode } from "./harness.ts";

/** Each event becomes a thousand times itself; 0 becomes nothing. */
class Thousandfold extends ProducerConsumer<number, number> {
  override init(options: ProducerConsumerOptions<number>) {
    return withOptions<ProducerConsumerOptions>(options as ProducerConsumerOptions);
  }

  handleEvents(events: number[]) {
    return noReply({ events: events.filter((event) => event > 0).map((event) => event * 1_000) });
  }
}

const OFFER = tuple(atom("tiebeam_ack"), true) as unknown as Term;
const statsOf = (node: TestNode, pid: Pid) => (node.runtime.find(pid)!.behaviour as StageProcess).stats();
const textOf = (message: unknown) => inspect((message as unknown as Term[])[2]);

/** A consumer that is played by hand. */
class Hand {
  readonly got: Term[] = [];
  readonly core: ProcessCore;
  readonly #node: TestNode;
  readonly #to: Pid;
  readonly #tag: Ref;

  private constructor(node: TestNode, to: Pid) {
    this.#node = node;
    this.core = node.spawn(this.got);
    this.#to = to;
    this.#tag = node.runtime.identity.newRef();
  }

  /** Subscribes and asks. */
  static async at(node: TestNode, to: Pid, count: number, options: Term[] = [OFFER]): Promise<Hand> {
    const hand = new Hand(node, to);
    await hand.send(subscribeMessage(hand.core.pid, hand.#tag, undefined, options));
    await hand.ask(count);
    return hand;
  }

  ask = (count: number) => this.send(askMessage(this.core.pid, this.#tag, count));
  confirm = (count: number) => this.send(ackMessage(this.core.pid, this.#tag, count));

  async die(): Promise<void> {
    this.core.exit(atom("gone"));
    await this.#node.clock.settle();
  }

  get events(): string[] {
    return this.got.map(textOf).filter((text) => text.startsWith("["));
  }

  async send(message: unknown): Promise<void> {
    void this.core.send(this.#to, message, false);
    await this.#node.clock.settle();
  }
}

/** A stage in the middle whose producer is played by hand. */
async function middle(options: Omit<ProducerConsumerOptions<number>, "subscribeTo"> = {}) {
  const node = new TestNode();
  const got: Term[] = [];
  const producer = node.spawn(got);
  const subscribeTo = [{ to: producer.pid, maxDemand: 8, minDemand: 4, ack: true }];
  const { pid } = await node.start(Thousandfold, { args: { ...options, subscribeTo } });
  const tag = ((got[0] as unknown as Term[])[1] as unknown as Term[])[1];
  const emit = async (events: number[]) => {
    void producer.send(pid, eventsMessage(producer.pid, tag, events), false);
    await node.clock.settle();
  };
  void producer.send(pid, acksMessage(producer.pid, tag), false);
  await node.clock.settle();
  /** How many events it has confirmed. */
  const confirmed = () =>
    got
      .map(textOf)
      .filter((text) => text.includes("ack, "))
      .reduce((sum, text) => sum + Number(text.match(/\d+/)?.[0]), 0);
  return { node, pid, producer, emit, confirmed };
}

test("a stage in the middle confirms when its consumer has confirmed what came of the events", async () => {
  const { node, pid, emit, confirmed } = await middle();
  const consumer = await Hand.at(node, pid, 4);

  await emit([1, 2, 3, 4]);
  expect(consumer.events).toEqual(["[1000, 2000, 3000, 4000]"]);
  expect(confirmed()).toBe(0);
  await consumer.confirm(3);
  expect(confirmed()).toBe(0);
  await consumer.confirm(1);
  expect(confirmed()).toBe(4);
});

test("events of which nothing comes are confirmed at once, in their turn", async () => {
  const { node, pid, emit, confirmed } = await middle();
  const consumer = await Hand.at(node, pid, 4);

  await emit([0, 0, 0]);
  expect(confirmed()).toBe(3);
  await emit([1]);
  await emit([0, 0]);
  expect(confirmed()).toBe(3);
  await consumer.confirm(1);
  expect(confirmed()).toBe(6);
});

test("what waits in the buffer is not confirmed, whatever the consumer has confirmed", async () => {
  const { node, pid, emit, confirmed } = await middle();
  const consumer = await Hand.at(node, pid, 2);

  await emit([1, 2, 3, 4]);
  await consumer.confirm(2);
  expect(confirmed()).toBe(0);

  await consumer.ask(2);
  await consumer.confirm(2);
  expect(confirmed()).toBe(4);
});

test("events of a consumer that is gone are confirmed when another one has confirmed them", async () => {
  const { node, pid, emit, confirmed } = await middle();
  const first = await Hand.at(node, pid, 4);
  await emit([1, 2, 3, 4]);
  await first.confirm(1);
  await first.die();
  expect(confirmed()).toBe(0);

  const second = await Hand.at(node, pid, 4);
  expect(second.events).toEqual(["[2000, 3000, 4000]"]);
  await second.confirm(3);

  expect(confirmed()).toBe(4);
});

test("of several consumers all have to confirm", async () => {
  const dispatcher = partitionDispatcher<number>({ partitions: 2, hash: (n) => [n, (n / 1_000) % 2] });
  const { node, pid, emit, confirmed } = await middle({ dispatcher });
  const partition = (n: number) => [OFFER, tuple(atom("partition"), n) as unknown as Term];
  const even = await Hand.at(node, pid, 4, partition(0));
  const odd = await Hand.at(node, pid, 4, partition(1));
  await emit([1, 2, 3, 4]);

  await even.confirm(2);
  await odd.confirm(1);
  expect(confirmed()).toBe(0);
  await odd.die();
  const again = await Hand.at(node, pid, 4, partition(1));
  expect(again.events).toEqual(["[3000]"]);
  await again.confirm(1);

  expect(confirmed()).toBe(4);
});

test.each<[string, { dispatcher?: DispatcherFactory<number> }, Term[]]>([
  ["one that does not confirm", {}, []],
  ["one of many that all get everything", { dispatcher: broadcastDispatcher() }, [OFFER]],
])("what a consumer has been sent is confirmed, for %s", async (_, options, offer) => {
  const { node, pid, emit, confirmed } = await middle(options);
  const consumer = await Hand.at(node, pid, 2, offer);

  await emit([1, 2, 3, 4]);
  expect(confirmed()).toBe(0);
  await consumer.ask(2);

  expect(confirmed()).toBe(4);
});

test("what a full buffer discards is confirmed, for nobody will get it", async () => {
  const { node, pid, emit, confirmed } = await middle({ bufferSize: 1 });
  const consumer = await Hand.at(node, pid, 1);

  await emit([1, 2, 3, 4]);
  await consumer.confirm(1);
  await consumer.ask(1);
  await consumer.confirm(1);

  expect(consumer.events).toEqual(["[1000]", "[4000]"]);
  expect(confirmed()).toBe(4);
  expect(statsOf(node, pid).discarded).toBe(2);
});

test("a generator in the middle confirms when what it has yielded is confirmed", async () => {
  const node = new TestNode();
  const source = await node.start(
    GenStage.from(() => integers(1, 4)),
    { name: "source" },
  );
  const stage = GenStage.through<number, number>(
    async function* (events) {
      for await (const event of events) yield event * 1_000;
    },
    { subscribeTo: [{ to: source.pid, maxDemand: 4, minDemand: 2, cancel: "transient", ack: true }] },
  );
  const { pid } = await node.start(stage);
  const consumer = await Hand.at(node, pid, 4);
  expect(consumer.events).toEqual(["[1000, 2000, 3000, 4000]"]);
  expect(statsOf(node, source.pid).consumers).toMatchObject([{ unconfirmed: 4 }]);

  await consumer.confirm(3);
  expect(statsOf(node, source.pid).consumers).toMatchObject([{ unconfirmed: 4 }]);
  await consumer.confirm(1);
  await consumer.ask(1); // else the generator would not come back for more

  expect(node.runtime.find(source.pid)).toBeUndefined();
  expect(node.runtime.find(pid)).toBeUndefined();
});

test("a source that is read to its end stays until the last event is confirmed", async () => {
  const node = new TestNode();
  const { pid } = await node.start(GenStage.from(() => [1, 2, 3]));
  const first = await Hand.at(node, pid, 5);
  await first.confirm(1);
  await first.die();
  expect(node.runtime.find(pid)).toBeDefined();

  const second = await Hand.at(node, pid, 5);
  expect(second.events).toEqual(["[2, 3]"]);
  await second.confirm(2);

  expect(node.runtime.find(pid)).toBeUndefined();
});

/** Emits 1 to 100. */
class Hundred extends Producer<number> {
  #next = 1;

  handleDemand(demand: number) {
    const events = integers(this.#next, Math.min(demand, 101 - this.#next));
    this.#next += events.length;
    return noReply({ events });
  }
}

/** Handles events one by one, each in its time. */
class Slow extends Consumer<number> {
  static handled: number[];
  static clock: TestNode["clock"];

  override init(subscribeTo: readonly Subscribe[]) {
    return withOptions({ subscribeTo });
  }

  async handleEvents(events: number[]) {
    for (const event of events) {
      await new Promise<void>((resolve) => void Slow.clock.setTimer(1, resolve));
      Slow.handled.push(event);
    }
  }
}

test.each([
  ["the middle", (pids: Pid[]) => pids.slice(0, 1)],
  ["the end", (pids: Pid[]) => pids.slice(1)],
  ["both at once", (pids: Pid[]) => pids],
])("in a chain of three every event is handled at least once, across crashes of %s", async (_, victimsOf) => {
  const node = new TestNode();
  Slow.handled = [];
  Slow.clock = node.clock;
  const { pid: first } = await node.start(Hundred);
  const options = { maxDemand: 10, cancel: "temporary", ack: true } as const;
  const start = async () => {
    const middle = await node.start(Thousandfold, { args: { subscribeTo: [{ to: first, ...options }] } });
    const end = await node.start(Slow, { args: [{ to: middle.pid, ...options }] });
    return [middle.pid, end.pid];
  };

  for (let crashes = 0; crashes < 6; crashes++) {
    const pids = await start();
    await node.clock.advance(13);
    expect(statsOf(node, first).consumers).toMatchObject([{ unconfirmed: expect.toSatisfy((n) => n <= 10) }]);
    for (const pid of victimsOf(pids)) node.runtime.find(pid)!.exit(atom("crash"));
    await node.clock.settle();
    for (const pid of pids) node.runtime.find(pid)?.exit(atom("crash"));
    await node.clock.settle();
  }
  await start();
  await node.clock.advance(200);

  const expected = integers(1, 100).map((n) => n * 1_000);
  expect([...new Set(Slow.handled)].toSorted((a, b) => a - b)).toEqual(expected);
  expect(Slow.handled.length).toBeGreaterThan(100);
  expect(statsOf(node, first)).toMatchObject({ unconfirmed: 0, consumers: [{ unconfirmed: 0 }] });
});
