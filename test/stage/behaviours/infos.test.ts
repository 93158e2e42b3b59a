import { expect, test } from "vitest";
import { GenStage } from "../../../src/stage/index.ts";
import { infoRequest } from "../../../src/stage/messages.ts";
import { atom } from "../../../src/term/index.ts";
import { type Behaviour, queue } from "./probes.ts";
import { Stages } from "./stages.ts";

// Section "Info messages" of the behaviours.

/** A producer that has emitted these before anybody asked, and a consumer played by hand. */
async function buffered(given: Behaviour, ...events: unknown[]) {
  const stages = new Stages();
  const producer = await stages.producer(given);
  if (events.length > 0) await stages.call(producer.pid, queue(...events));
  const hand = stages.handConsumer(producer.pid);
  await hand.subscribe();
  const info = (message: unknown) => stages.cast(producer.pid, infoRequest(message));
  return { stages, ...producer, hand, info };
}

test.each([
  ["#67", "consumer"],
  ["#68", "producerConsumer"],
  ["#70", "producer"],
] as const)("%s: a %s with nothing that waits gets infos at once", async (_number, role) => {
  const stages = new Stages();
  const { pid, notes } = await stages[role]();

  expect(await stages.answer(GenStage.syncInfo(stages.node.process, pid, "sync"))).toBe(":ok");
  void GenStage.asyncInfo(stages.node.process, pid, "async");
  await stages.settle();

  expect(notes.infos).toEqual(["sync", "async"]);
});

test("#69: infos to a producer_consumer come behind what it has taken in", async () => {
  const stages = new Stages();
  const hand = await stages.handProducerOfMiddle({ maxDemand: 10 });
  await hand.emit(1, 2);

  await stages.cast(hand.pid, infoRequest("behind 2"));
  expect(hand.notes.infos).toEqual([]);
  await stages.consumerOf(hand.pid, { maxDemand: 10 });

  expect(hand.notes.order.filter((what) => /^(events|info)/.test(what))).toEqual(["events [1, 2]", "info behind 2"]);
});

test("#71: infos to a producer come behind what it has buffered", async () => {
  const { hand, info, notes } = await buffered({ bufferSize: Number.POSITIVE_INFINITY }, 1, 2, 3);
  await info("behind 3");

  await hand.ask(2);
  expect(notes.infos).toEqual([]);
  await hand.ask(1);

  expect(notes.infos).toEqual(["behind 3"]);
});

test.each([1, 2, 3])("#72: in a buffer of 3 with %i in it, an info comes behind the last", async (count) => {
  const { hand, info, notes } = await buffered({ bufferSize: 3 }, ...Array.from({ length: count }, (_, i) => i));
  await info("behind the last");

  if (count > 1) await hand.ask(count - 1);
  expect(notes.infos).toEqual([]);
  await hand.ask(1);

  expect(notes.infos).toEqual(["behind the last"]);
});

test("#73: infos keep their place in a bounded buffer that moves on", async () => {
  const { stages, pid, hand, info, notes } = await buffered({ bufferSize: 3 }, 1, 2, 3);
  await info("one");
  await hand.ask(2);
  await stages.call(pid, queue(4, 5));
  await info("two");

  await hand.ask(3);

  expect(hand.got()).toEqual(["[1, 2]", "[3]", "[4, 5]"]);
  expect(notes.infos).toEqual(["one", "two"]);
});

test("#74: an info whose events are pushed out of the buffer is delivered without any consumer", async () => {
  const { stages, pid, info, notes } = await buffered({ bufferSize: 2 }, 1, 2);
  await info("behind 2");

  await stages.call(pid, queue(3, 4));

  expect(notes.infos).toEqual(["behind 2"]);
});

test("#63, #64, #65, #75: each group of events goes out for itself, and its infos follow in their order", async () => {
  const { stages, pid, hand, info, notes } = await buffered({}, 1, 2);
  for (const each of ["one", "two", "three"]) await info(each);
  await stages.call(pid, queue(3, 4));
  await info("four");

  await hand.ask(10);

  expect(hand.got()).toEqual(["[1, 2]", "[3, 4]"]);
  expect(notes.infos).toEqual(["one", "two", "three", "four"]);
  expect(await stages.call(pid, atom("$estimate_buffered_count"))).toBe("0");
});
