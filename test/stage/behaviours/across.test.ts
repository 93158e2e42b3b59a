import { expect, test } from "vitest";
import { child, GenServer } from "../../../src/otp/index.ts";
import {
  broadcastDispatcher,
  ConsumerSupervisor,
  type Subscribe,
  stream,
  superviseEvents,
} from "../../../src/stage/index.ts";
import { subscribeRequest } from "../../../src/stage/messages.ts";
import { atom, Export, ImproperList, inspect, parse, type Term, tuple } from "../../../src/term/index.ts";
import { integers } from "../harness.ts";
import { queue } from "./probes.ts";
import { TwoNodes } from "./two-nodes.ts";

// Section "Across nodes only" of the behaviours, and what is said of two nodes before, between two nodes of this library.

const NAMED = { name: "numbers", node: "there@127.0.0.1" } as const;
const asksOf = (seen: readonly string[]) => seen.filter((what) => what.includes("{:ask"));

test("#20: asks follow the batches, and each is a demand of its own", async () => {
  const nodes = new TwoNodes();
  const seen = nodes.watch();
  const { pid, notes } = await nodes.there.producer({ count: 30 });

  const consumer = await nodes.here.consumerOf(pid, { maxDemand: 10, minDemand: 5 });

  expect(consumer.notes.batches).toEqual(integers(0, 6).map((i) => integers(i * 5, 5)));
  expect(asksOf(seen)).toEqual(["send {:ask, 10}", ...Array(6).fill("send {:ask, 5}")]);
  expect(notes.demands).toEqual([10, 5, 5, 5, 5, 5, 5]);
});

test("#95: a manual subscription gets what is asked for and asks for nothing else", async () => {
  const nodes = new TwoNodes();
  const { pid } = await nodes.there.producer({ count: 30 });
  const consumer = await nodes.here.consumerOf(pid, {}, { onSubscribe: () => "manual" });
  const seen = nodes.watch();

  consumer.stage.ask(3);
  await nodes.clock.settle();
  consumer.stage.ask(2);
  await nodes.clock.settle();

  expect(consumer.notes.batches).toEqual([[0, 1, 2], [3, 4]]); // biome-ignore format: short
  expect(seen).toEqual(["send {:ask, 3}", "send {:ask, 2}"]);
});

class Worker extends GenServer {
  override init() {
    void this.process.send(this.process.pid, "end");
  }
  override handleInfo() {
    return { kind: "stop", reason: atom("normal"), reply: [] } as never;
  }
}

class Workers extends ConsumerSupervisor {
  override init(subscribeTo: Subscribe[]) {
    return superviseEvents(() => child(Worker), { subscribeTo });
  }
}

const TWO = { maxDemand: 2, minDemand: 1 } as const;

test("#231: a name on another node is monitored and asked by name; a consumer asks the pid that answers", async () => {
  const nodes = new TwoNodes();
  await nodes.there.producer({ count: 2 }, "numbers");
  const seen = nodes.watch();

  const { notes } = await nodes.here.consumerOf(NAMED, TWO);

  expect(seen).toEqual([
    "monitor",
    "sendName {:subscribe, nil, [max_demand: 2, min_demand: 1]}",
    "sendName {:ask, 2}",
    "send {:ask, 1}",
    "send {:ask, 1}",
  ]);
  expect(notes.batches.flat()).toEqual([0, 1]);
});

test.each(["a producer_consumer", "a supervisor of events"])("#231: every ask of %s goes to the name", async (who) => {
  const nodes = new TwoNodes();
  await nodes.there.producer({ count: 4 }, "numbers");
  const seen = nodes.watch();

  if (who === "a producer_consumer") {
    const { pid } = await nodes.here.producerConsumer({ subscribeTo: [{ to: NAMED, ...TWO }] });
    await nodes.here.consumerOf(pid);
  } else await nodes.here.node.start(Workers, { args: [{ to: NAMED, ...TWO }] });

  expect(asksOf(seen).length).toBeGreaterThan(3);
  expect(asksOf(seen).filter((what) => !what.startsWith("sendName"))).toEqual([]);
});

test.each([
  ["#232", "a name that nobody has there", NAMED, "noproc"],
  ["#233", "a node that cannot be reached", { name: "numbers", node: "nowhere@127.0.0.1" }, "noconnection"],
] as const)("%s: a subscription to %s is made, and its end decides by its mode", async (_number, _what, to, reason) => {
  for (const cancel of ["permanent", "temporary"] as const) {
    const { here } = new TwoNodes();
    const consumer = await here.consumer();

    const request = subscribeRequest(undefined, tuple(atom(to.name), atom(to.node)), parse(`[cancel: :${cancel}]`));
    expect(await here.call(consumer.pid, request)).toMatch(/^\{:ok, #Reference/);

    expect(consumer.notes.cancels).toEqual([`{:down, :${reason}}`]);
    expect(consumer.reasons).toEqual(cancel === "permanent" ? [`:${reason}`] : []);
  }
});

test.each([
  ["permanent", [":noconnection"]],
  ["transient", [":noconnection"]],
  ["temporary", []],
] as const)("#234: the loss of the producer's node is told, and ends a %s subscriber: %j", async (cancel, ends) => {
  const nodes = new TwoNodes();
  const { pid } = await nodes.there.producer({ count: 1 });
  const consumer = await nodes.here.consumerOf(pid, { cancel });

  await nodes.cut();

  expect(consumer.notes.cancels).toEqual(["{:down, :noconnection}"]);
  expect(consumer.reasons).toEqual(ends);
});

test("#235: the loss of the consumer's node is told, and its demand is owed to the next", async () => {
  const nodes = new TwoNodes();
  const producer = await nodes.there.producer();
  await nodes.here.consumerOf(producer.pid, { maxDemand: 10 });

  await nodes.cut();
  const next = await nodes.there.consumerOf(producer.pid, { maxDemand: 10 });
  await nodes.there.call(producer.pid, queue(1, 2));

  expect(producer.notes.cancels).toEqual(["{:down, :noconnection}"]);
  expect(producer.notes.demands).toEqual([10]);
  expect(next.notes.batches.flat()).toEqual([1, 2]);
  expect(producer.reasons).toEqual([]);
});

test("#236, #237: after a loss neither side knows the other, nor looks for it; events wait for who subscribes anew", async () => {
  const nodes = new TwoNodes();
  const producer = await nodes.there.producer({ count: 3 });
  const consumer = await nodes.here.consumerOf(producer.pid, { maxDemand: 10, cancel: "temporary" });
  await nodes.cut();
  const dials = () => [...nodes.here.node.sent, ...nodes.there.node.sent].filter(({ dial }) => dial).length;
  const before = dials();
  const [from] = consumer.notes.subscriptions;

  consumer.stage.ask(5, from);
  consumer.stage.cancel("enough", from);
  await nodes.there.call(producer.pid, queue(7, 8));
  expect(dials()).toBe(before);
  nodes.connect();
  await nodes.clock.settle();
  expect(consumer.notes.batches.flat()).toEqual([0, 1, 2]);

  await nodes.here.call(consumer.pid, subscribeRequest(undefined, producer.pid, []));

  expect(consumer.notes.batches.flat()).toEqual([0, 1, 2, 7, 8]);
});

test("#238: a subscription to what is no producer is made and never answered, until that ends", async () => {
  for (const who of ["consumer", "plain process"]) {
    const { here, there } = new TwoNodes();
    const to = who === "consumer" ? (await there.consumer()).pid : there.node.spawn().pid;
    const consumer = await here.consumer();

    expect(await here.call(consumer.pid, subscribeRequest(undefined, to, []))).toMatch(/^\{:ok, #Reference/);
    expect([consumer.notes.cancels, consumer.reasons]).toEqual([[], []]);
    await there.kill(to);

    expect(consumer.reasons).toEqual([":killed"]);
  }
});

test("#239: a selector that the producer has, named as a function, lets through only what it accepts", async () => {
  const nodes = new TwoNodes();
  const selectors = { "Shop.even?/1": (event: unknown) => (event as number) % 2 === 0 };
  const { pid } = await nodes.there.producer({ count: 10, dispatcher: broadcastDispatcher<Term>({ selectors }) });

  const selector = new Export("Elixir.Shop", "even?", 1);
  const { pid: consumer, notes } = await nodes.here.consumer();
  const options = [tuple(atom("max_demand"), 4), tuple(atom("selector"), selector)];
  await nodes.here.call(consumer, subscribeRequest(undefined, pid, options));

  expect(notes.batches.flat()).toEqual([0, 2, 4, 6, 8]);
});

test("#241: an answer carries the tag of its call, be it a reference or the list of an alias", async () => {
  const { here, there } = new TwoNodes();
  const { pid } = await there.producer();
  const inbox: Term[] = [];
  const caller = here.node.spawn(inbox);
  const ref = here.node.runtime.identity.newRef();
  const tags = [ref, new ImproperList([atom("alias")], caller.alias())];

  for (const tag of tags) {
    void caller.send(pid, tuple(atom("$gen_call"), tuple(caller.pid, tag), atom("$estimate_buffered_count")), false);
    await here.settle();
  }

  expect(inbox.map((message) => inspect(message))).toEqual(tags.map((tag) => `{${inspect(tag)}, 0}`));
});

test("every event of a stream from another node comes once and in order", async () => {
  const nodes = new TwoNodes();
  await nodes.there.producer({ count: 25 }, "numbers");
  const got: unknown[] = [];

  void (async () => {
    for await (const event of stream(nodes.here.node.core, NAMED, { maxDemand: 4 })) got.push(event);
  })();
  await nodes.clock.settle();

  expect(got).toEqual(integers(0, 25));
});
