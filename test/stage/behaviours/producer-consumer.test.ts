import { expect, test } from "vitest";
import { noReply, stop } from "../../../src/otp/index.ts";
import { broadcastDispatcher } from "../../../src/stage/index.ts";
import { demandRequest } from "../../../src/stage/messages.ts";
import { atom } from "../../../src/term/index.ts";
import { integers } from "../harness.ts";
import { type Behaviour, queue } from "./probes.ts";
import { Stages } from "./stages.ts";

// Section "Producer - producer_consumer - consumer" of the behaviours.

const forward = demandRequest("forward");
const twice = (first: number, count: number) => integers(first, count).flatMap((event) => [event, event]);

/** Runs of each batch: its first event, and how many they are. */
const runs = (batches: readonly number[][]) => batches.map((batch) => [batch[0], batch.length]);

/** A producer of `count`, one in the middle that emits everything twice, and a consumer, all in the order of their start. */
async function pipeline(upstream: object, downstream: object, count: number, middle: Behaviour = {}) {
  const stages = new Stages();
  const producer = await stages.producer({ count, demand: "accumulate" });
  const doubler = await stages.producerConsumer({ ...middle, subscribeTo: [{ to: producer.pid, ...upstream }] });
  const consumer = await stages.consumerOf(doubler.pid, downstream);
  await stages.cast(producer.pid, forward);
  return { stages, producer, doubler, consumer };
}

test("#27, #28: small batches in, each result in one batch out; what is too much waits and comes in smaller ones", async () => {
  const { doubler, consumer } = await pipeline(
    { maxDemand: 100, minDemand: 80 },
    { maxDemand: 100, minDemand: 50 },
    140,
  );

  expect(doubler.notes.batches).toEqual(integers(0, 7).map((i) => integers(i * 20, 20)));
  expect(consumer.notes.batches.slice(0, 2)).toEqual([twice(0, 20), twice(20, 20)]);
  expect(consumer.notes.batches.flat()).toEqual(twice(0, 140));
  expect(consumer.notes.batches).toContainEqual(twice(120, 5));
  expect(consumer.notes.batches).toContainEqual(twice(125, 15));
});

test("#29: large batches in come out in pieces of max - min", async () => {
  const { doubler, consumer } = await pipeline(
    { maxDemand: 100, minDemand: 20 },
    { maxDemand: 100, minDemand: 50 },
    100,
  );

  expect(doubler.notes.batches[0]).toEqual(integers(0, 80));
  expect(consumer.notes.batches.slice(0, 2)).toEqual([twice(0, 25), twice(25, 25)]);
});

test("#30: it is the same when the consumer has subscribed first", async () => {
  const inOrder = await pipeline({ maxDemand: 100, minDemand: 20 }, { maxDemand: 100, minDemand: 50 }, 300);
  const stages = new Stages();
  const producer = await stages.producer({ count: 300, demand: "accumulate" }, "numbers");
  const doubler = await stages.producerConsumer();
  const consumer = await stages.consumerOf(doubler.pid, { maxDemand: 100, minDemand: 50 });
  doubler.stage.subscribe({ to: "numbers", maxDemand: 100, minDemand: 20 });
  await stages.cast(producer.pid, forward);

  expect(doubler.notes.batches).toEqual(inOrder.doubler.notes.batches);
  expect(consumer.notes.batches).toEqual(inOrder.consumer.notes.batches);
});

test("#31: nothing more is handled than a consumer that is gone had asked for", async () => {
  const stages = new Stages();
  const producer = await stages.producer({ count: 1_000 });
  const doubler = await stages.producerConsumer({
    subscribeTo: [{ to: producer.pid, maxDemand: 10, minDemand: 8 }],
    onEvents: (events) => void stages.node.core.send(doubler.pid, queue(...events), false),
  });

  await stages.consumerOf(doubler.pid, { maxDemand: 10, minDemand: 5 }, { onEvents: () => stop(atom("normal")) });

  expect(Math.max(...doubler.notes.batches.flat())).toBe(9);
});

test("#32: one that emits nothing goes on asking", async () => {
  const { doubler } = await pipeline({ maxDemand: 100 }, { maxDemand: 10 }, 2_000, { onEvents: () => noReply() });

  expect(doubler.notes.batches.flat()).toEqual(integers(0, 2_000));
});

/** One in the middle that broadcasts to consumers of 10 and 20, and before them to one that never asks if so. */
async function broadcast(hasSilent: boolean) {
  const stages = new Stages();
  const producer = await stages.producer({ count: 10, demand: "accumulate" });
  const doubler = await stages.producerConsumer({
    dispatcher: broadcastDispatcher(),
    subscribeTo: [{ to: producer.pid, maxDemand: 10 }],
  });
  const silent = stages.handConsumer(doubler.pid);
  if (hasSilent) await silent.subscribe();
  const one = await stages.consumerOf(doubler.pid, { maxDemand: 10, minDemand: 0 });
  const two = await stages.consumerOf(doubler.pid, { maxDemand: 20, minDemand: 0 });
  await stages.cast(producer.pid, forward);
  return { silent, one, two };
}

test("#33: broadcast from the middle reaches all alike", async () => {
  const { one, two } = await broadcast(false);

  expect(one.notes.batches.flat()).toEqual(twice(0, 10));
  expect(two.notes.batches).toEqual(one.notes.batches);
});

test("#34: broadcast from the middle goes on once a silent subscriber is gone", async () => {
  const { silent, one, two } = await broadcast(true);
  expect([one.notes.batches, two.notes.batches]).toEqual([[], []]);

  await silent.cancel("enough");

  expect(one.notes.batches.flat()).toEqual(twice(0, 10));
  expect(two.notes.batches).toEqual(one.notes.batches);
});

test("#35: the end of a producer is told behind what it had sent", async () => {
  const stages = new Stages();
  const hand = await stages.handProducerOfMiddle({ maxDemand: 10, cancel: "temporary" });
  await hand.emit(1, 2);

  await hand.cancel(atom("enough"));
  expect(hand.notes.cancels).toEqual([]);
  await stages.consumerOf(hand.pid, { maxDemand: 10 });

  expect(hand.notes.order.filter((what) => /^(events|cancel)/.test(what))).toEqual([
    "events [1, 2]",
    "cancel {:cancel, :enough}",
  ]);
});

test("#36: one with a permanent producer that has ended lives until what it had taken in is handled", async () => {
  const stages = new Stages();
  const hand = await stages.handProducerOfMiddle({ maxDemand: 10 });
  await hand.emit(1, 2);

  await hand.end(atom("gone"));
  expect(hand.reasons).toEqual([]);
  const consumer = await stages.consumerOf(hand.pid, { maxDemand: 10, cancel: "temporary" });

  expect(consumer.notes.batches.flat()).toEqual([1, 1, 2, 2]);
  expect(hand.reasons).toEqual([":gone"]);
});

test("#37: what waited until its producer was gone comes as one list, and nobody is asked", async () => {
  const stages = new Stages();
  const hand = await stages.handProducerOfMiddle({ maxDemand: 10, minDemand: 8, cancel: "temporary" });
  await hand.emit(1, 2, 3, 4, 5);
  await hand.cancel(atom("enough"));

  await stages.consumerOf(hand.pid, { maxDemand: 10 });

  expect(hand.notes.batches).toEqual([[1, 2, 3, 4, 5]]);
  expect(hand.asks()).toEqual([10]);
});

test("#38: without any consumer it asks at once, and handles nothing", async () => {
  const stages = new Stages();
  const producer = await stages.producer({ count: 100 });

  const doubler = await stages.producerConsumer({ subscribeTo: [{ to: producer.pid, maxDemand: 10 }] });

  expect(producer.notes.demands).toEqual([10]);
  expect(runs(doubler.notes.batches)).toEqual([]);
});
