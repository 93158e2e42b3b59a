import { expect, test } from "vitest";
import { broadcastDispatcher } from "../../../src/stage/index.ts";
import { demandRequest } from "../../../src/stage/messages.ts";
import { atom } from "../../../src/term/index.ts";
import { queue } from "./probes.ts";
import { Stages } from "./stages.ts";

// Section "Demand mode" of the behaviours.

const [forward, accumulate, mode] = [demandRequest("forward"), demandRequest("accumulate"), atom("$demand")];
const FOUR = { maxDemand: 4, minDemand: 0 } as const;

test("#39: a producer that accumulates says so, and lets nothing go until it is told to forward", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 4, demand: "accumulate" });
  expect(await stages.call(pid, mode)).toBe(":accumulate");
  const { notes } = await stages.consumerOf(pid, FOUR);
  expect(notes.batches).toEqual([]);

  await stages.cast(pid, forward);

  expect(await stages.call(pid, mode)).toBe(":forward");
  expect(notes.batches).toEqual([[0, 1, 2, 3]]);
});

test("#40: a producer can be told to accumulate while it runs", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 4 });
  await stages.cast(pid, accumulate);
  const { notes } = await stages.consumerOf(pid, FOUR);
  expect(notes.batches).toEqual([]);

  await stages.cast(pid, forward);

  expect(notes.batches).toEqual([[0, 1, 2, 3]]);
});

test("#41: a producer told to forward before anybody subscribed serves at once", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 4, demand: "accumulate" });
  await stages.cast(pid, forward);

  const { notes } = await stages.consumerOf(pid, FOUR);

  expect(notes.batches).toEqual([[0, 1, 2, 3]]);
});

test("#42: to be told to accumulate twice loses no demand", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 4, demand: "accumulate" });
  const { notes } = await stages.consumerOf(pid, FOUR);

  await stages.cast(pid, accumulate);
  await stages.cast(pid, forward);

  expect(notes.batches).toEqual([[0, 1, 2, 3]]);
});

test("#43: the demand of two consumers is told one by one", async () => {
  const stages = new Stages();
  const { pid, notes } = await stages.producer({ demand: "accumulate" });
  await stages.consumerOf(pid, { maxDemand: 2 });
  await stages.consumerOf(pid, { maxDemand: 2 });

  await stages.cast(pid, forward);

  expect(notes.demands).toEqual([2, 2]);
});

test("#44: a broadcast producer that accumulates keeps events, each for itself, for those who come", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ dispatcher: broadcastDispatcher() });
  const before = await stages.consumerOf(pid, { cancel: "temporary" });
  await stages.kill(before.pid);
  await stages.cast(pid, accumulate);
  for (const event of [1, 2, 3, 4]) await stages.call(pid, queue(event));
  const one = await stages.consumerOf(pid);
  const two = await stages.consumerOf(pid);
  expect([one.notes.batches, two.notes.batches]).toEqual([[], []]);

  await stages.cast(pid, forward);

  expect(one.notes.batches).toEqual([[1], [2], [3], [4]]);
  expect(two.notes.batches).toEqual(one.notes.batches);
  expect(await stages.call(pid, atom("$estimate_buffered_count"))).toBe("0");
});

test("#45: what is emitted while accumulating stays until forward, whatever was asked for", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer();
  const { notes } = await stages.consumerOf(pid, FOUR);
  await stages.cast(pid, accumulate);

  await stages.call(pid, queue(1, 2));
  expect(notes.batches).toEqual([]);
  await stages.cast(pid, forward);

  expect(notes.batches).toEqual([[1, 2]]);
});

test("#47: a consumer forwards, and cannot be told otherwise", async () => {
  const stages = new Stages();
  const { pid } = await stages.consumer();

  expect(await stages.call(pid, mode)).toBe(":forward");
  await stages.cast(pid, forward);
  await stages.cast(pid, accumulate);

  expect(stages.node.errors()).toEqual([
    expect.stringContaining("cannot set its demand to forward"),
    expect.stringContaining("cannot set its demand to accumulate"),
  ]);
  expect(stages.isAlive(pid)).toBe(true);
});

test("#48: a producer_consumer forwards, and cannot accumulate", async () => {
  const stages = new Stages();
  const { pid } = await stages.producerConsumer();
  expect(await stages.call(pid, mode)).toBe(":forward");

  await stages.cast(pid, forward);
  expect(stages.node.errors()).toEqual([]);
  await stages.cast(pid, accumulate);

  expect(stages.node.errors()).toEqual([expect.stringContaining("cannot set its demand to accumulate")]);
  expect(stages.isAlive(pid)).toBe(true);
});
