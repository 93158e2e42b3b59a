import { expect, test } from "vitest";
import type { Channel } from "../../src/base/index.ts";
import { child, GenServer, noReply } from "../../src/otp/index.ts";
import {
  type StageCancel,
  type StageDiscard,
  type StageEvents,
  type StageSubscription,
  silentTelemetry,
  type Telemetry,
} from "../../src/runtime/index.ts";
import {
  broadcastDispatcher,
  Consumer,
  type ConsumerOptions,
  ConsumerSupervisor,
  type ConsumerSupervisorProcess,
  Producer,
  ProducerConsumer,
  type ProducerConsumerOptions,
  type ProducerOptions,
  partitionDispatcher,
  type StageProcess,
  type SuperviseEventsOptions,
  superviseEvents,
  withOptions,
} from "../../src/stage/index.ts";
import { askMessage, cancelMessage, subscribeMessage } from "../../src/stage/messages.ts";
import { atom, type Pid, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { SimulatedClock } from "../../src/testing/index.ts";
import { integers, TestNode } from "./harness.ts";

/** Emits what it is told to, and counts from 1 when it is asked to. */
class Numbers extends Producer<number> {
  #next = 1;
  #last = 0;

  override init({ last = 0, ...options }: ProducerOptions<number> & { last?: number }) {
    this.#last = last;
    return withOptions<ProducerOptions>(options as ProducerOptions);
  }

  handleDemand(demand: number) {
    const events = integers(this.#next, Math.min(demand, this.#last - this.#next + 1));
    this.#next += events.length;
    return noReply({ events });
  }

  override handleInfo(message: Term) {
    return noReply({ events: message as unknown as number[] });
  }
}

class Doubled extends ProducerConsumer<number, number> {
  override init(options: ProducerConsumerOptions<number>) {
    return withOptions<ProducerConsumerOptions>(options as ProducerConsumerOptions);
  }

  handleEvents(events: number[]) {
    return noReply({ events: events.flatMap((event) => [event, event]) });
  }
}

class Taker extends Consumer<number> {
  override init(options: ConsumerOptions) {
    return withOptions(options);
  }

  handleEvents() {}
}

class Job extends GenServer {}

class Jobs extends ConsumerSupervisor {
  override init(options: SuperviseEventsOptions) {
    return superviseEvents(() => child(Job), options);
  }
}

type Told =
  | (StageSubscription & { readonly channel: "subscribe" })
  | (StageCancel & { readonly channel: "cancel" })
  | (StageEvents & { readonly channel: "events" });

/** A node of stages, what is told of them, and what their figures were when it was told. */
class Listening {
  readonly node: TestNode;
  readonly told: Told[] = [];
  readonly discards: StageDiscard[] = [];
  /** The figures of the subscription in those of the stage when it was told of; undefined if it was not among them. */
  readonly figures: unknown[] = [];

  constructor() {
    const listen = (channel: Told["channel"]): Channel<StageSubscription> => ({
      hasSubscribers: true,
      publish: (message) => {
        this.told.push({ channel, ...message } as Told);
        this.figures.push(this.#figuresOf(message));
      },
    });
    this.node = new TestNode("ts@127.0.0.1", new SimulatedClock(), {
      ...silentTelemetry,
      stageSubscribe: listen("subscribe"),
      stageCancel: listen("cancel"),
      stageEvents: listen("events"),
      stageDiscard: { hasSubscribers: true, publish: (message) => void this.discards.push(message) },
    });
  }

  stats(pid: Pid) {
    return (this.node.runtime.find(pid)?.behaviour as StageProcess | ConsumerSupervisorProcess | undefined)?.stats();
  }

  #figuresOf({ pid, role, stats }: StageSubscription): unknown {
    const all: readonly object[] = this.stats(pid)?.[role === "consumer" ? "producers" : "consumers"] ?? [];
    return all.find((one) => JSON.stringify(one) === JSON.stringify(stats));
  }

  ends(): unknown[] {
    return this.told.flatMap((told) => (told.channel === "cancel" ? [[told.role, told.kind, told.reason]] : []));
  }

  /** How many events were told of, by the label of the stage and its role. */
  sums(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const told of this.told) {
      if (told.channel !== "events") continue;
      const key = `${told.label} as ${told.role}`;
      sums[key] = (sums[key] ?? 0) + told.count;
    }
    return sums;
  }

  async send(to: Pid, message: unknown): Promise<void> {
    void this.node.core.send(to, message, false);
    await this.node.clock.settle();
  }

  async kill(pid: Pid, reason: string): Promise<void> {
    this.node.runtime.find(pid)!.exit(atom(reason));
    await this.node.clock.settle();
  }

  /** A consumer that is played by hand: a subscription that has asked for `count`. */
  async hand(to: Pid, count: number, options: readonly unknown[] = []) {
    const core = this.node.spawn();
    const tag: Ref = this.node.runtime.identity.newRef();
    const say = async (message: unknown) => {
      void core.send(to, message, false);
      await this.node.clock.settle();
    };
    await say(subscribeMessage(core.pid, tag, undefined, options as never));
    if (count > 0) await say(askMessage(core.pid, tag, count));
    return { core, tag, cancel: (reason: string) => say(cancelMessage(core.pid, tag, atom(reason))) };
  }
}

test("each end of a subscription tells that it is up, of every batch, and its figures as the stage has them then", async () => {
  const listening = new Listening();
  const { node, told, figures } = listening;
  const producer = await node.start(Numbers, { name: "numbers", args: { last: 20 } });
  const to = { to: producer.pid, maxDemand: 8, minDemand: 4 };
  const consumer = await node.start(Taker, { args: { subscribeTo: [to] } });

  const { subscriptionTag } = told[0]!;
  const up = { node: node.runtime.identity.node, subscriptionTag };
  expect(told.slice(0, 2)).toEqual([
    {
      ...up,
      channel: "subscribe",
      pid: consumer.pid,
      label: "GenStage consumer Taker",
      name: undefined,
      role: "consumer",
      peer: producer.pid,
      stats: { producer: producer.pid, asked: 0, received: 0, handled: 0 },
    },
    {
      ...up,
      channel: "subscribe",
      pid: producer.pid,
      label: "GenStage producer Numbers",
      name: "numbers",
      role: "producer",
      peer: consumer.pid,
      stats: { consumer: consumer.pid, asked: 0, sent: 0, unconfirmed: 0 },
    },
  ]);
  expect(told.slice(2).every((one) => one.channel === "events" && one.subscriptionTag === subscriptionTag)).toBe(true);
  expect(listening.sums()).toEqual({
    "GenStage producer Numbers as producer": 20,
    "GenStage consumer Taker as consumer": 20,
  });
  expect(figures).toEqual(told.map(({ stats }) => stats));
});

test("over a run through a stage in the middle the batches add up to the figures of each subscription", async () => {
  const listening = new Listening();
  const { node, told, figures } = listening;
  const producer = await node.start(Numbers, { args: { last: 1_000 } });
  const middle = await node.start(Doubled, { args: { subscribeTo: [{ to: producer.pid, maxDemand: 30 }] } });
  const consumer = await node.start(Taker, { args: { subscribeTo: [{ to: middle.pid, maxDemand: 70 }] } });

  expect(listening.sums()).toEqual({
    "GenStage producer Numbers as producer": 1_000,
    "GenStage producer_consumer Doubled as consumer": 1_000,
    "GenStage producer_consumer Doubled as producer": 2_000,
    "GenStage consumer Taker as consumer": 2_000,
  });
  expect(figures).toEqual(told.map(({ stats }) => stats));
  expect(listening.stats(producer.pid)).toMatchObject({ consumers: [{ sent: 1_000 }], discarded: 0 });
  expect(listening.stats(middle.pid)).toMatchObject({ producers: [{ received: 1_000 }], consumers: [{ sent: 2_000 }] });
  expect(listening.stats(consumer.pid)).toMatchObject({ producers: [{ received: 2_000, handled: 2_000 }] });
});

test("a broadcast tells of a batch for each consumer", async () => {
  const listening = new Listening();
  const { pid } = await listening.node.start(Numbers, { args: { dispatcher: broadcastDispatcher() } });
  const [one, other] = [await listening.hand(pid, 5), await listening.hand(pid, 5)];

  await listening.send(pid, [1, 2, 3]);

  const events = listening.told.filter(({ channel }) => channel === "events");
  expect(events).toMatchObject([
    { peer: other.core.pid, count: 3, stats: { asked: 5, sent: 3 } },
    { peer: one.core.pid, count: 3, stats: { asked: 5, sent: 3 } },
  ]);
});

test("an end is told at both ends, with its reason and the last figures", async () => {
  const listening = new Listening();
  const { node, told } = listening;
  const { pid: to } = await node.start(Numbers, { args: { last: 3 } });
  const consumer = await node.start(Taker, { args: { subscribeTo: [{ to, maxDemand: 10 }] } });

  await listening.send(to, cancelMessage(consumer.pid, told[0]!.subscriptionTag, atom("shutdown")));

  expect(listening.ends()).toEqual([
    ["producer", "cancel", atom("shutdown")],
    ["consumer", "cancel", atom("shutdown")],
  ]);
  expect(told.slice(-2)).toMatchObject([
    { peer: consumer.pid, stats: { asked: 10, sent: 3, unconfirmed: 3 } },
    { peer: to, stats: { asked: 10, received: 3, handled: 3 } },
  ]);
});

test("a stage that ends tells so of its subscriptions, under the name that it had, and their other ends say that it is gone", async () => {
  const listening = new Listening();
  const { node, told } = listening;
  const { pid: to } = await node.start(Numbers, { name: "numbers", args: {} });
  await node.start(Taker, { args: { subscribeTo: [{ to, cancel: "temporary" }] } });
  await listening.hand(to, 0);

  await listening.kill(to, "gone");

  expect(listening.ends()).toEqual([
    ["producer", "exit", atom("gone")],
    ["producer", "exit", atom("gone")],
    ["consumer", "down", atom("gone")],
  ]);
  expect(told.filter(({ channel, role }) => channel === "cancel" && role === "producer")).toMatchObject([
    { name: "numbers" },
    { name: "numbers" },
  ]);
});

test("each subscription that is told to be up is told to be over once, also one that its dispatcher refused", async () => {
  const listening = new Listening();
  const dispatcher = partitionDispatcher<number>({ partitions: 1 });
  const { pid } = await listening.node.start(Numbers, { args: { dispatcher } });
  await listening.hand(pid, 0, [tuple(atom("partition"), 7)]);
  const good = await listening.hand(pid, 0, [tuple(atom("partition"), 0)]);

  await good.cancel("normal");
  await listening.kill(pid, "gone");

  expect(listening.told.map(({ channel }) => channel)).toEqual(["subscribe", "cancel", "subscribe", "cancel"]);
});

test("what waits in a stage in the middle when its producer ends is told of before the end", async () => {
  const listening = new Listening();
  const { node, told } = listening;
  const { pid: to } = await node.start(Numbers, { args: { last: 4 } });
  const middle = await node.start(Doubled, { args: { subscribeTo: [{ to, maxDemand: 4, cancel: "temporary" }] } });
  await listening.kill(to, "gone");
  expect(told.filter(({ pid }) => pid === middle.pid).map(({ channel }) => channel)).toEqual(["subscribe"]);

  await listening.hand(middle.pid, 9);

  expect(told.filter(({ pid, role }) => pid === middle.pid && role === "consumer").slice(1)).toMatchObject([
    { channel: "events", count: 4, stats: { received: 4, handled: 0 } },
    { channel: "cancel", kind: "down", stats: { received: 4, handled: 4 } },
  ]);
});

test("what a full buffer discards is told, each time and in all", async () => {
  const listening = new Listening();
  const { pid } = await listening.node.start(Numbers, { args: { bufferSize: 2 } });

  await listening.send(pid, [1, 2]);
  await listening.send(pid, [3]);
  await listening.send(pid, [4, 5, 6]);

  expect(listening.discards).toMatchObject([
    { pid, label: "GenStage producer Numbers", by: "buffer", count: 1, discarded: 1 },
    { pid, by: "buffer", count: 3, discarded: 4 },
  ]);
  expect(listening.stats(pid)).toMatchObject({ discarded: 4, buffered: 2 });
});

test("what waited in a dispatcher for a consumer that is gone is told as discarded", async () => {
  const listening = new Listening();
  const hash = (event: number) => [event, event % 2] as const;
  const dispatcher = partitionDispatcher<number>({ partitions: 2, hash });
  const { pid } = await listening.node.start(Numbers, { args: { dispatcher } });
  const even = await listening.hand(pid, 1, [tuple(atom("partition"), 0)]);
  await listening.hand(pid, 3, [tuple(atom("partition"), 1)]);
  await listening.send(pid, [2, 4, 6]);

  await even.cancel("normal");

  expect(listening.discards).toMatchObject([{ pid, by: "dispatcher", count: 2, discarded: 2 }]);
  expect(listening.stats(pid)).toMatchObject({ discarded: 2 });
});

test("a ConsumerSupervisor tells as other consumers do, and has handled events whose children have started", async () => {
  const listening = new Listening();
  const { node, told, figures } = listening;
  const { pid: to } = await node.start(Numbers, { args: { last: 3 } });
  const { pid } = await node.start(Jobs, { args: { subscribeTo: [{ to, maxDemand: 3 }] } });

  const own = told.flatMap((one, index) => (one.pid === pid ? [{ ...one, figures: figures[index] }] : []));
  expect(own).toMatchObject([{ channel: "subscribe" }, { channel: "events", count: 3 }]);
  expect(own.map((one) => one.figures)).toEqual(own.map(({ stats }) => stats));
  expect(listening.stats(pid)).toMatchObject({ role: "consumer", producers: [{ asked: 3, received: 3, handled: 3 }] });
  await listening.kill(pid, "shutdown");
  expect(listening.ends()).toContainEqual(["consumer", "exit", atom("shutdown")]);
});

test("while nobody listens a batch costs one look at either end, however many events it has", async () => {
  let looks = 0;
  const stageEvents: Telemetry["stageEvents"] = {
    get hasSubscribers() {
      looks++;
      return false;
    },
    publish: () => expect.unreachable(),
  };
  const node = new TestNode("ts@127.0.0.1", new SimulatedClock(), { ...silentTelemetry, stageEvents });
  const { pid: to } = await node.start(Numbers, { args: { last: 500 } });

  await node.start(Taker, { args: { subscribeTo: [{ to, maxDemand: 500, minDemand: 0 }] } });

  expect(looks).toBe(2);
});
