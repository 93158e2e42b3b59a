import { expect, test } from "vitest";
import { noReply } from "../../src/otp/index.ts";
import { Exit } from "../../src/runtime/index.ts";
import {
  broadcastDispatcher,
  Consumer,
  GenStage,
  Producer,
  type ProducerOptions,
  type Subscribe,
  withOptions,
} from "../../src/stage/index.ts";
import { Ledger } from "../../src/stage/ledger.ts";
import { ackMessage, acksMessage, askMessage, eventsMessage, subscribeMessage } from "../../src/stage/messages.ts";
import type { StageProcess } from "../../src/stage/stage-process.ts";
import { atom, inspect, type Pid, type Term, tuple } from "../../src/term/index.ts";
import { integers, TestNode } from "./harness.ts";

/** Emits 1, 2, 3 and so on, up to a limit. */
class Numbers extends Producer<number> {
  #next = 1;
  #limit = 0;

  override init({ limit, ...options }: ProducerOptions<number> & { limit: number }) {
    this.#limit = limit;
    return withOptions<ProducerOptions>(options as ProducerOptions);
  }

  handleDemand(demand: number) {
    const events = integers(this.#next, Math.min(demand, this.#limit - this.#next + 1));
    this.#next += events.length;
    return noReply({ events });
  }
}

/** Notes what it has handled, and crashes at some events, once each. */
class Careful extends Consumer<number> {
  static handled: number[];
  static crashAt: Set<number>;

  override init(subscribeTo: readonly Subscribe[]) {
    return withOptions({ subscribeTo });
  }

  handleEvents(events: number[]) {
    for (const event of events) {
      if (Careful.crashAt.delete(event)) throw new Exit(atom("crash"));
    }
    Careful.handled.push(...events);
  }
}

const statsOf = (node: TestNode, pid: Pid) => (node.runtime.find(pid)!.behaviour as StageProcess).stats();

async function crashing(ack: boolean) {
  const node = new TestNode();
  const producer = await node.start(Numbers, { args: { limit: 100 } });
  Careful.handled = [];
  Careful.crashAt = new Set([23, 57, 58]);
  const subscribeTo = [{ to: producer.pid, maxDemand: 10, ack }];
  for (let i = 0; i < 4; i++) await node.start(Careful, { args: subscribeTo });
  return { node, producer };
}

test("with ack each event is handled at least once, across crashes of its consumers", async () => {
  const { node, producer } = await crashing(true);

  expect([...new Set(Careful.handled)].toSorted((a, b) => a - b)).toEqual(integers(1, 100));
  expect(statsOf(node, producer.pid)).toMatchObject({ unconfirmed: 0 });
});

test("without it what a consumer had is lost with it, and counted", async () => {
  const { node, producer } = await crashing(false);

  const lost = 100 - new Set(Careful.handled).size;
  expect(lost).toBeGreaterThan(0);
  expect(statsOf(node, producer.pid).unconfirmed).toBeGreaterThanOrEqual(lost);
});

/** A producer and a consumer that is played by hand. */
async function played(options: Term[], { dispatcher }: ProducerOptions<number> = {}) {
  const node = new TestNode();
  const got: Term[] = [];
  const consumer = node.spawn(got);
  const { pid } = await node.start(Numbers, { args: { limit: 5, ...(dispatcher && { dispatcher }) } });
  const tag = node.runtime.identity.newRef();
  const send = async (message: unknown) => {
    void consumer.send(pid, message, false);
    await node.clock.settle();
  };
  await send(subscribeMessage(consumer.pid, tag, undefined, options));
  const texts = () => got.map((message) => inspect((message as unknown as Term[])[2]));
  return { node, pid, consumer, tag, send, texts };
}

const OFFER = tuple(atom("tiebeam_ack"), true) as unknown as Term;

test("a consumer that did not offer to confirm is told nothing of it", async () => {
  expect((await played([])).texts()).toEqual([]);
  expect((await played([OFFER])).texts()).toEqual(["{:tiebeam_ack, :on}"]);
});

test("events that go to all are not confirmed, since others have had them", async () => {
  expect((await played([OFFER], { dispatcher: broadcastDispatcher() })).texts()).toEqual([]);
});

test("what was not confirmed comes before what was emitted later", async () => {
  const { node, pid, consumer, tag, send } = await played([OFFER]);
  await send(askMessage(consumer.pid, tag, 4));
  await send(ackMessage(consumer.pid, tag, 1));
  expect(statsOf(node, pid).consumers).toMatchObject([{ asked: 4, sent: 4, unconfirmed: 3 }]);

  consumer.exit(atom("gone"));
  await node.clock.settle();
  expect(statsOf(node, pid)).toMatchObject({ buffered: 3, unconfirmed: 0, consumers: [] });
  Careful.handled = [];
  Careful.crashAt = new Set();
  await node.start(Careful, { args: [{ to: pid, maxDemand: 10 }] });

  expect(Careful.handled).toEqual([2, 3, 4, 5]);
});

test.each([-1, 0, 1_000, 2 ** 60])("a count that cannot be, %s, confirms what there is at most", async (count) => {
  const { node, pid, consumer, tag, send } = await played([OFFER]);
  await send(askMessage(consumer.pid, tag, 2));

  await send(ackMessage(consumer.pid, tag, count));

  expect(statsOf(node, pid).consumers).toMatchObject([
    { sent: 2, unconfirmed: count > 2 && Number.isSafeInteger(count) ? 0 : 2 },
  ]);
});

test("one that asks for more than its maximum has no more than that to confirm", async () => {
  const { node, pid, consumer, tag, send, texts } = await played([
    OFFER,
    tuple(atom("max_demand"), 2) as unknown as Term,
  ]);
  const events = () => texts().filter((text) => text.startsWith("["));

  await send(askMessage(consumer.pid, tag, 4));
  await send(askMessage(consumer.pid, tag, 1));
  expect(events()).toEqual(["[1, 2]"]);
  await send(ackMessage(consumer.pid, tag, 1));
  expect(events()).toEqual(["[1, 2]", "[3]"]);
  await send(ackMessage(consumer.pid, tag, 2));

  expect(events()).toEqual(["[1, 2]", "[3]", "[4, 5]"]);
  expect(statsOf(node, pid).consumers).toMatchObject([{ asked: 5, sent: 5, unconfirmed: 2 }]);
});

test("without confirmations, nothing is taken for handled that had not been sent when more was asked for", () => {
  const ledger = new Ledger();

  ledger.ask(2);
  ledger.ask(3);
  ledger.send([1, 2, 3, 4]);
  expect(ledger.unconfirmed).toBe(4);
  ledger.ask(3);

  expect(ledger.unconfirmed).toBe(1);
});

test("a producer that does not know the option gets no confirmations", async () => {
  const node = new TestNode();
  const got: Term[] = [];
  const producer = node.spawn(got);
  Careful.handled = [];
  Careful.crashAt = new Set();
  const { pid } = await node.start(Careful, { args: [{ to: producer.pid, maxDemand: 2, ack: true }] });
  const tag = ((got[0] as unknown as Term[])[1] as unknown as Term[])[1];
  void producer.send(pid, eventsMessage(producer.pid, tag, [1, 2]), false);
  await node.clock.settle();

  expect(got.map((message) => inspect((message as unknown as Term[])[2]))).toEqual([
    "{:subscribe, nil, [max_demand: 2, tiebeam_ack: true]}",
    "{:ask, 2}",
    "{:ask, 1}",
    "{:ask, 1}",
  ]);
});

test("a generator in the middle confirms what it has been through, not what it was given", async () => {
  const node = new TestNode();
  const got: Term[] = [];
  const producer = node.spawn(got);
  let next: () => void = () => {};
  const stage = GenStage.through<number, number>(
    async function* (events) {
      for await (const event of events) {
        await new Promise<void>((resolve) => {
          next = resolve;
        });
        yield event;
      }
    },
    { subscribeTo: [{ to: producer.pid, maxDemand: 4, minDemand: 2, ack: true }] },
  );
  const { pid } = await node.start(stage);
  Careful.handled = [];
  Careful.crashAt = new Set();
  await node.start(Careful, { args: [{ to: pid, maxDemand: 10 }] });
  const tag = ((got[0] as unknown as Term[])[1] as unknown as Term[])[1];
  const send = async (message: unknown) => {
    void producer.send(pid, message, false);
    await node.clock.settle();
  };
  const confirmed = () =>
    got.map((message) => inspect((message as unknown as Term[])[2])).filter((text) => text.includes("ack, "));
  await send(acksMessage(producer.pid, tag));
  await send(eventsMessage(producer.pid, tag, [1, 2, 3, 4]));
  expect(confirmed()).toEqual([]);

  for (let i = 0; i < 4; i++) {
    next();
    await node.clock.settle();
  }

  expect(confirmed()).toEqual(["{:tiebeam_ack, 2}", "{:tiebeam_ack, 2}"]);
  expect(Careful.handled).toEqual([1, 2, 3, 4]);
});
