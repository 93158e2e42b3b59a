import { expect, test } from "vitest";
import { subscribeRequest } from "../../../src/stage/messages.ts";
import { integers } from "../harness.ts";
import { Stages } from "./stages.ts";

// Section "Manual mode" of the behaviours.

const manual = { onSubscribe: () => "manual" };

test.each([
  ["#92", "when it is told to"],
  ["#93", "from its init"],
])("%s: a manual subscription that a stage makes %s gets what is asked for, in one batch", async (number) => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 1_000 });
  const consumer = number === "#93" ? await stages.consumerOf(pid, {}, manual) : await stages.consumer(manual);
  if (number === "#92") await stages.call(consumer.pid, subscribeRequest(undefined, pid, []));
  expect(consumer.notes.batches).toEqual([]);

  consumer.stage.ask(50);
  await stages.settle();
  consumer.stage.ask(50);
  await stages.settle();

  expect(consumer.notes.batches).toEqual([integers(0, 50), integers(50, 50)]);
});

test("#94: to ask for 0 sends nothing", async () => {
  const stages = new Stages();
  const hand = await stages.handProducer({}, manual);

  hand.stage.ask(0);
  await stages.settle();

  expect(hand.asks()).toEqual([]);
});
