import { expect, test } from "vitest";
import { broadcastDispatcher } from "../../../src/stage/index.ts";
import { demandRequest } from "../../../src/stage/messages.ts";
import { integers } from "../harness.ts";
import { Stages } from "./stages.ts";

// Section "Demand between producer and automatic consumer" of the behaviours; #22 is in consumer.test.ts, #20 in across.test.ts.

const forward = demandRequest("forward");

/** `{first, count}` of each batch. */
const runs = (batches: readonly number[][]) => batches.map((batch) => [batch[0], batch.length]);

test.each([
  ["#16", {}, 1_000, [[0, 500], [500, 500]]],
  ["#17", { maxDemand: 100, minDemand: 80 }, 1_020, integers(0, 51).map((i) => [i * 20, 20])],
  ["#18", { maxDemand: 100, minDemand: 20 }, 280, [[0, 80], [80, 20], [100, 80], [180, 80], [260, 20]]],
  ["#19", { maxDemand: 1, minDemand: 0 }, 3, [[0, 1], [1, 1], [2, 1]]],
] as const)("%s: a consumer with %j gets batches of max - min, as its asks say", async (_number, options, count, batches) => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count });

  const { notes } = await stages.consumerOf(pid, options);

  expect(runs(notes.batches)).toEqual(batches);
}); // biome-ignore format: one line each

test("#21: small messages are gone through whole, and asked for together", async () => {
  const { emit, asks } = await new Stages().handProducer({ maxDemand: 1_000, minDemand: 750 });

  await emit(...integers(0, 100));
  await emit(...integers(100, 100));
  expect(asks()).toEqual([1_000]);
  await emit(...integers(200, 100));

  expect(asks()).toEqual([1_000, 300]);
});

test("#23: the batch of a consumer that was killed is lost; the next one gets what follows", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 30 });
  const busy = await stages.consumerOf(
    pid,
    { maxDemand: 10, cancel: "temporary" },
    { onEvents: () => new Promise(() => {}) },
  );

  await stages.kill(busy.pid);
  const { notes } = await stages.consumerOf(pid, { maxDemand: 10 });

  expect(busy.notes.batches).toEqual([integers(0, 5)]);
  expect(notes.batches.flat()).toEqual(integers(10, 20));
});

/** A broadcast producer held until `forward`, a subscriber that asks for nothing if so, and consumers of 10 and 20. */
async function broadcast(count: number, hasSilent = false) {
  const stages = new Stages();
  const producer = await stages.producer({ count, dispatcher: broadcastDispatcher(), demand: "accumulate" });
  const silent = stages.handConsumer(producer.pid);
  if (hasSilent) await silent.subscribe();
  const one = await stages.consumerOf(producer.pid, { maxDemand: 10, minDemand: 0 });
  const two = await stages.consumerOf(producer.pid, { maxDemand: 20, minDemand: 0 });
  return { stages, producer, silent, one, two };
}

test("#24: consumers of a broadcast handle the same batches, of the smallest demand", async () => {
  const { stages, producer, one, two } = await broadcast(40);

  await stages.cast(producer.pid, forward);

  expect(runs(one.notes.batches)).toEqual([[0, 10], [10, 10], [20, 10], [30, 10]]); // biome-ignore format: short
  expect(two.notes.batches).toEqual(one.notes.batches);
});

test("#25: a subscriber that never asks holds up all others until it is gone", async () => {
  const { stages, producer, silent, one, two } = await broadcast(20, true);
  await stages.cast(producer.pid, forward);
  expect([one.notes.batches, two.notes.batches]).toEqual([[], []]);

  await silent.cancel("enough");

  expect(runs(one.notes.batches)).toEqual([[0, 10], [10, 10]]); // biome-ignore format: short
  expect(two.notes.batches).toEqual(one.notes.batches);
});

test("#26: the producer is told of the demand that its consumers share, once", async () => {
  const { stages, producer } = await broadcast(0);

  await stages.cast(producer.pid, forward);

  expect(producer.notes.demands).toEqual([10]);
});
