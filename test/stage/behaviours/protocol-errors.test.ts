import { expect, test } from "vitest";
import { cancelledMessage, cancelMessage, eventsMessage } from "../../../src/stage/messages.ts";
import { atom, inspect, parse, type Term, tuple } from "../../../src/term/index.ts";
import { integers } from "../harness.ts";
import { Stages } from "./stages.ts";

// Section "Protocol errors" of the behaviours; #117 to #119 are in producer.test.ts.

test("#120: a consumer that is spoken to as a producer logs it and answers nothing", async () => {
  const stages = new Stages();
  const { pid } = await stages.consumer();
  const hand = stages.handConsumer(pid);

  await hand.subscribe();
  await hand.ask(3);
  await hand.cancel("enough");

  expect(hand.inbox).toEqual([]);
  expect(stages.node.errors()).toHaveLength(3);
  expect(stages.isAlive(pid)).toBe(true);
});

test("#121: events under an unknown tag are answered by a cancel to whom they name, and not handled", async () => {
  const stages = new Stages();
  const { pid, notes } = await stages.consumer();
  const named: Term[] = [];
  const other = stages.node.spawn(named);

  await stages.send(pid, eventsMessage(other.pid, "no tag", [1, 2]));

  expect(inspect(named[0])).toBe(
    inspect(cancelMessage(pid, "no tag", atom("unknown_subscription")) as unknown as Term),
  );
  expect(notes.batches).toEqual([]);
});

test("#122: a producer that is spoken to as a consumer logs it", async () => {
  const stages = new Stages();
  const { pid, notes } = await stages.producer();

  await stages.send(pid, eventsMessage(stages.node.core.pid, "tag", [1]));
  await stages.send(pid, cancelledMessage(stages.node.core.pid, "tag", "enough"));

  expect(stages.node.errors()).toHaveLength(2);
  expect(notes.infos).toEqual([]);
  expect(stages.isAlive(pid)).toBe(true);
});

test("#123: what the protocol does not have is a message like any other", async () => {
  const stages = new Stages();
  const { pid, notes } = await stages.producer();
  const messages = [parse("{:ask, :many}"), parse("{:ask, 1.5}"), parse("{:unknown, 1}"), parse(":word")].map(
    (operation) => tuple(atom("$gen_producer"), tuple(stages.node.core.pid, "tag"), operation as object),
  );

  for (const message of messages) await stages.send(pid, message);

  expect(notes.infos.map((info) => inspect(info))).toEqual(
    messages.map((message) => inspect(message as unknown as Term)),
  );
});

test("#124: a tag may be any term, and comes back as it was", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 2 });
  const tag = parse('{:any, [1, 2.5, "text"], %{a: {:b}}}');
  const hand = stages.handConsumer(pid, tag);

  await hand.subscribe();
  await hand.ask(2);
  await hand.cancel(tag);

  const [events, cancelled] = hand.inbox;
  expect(inspect(events)).toBe(inspect(eventsMessage(pid, tag, [0, 1]) as unknown as Term));
  expect(inspect(cancelled)).toBe(inspect(cancelledMessage(pid, tag, tag) as unknown as Term));
});

test("#125: a cancel under the right tag counts, whoever sends it, and its consumer is told", async () => {
  const stages = new Stages();
  const { pid, notes } = await stages.producer();
  const hand = stages.handConsumer(pid);
  await hand.subscribe();

  await stages.send(pid, cancelMessage(stages.node.core.pid, "tag", atom("enough")));

  expect(hand.got()).toEqual(["{:cancel, :enough}"]);
  expect(notes.cancels).toEqual(["{:cancel, :enough}"]);
  expect(notes.cancelled).toEqual(notes.subscriptions);
});

test("#126: more events than were asked for are all handled, and the surplus is reported and asked for by nobody", async () => {
  const stages = new Stages();
  const hand = await stages.handProducer({ maxDemand: 4, minDemand: 2 });

  await hand.emit(...integers(0, 7));

  expect(hand.notes.batches).toEqual([[0, 1], [2, 3], [4, 5], [6]]);
  expect(hand.asks()).toEqual([4, 2, 2]);
  expect(stages.node.errors()).toEqual([
    expect.stringContaining("has received 2 events in excess"),
    expect.stringContaining("has received 1 events in excess"),
  ]);
});

test("#127: already_subscribed ends no consumer", async () => {
  const hand = await new Stages().handProducer({ cancel: "permanent" });

  await hand.cancel(atom("already_subscribed"));

  expect(hand.notes.cancels).toEqual(["{:cancel, :already_subscribed}"]);
  expect(hand.reasons).toEqual([]);
});
