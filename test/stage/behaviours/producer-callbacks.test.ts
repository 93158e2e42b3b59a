import { expect, test } from "vitest";
import { noReply } from "../../../src/otp/index.ts";
import type { From } from "../../../src/runtime/index.ts";
import { subscribeRequest } from "../../../src/stage/messages.ts";
import { atom, inspect, parse, type Term, tuple } from "../../../src/term/index.ts";
import { queue } from "./probes.ts";
import { Stages } from "./stages.ts";

// Section "Producer callbacks" of the behaviours.

test("#96: handleSubscribe is told the consumer and its options, to left out", async () => {
  const stages = new Stages();
  const producer = await stages.producer();
  const consumer = await stages.consumer();

  const options = parse("[max_demand: 7, to_be: :carried, cancel: :temporary]");
  await stages.call(consumer.pid, subscribeRequest(undefined, producer.pid, options));

  const tag = consumer.notes.subscriptions[0]!.subscriptionTag;
  expect(inspect(producer.notes.options[0] as Term)).toBe(
    '%{"cancel" => :temporary, "max_demand" => 7, "to_be" => :carried}'.replace(/"(\w+)" => /g, "$1: "),
  );
  expect(inspect(producer.notes.subscriptions[0])).toBe(inspect(tuple(consumer.pid, tag as object) as unknown as Term));
});

test.each(["producer", "producerConsumer"] as const)(
  "#97: the demand of a consumer is its own affair: no %s takes it for manual",
  async (role) => {
    const stages = new Stages();
    const producer = await stages[role]({ onSubscribe: (side) => (side === "consumer" ? "manual" : undefined) });

    await stages.consumerOf(producer.pid, { cancel: "temporary" });

    expect(producer.reasons).toEqual(["{:bad_return_value, :manual}"]);
  },
);

test("#98: a cancel is told with its reason and whose it is", async () => {
  const stages = new Stages();
  const producer = await stages.producer();
  const consumer = await stages.consumerOf(producer.pid, { cancel: "temporary" });

  consumer.stage.cancel(atom("oops"));
  await stages.settle();

  expect(producer.notes.cancels).toEqual(["{:cancel, :oops}"]);
  expect(producer.notes.cancelled).toEqual(producer.notes.subscriptions);
});

test("#99: a consumer that was killed is told as down", async () => {
  const stages = new Stages();
  const producer = await stages.producer();
  const consumer = await stages.consumerOf(producer.pid);

  await stages.kill(consumer.pid);

  expect(producer.notes.cancels).toEqual(["{:down, :killed}"]);
});

test("#100, #101: events leave before the reply that comes with them, and after one that was given before", async () => {
  for (const isEarly of [false, true]) {
    const stages = new Stages();
    const { pid, stage } = await stages.producer();
    const order: string[] = [];
    const core = stages.node.spawn();
    core.behaviour.receive = (message) => void order.push(inspect(message as Term));
    const hand = stages.handConsumer(pid);
    await hand.subscribe();
    await hand.tell(tuple(atom("$gen_producer"), tuple(core.pid, "tag"), tuple(atom("ask"), 2)));
    if (isEarly) {
      stage.handleCall = (_request: Term, ...[from]: unknown[]) => {
        (from as From).reply(atom("early"));
        return noReply({ events: [1] }) as never;
      };
    }

    void core.send(pid, tuple(atom("$gen_call"), tuple(core.pid, "call"), queue(1)), false);
    await stages.settle();

    expect(order).toHaveLength(2);
    expect(order[isEarly ? 1 : 0]).toContain("[1]");
    expect(order[isEarly ? 0 : 1]).toMatch(/^\{"call", :(ok|early)\}$/);
  }
});
