import { expect, test } from "vitest";
import { noReply } from "../../../src/otp/index.ts";
import { broadcastDispatcher, type CancelMode } from "../../../src/stage/index.ts";
import { subscribeRequest } from "../../../src/stage/messages.ts";
import { atom, inspect, isList, type Pid, parse, type Term, tuple } from "../../../src/term/index.ts";
import { queue } from "./probes.ts";
import { Stages } from "./stages.ts";

// Section "Consumer callbacks and cancel modes" of the behaviours.

test("#103: handleSubscribe is told the producer and the options", async () => {
  const stages = new Stages();
  const producer = await stages.producer();
  const { pid, notes } = await stages.consumer();

  await stages.call(pid, subscribeRequest(undefined, producer.pid, parse("[max_demand: 7, to_be: :carried]")));

  expect(notes.options).toEqual([{ max_demand: 7, to_be: atom("carried") }]);
  expect(notes.subscriptions[0]!.peer).toBe(producer.pid);
});

test.each(["consumer", "producerConsumer"] as const)(
  "#104: a %s whose handleSubscribe returns what is no mode ends with that",
  async (role) => {
    const stages = new Stages();
    const producer = await stages.producer();
    const { pid, reasons } = await stages[role]({ onSubscribe: () => "unknown" });

    await stages.cast(pid, subscribeRequest(undefined, producer.pid, []));

    expect(reasons).toEqual(['{:bad_return_value, "unknown"}']);
  },
);

/** Subscribes one stage to another played by hand, and lets that subscription end. */
async function ended(
  role: "consumer" | "producerConsumer",
  cancel: CancelMode,
  kind: "cancel" | "down",
  reason: unknown,
) {
  const stages = new Stages();
  const play = role === "consumer" ? "handProducer" : "handProducerOfMiddle";
  const hand = await stages[play]({ cancel });
  if (kind === "cancel") await hand.cancel(reason);
  else if (reason === "kill") await stages.kill(hand.core.pid);
  else await hand.end(reason);
  return [hand.notes.cancels, hand.reasons];
}

const oops = atom("oops");
const any = tuple("any", ["term"]);
const anyText = inspect(any as unknown as Term);

test.each([
  ["#105, #113", "temporary", "cancel", oops, "{:cancel, :oops}", []],
  ["#106, #113", "transient", "cancel", atom("normal"), "{:cancel, :normal}", []],
  ["#107, #113", "transient", "cancel", any, `{:cancel, ${anyText}}`, [anyText]],
  ["#108, #113", "permanent", "cancel", any, `{:cancel, ${anyText}}`, [anyText]],
  ["#109, #113", "temporary", "down", "kill", "{:down, :killed}", []],
  ["#110, #113", "transient", "down", "kill", "{:down, :killed}", [":killed"]],
  ["#111, #113", "permanent", "down", "kill", "{:down, :killed}", [":killed"]],
  ["#112", "transient", "down", atom("shutdown"), "{:down, :shutdown}", []],
] as const)("%s: a %s subscription ends by %s %s", async (_number, cancel, kind, reason, told, ends) => {
  expect(await ended("consumer", cancel, kind, reason)).toEqual([[told], ends]);
  expect(await ended("producerConsumer", cancel, kind, reason)).toEqual([[told], ends]);
});

test("#114: a producer_consumer is told of the end of its consumers as a producer is", async () => {
  const stages = new Stages();
  const middle = await stages.producerConsumer();
  const one = await stages.consumerOf(middle.pid, { cancel: "temporary" });
  const two = await stages.consumerOf(middle.pid);

  one.stage.cancel(oops);
  await stages.settle();
  await stages.kill(two.pid);

  expect(middle.notes.cancels).toEqual(["{:cancel, :oops}", "{:down, :killed}"]);
});

test("#115: events that a consumer emits are logged and go nowhere; its reply does not", async () => {
  const stages = new Stages();
  const { pid } = await stages.consumer({ onEvents: () => noReply({ events: [1] }) }, "sink");

  expect(await stages.call(pid, queue(1))).toBe(":ok");

  expect(stages.node.errors()).toEqual([expect.stringMatching(/sink cannot dispatch events/)]);
  expect(stages.isAlive(pid)).toBe(true);
});

/** The last part of `get_status`, as text. */
async function statusOf(stages: Stages, pid: Pid): Promise<string[]> {
  const inbox: Term[] = [];
  const asking = stages.node.spawn(inbox);
  void asking.send(pid, tuple(atom("system"), tuple(asking.pid, "tag"), atom("get_status")), false);
  await stages.settle();
  const misc = ((inbox[0] as unknown as Term[])[1] as unknown as Term[])[3] as unknown as Term[];
  const last = (misc.at(-1) as Term[]).at(-1) as unknown as Term[];
  const pairs = isList(last[1]) ? (last[1] as Term[]) : [];
  return pairs.slice(1).map((pair) => inspect(pair));
}

test("#102, #116: get_status shows what kind of stage it is, and whom it has to do with", async () => {
  const stages = new Stages();
  const producer = await stages.producer({ dispatcher: broadcastDispatcher() });
  const middle = await stages.producerConsumer({ subscribeTo: [{ to: producer.pid }] });
  const consumer = await stages.consumerOf(middle.pid, {}, { onSubscribe: () => "manual" });
  await stages.call(producer.pid, queue(...Array.from({ length: 1_003 }, (_, i) => i)));
  const [one, two, three] = [producer.pid, middle.pid, consumer.pid].map((pid) => inspect(pid));

  expect(await statusOf(stages, producer.pid)).toEqual([
    '{~c"Stage", :producer}',
    '{~c"Dispatcher", GenStage.BroadcastDispatcher}',
    `{~c"Consumers", [${two}]}`,
    '{~c"Buffer size", 3}',
  ]);
  expect(await statusOf(stages, middle.pid)).toEqual([
    '{~c"Stage", :producer_consumer}',
    '{~c"Dispatcher", GenStage.DemandDispatcher}',
    `{~c"Producers", [${one}]}`,
    `{~c"Consumers", [${three}]}`,
    '{~c"Buffer size", 0}',
  ]);
  expect(await statusOf(stages, consumer.pid)).toEqual(['{~c"Stage", :consumer}', `{~c"Producers", [${two}]}`]);
});
