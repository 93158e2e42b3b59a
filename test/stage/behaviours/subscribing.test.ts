import { expect, test } from "vitest";
import type { SubscribeTo } from "../../../src/stage/index.ts";
import { broadcastDispatcher, GenStage } from "../../../src/stage/index.ts";
import { type Current, subscribeRequest } from "../../../src/stage/messages.ts";
import { atom, inspect, parse, type Term, tuple } from "../../../src/term/index.ts";
import { integers } from "../harness.ts";
import { Stages } from "./stages.ts";

// Section "Subscribing" of the behaviours. Requests are as they come from Elixir.

const OK = /^\{:ok, #Reference<.*>\}$/;
const request = (to: unknown, options = "[]", current?: Current) => subscribeRequest(current, to, parse(options));

/** A node with a consumer, a pid of which the process has ended, and a name that nobody has. */
async function lonely() {
  const stages = new Stages();
  const dead = stages.node.spawn();
  dead.exit(atom("normal"));
  return { stages, consumer: await stages.consumer(), dead: dead.pid, nobody: atom("nobody") };
}

test("#76: a subscription is answered with its tag", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 5 });
  const consumer = await stages.consumer();

  expect(await stages.call(consumer.pid, request(pid))).toMatch(OK);

  expect(consumer.notes.batches.flat()).toEqual(integers(0, 5));
});

test("#77: a consumer that is dead cannot be made to subscribe", async () => {
  const { stages, dead, nobody } = await lonely();

  expect(await stages.answer(GenStage.syncSubscribe(stages.node.process, dead, { to: nobody }))).toMatch(
    /^error \{:noproc,/,
  );
});

test.each([
  ["#78", "[max_demand: 0]", "expected :max_demand to be equal to or greater than 1, got: 0"],
  ["#79", "[min_demand: 2000]", "expected :min_demand to be equal to or less than 999, got: 2000"],
  ["#88", "[max_demand: 0]", "expected :max_demand to be equal to or greater than 1, got: 0"],
  ["#88", "[min_demand: 2000]", "expected :min_demand to be equal to or less than 999, got: 2000"],
])("%s: a subscription with %s is refused and nothing is sent", async (number, options, problem) => {
  const stages = new Stages();
  const inbox: Term[] = [];
  const producer = stages.node.spawn(inbox);
  const consumer = await stages.consumer();
  const current = number === "#88" ? { tag: "old" as Term, reason: atom("moving") } : undefined;

  expect(await stages.call(consumer.pid, request(producer.pid, options, current))).toBe(
    inspect(tuple(atom("error"), tuple(atom("bad_opts"), problem)) as unknown as Term),
  );

  expect(inbox).toEqual([]);
  expect(stages.isAlive(consumer.pid)).toBe(true);
});

test("#80: a permanent subscription to a name that nobody has ends the consumer with noproc", async () => {
  const { stages, consumer, nobody } = await lonely();

  expect(await stages.call(consumer.pid, request(nobody))).toMatch(OK);

  expect(consumer.reasons).toEqual([":noproc"]);
  expect(stages.node.errors().join()).toMatch(
    /was not able to subscribe to the process :?nobody because that process is not alive/,
  );
});

test("#81: a permanent subscription to a dead process ends the consumer with noproc", async () => {
  const { stages, consumer, dead } = await lonely();

  expect(await stages.call(consumer.pid, request(dead))).toMatch(OK);

  expect(consumer.reasons).toEqual([":noproc"]);
});

test("#82, #83: temporary subscriptions to nobody leave the consumer alive", async () => {
  const { stages, consumer, dead, nobody } = await lonely();

  for (const to of [dead, nobody]) {
    expect(await stages.call(consumer.pid, request(to, "[cancel: :temporary]"))).toMatch(OK);
  }

  expect(consumer.reasons).toEqual([]);
  expect(consumer.notes.cancels).toEqual(["{:down, :noproc}"]);
});

test.each(["sync", "async"])(
  "#84: a consumer of a broadcast that subscribes again (%s) stays subscribed once",
  async (how) => {
    const stages = new Stages();
    const { pid } = await stages.producer({ count: 5, dispatcher: broadcastDispatcher(), demand: "accumulate" });
    const consumer = await stages.consumerOf(pid);

    if (how === "sync") expect(await stages.call(consumer.pid, request(pid))).toMatch(OK);
    else await stages.cast(consumer.pid, request(pid));
    void GenStage.demand(stages.node.process, pid, "forward");
    await stages.settle();

    expect(consumer.notes.cancels).toEqual(["{:cancel, :already_subscribed}"]);
    expect(consumer.notes.batches.flat()).toEqual(integers(0, 5));
    expect(stages.isAlive(consumer.pid)).toBe(true);
  },
);

test("#85: a producer subscribes to nobody", async () => {
  const stages = new Stages();
  const [one, other] = [await stages.producer(), await stages.producer()];

  expect(await stages.call(one.pid, request(other.pid))).toBe("{:error, :not_a_consumer}");
  await stages.cast(one.pid, request(other.pid));

  expect(stages.node.errors()).toHaveLength(2);
  expect(other.notes.subscriptions).toEqual([]);
});

test.each(["#87: sync", "#90: async"])(
  "%s: a new subscription in place of one that is not known is a plain one",
  async (how) => {
    const stages = new Stages();
    const { pid } = await stages.producer({ count: 5 });
    const consumer = await stages.consumer();
    const current = { tag: stages.node.runtime.identity.newRef(), reason: "moving" };
    const options: SubscribeTo = { to: pid, cancel: "temporary" };

    if (how.includes("async")) void GenStage.asyncResubscribe(stages.node.process, consumer.pid, current, options);
    else void GenStage.syncResubscribe(stages.node.process, consumer.pid, current, options);
    await stages.settle();

    expect(consumer.notes.batches.flat()).toEqual(integers(0, 5));
    expect(consumer.notes.cancels).toEqual([]);
  },
);

test("#91: a permanent subscription that is replaced ends the consumer with the reason given", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer();
  const consumer = await stages.consumerOf(pid);
  const tag = consumer.notes.subscriptions[0]!.subscriptionTag;

  const reason = atom("moving");
  void GenStage.asyncResubscribe(stages.node.process, consumer.pid, { tag, reason }, { to: pid });
  await stages.settle();

  expect(consumer.notes.subscriptions).toHaveLength(2);
  expect(consumer.reasons).toEqual([":moving"]);
});
