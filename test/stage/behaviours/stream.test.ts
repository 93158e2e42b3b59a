import { expect, test } from "vitest";
import { startServer } from "../../../src/otp/index.ts";
import { type EventStream, GenStage, type StreamOptions, stream } from "../../../src/stage/index.ts";
import { cancelledMessage, eventsMessage } from "../../../src/stage/messages.ts";
import { atom, inspect, isTuple, Pid, type Term, tuple } from "../../../src/term/index.ts";
import { integers, NOTHING_LEFT, TestNode } from "../harness.ts";
import { Stages } from "./stages.ts";

// Section "GenStage.stream and from_enumerable" of the behaviours; others of it are in stream.test.ts and from.test.ts.

/** Loops until `count` events have come, or to the end. */
async function taken<E>(node: TestNode, events: EventStream<E>, count = Number.POSITIVE_INFINITY): Promise<E[]> {
  const got: E[] = [];
  const loop = (async () => {
    for await (const event of events) if (got.push(event) === count) break;
  })();
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  loop.then(over, over);
  await node.clock.settle();
  expect(isOver).toBe(true);
  await loop;
  return got;
}

test.each([
  ["#170", {}, 10],
  ["#171", { maxDemand: 100 }, 300],
] as const)("%s: with %j, %i events are taken of many, and nothing is left behind", async (_number, options, count) => {
  const stages = new Stages();
  const { node } = stages;
  const { pid } = await stages.producer({ count: 100_000 });

  expect(await taken(node, stream(node.core, pid, options), count)).toEqual(integers(0, count));

  expect(node.inbox).toEqual([]);
  expect(node.left()).toMatchObject({ processes: 1, aliases: 0 });
});

test("#172: what others send to the process that loops stays there", async () => {
  const stages = new Stages();
  const { node } = stages;
  const { pid } = await stages.producer({ count: 100 });
  const messages = [
    eventsMessage(pid, "tag", [1, 2]),
    cancelledMessage(pid, "tag", "enough"),
    tuple(atom("DOWN"), node.runtime.identity.newRef(), atom("process"), pid, atom("normal")),
  ];
  for (const message of messages) void node.spawn().send(node.core.pid, message, false);

  await taken(node, stream(node.core, pid), 10);

  expect(node.inbox.map((message) => inspect(message))).toEqual(
    messages.map((message) => inspect(message as unknown as Term)),
  );
});

/** Streams from somebody who is not there, or who cancels whatever subscribes, and ends then or not. */
async function refused(who: "unknown" | "dead" | "dying" | "living", options: StreamOptions) {
  const node = new TestNode();
  const producer = node.runtime.spawn((core) => ({
    receive(message) {
      if (!isTuple(message) || !isTuple(message[1]) || !(message[1][0] instanceof Pid)) return;
      void core.send(message[1][0], cancelledMessage(core.pid, message[1][1], atom("no_thanks")), false);
      if (who === "dying") core.exit(atom("no_thanks"));
    },
  }));
  if (who === "dead") producer.exit(atom("normal"));
  return taken(node, stream(node.core, who === "unknown" ? "nobody" : producer.pid, options));
}

test("#174: a producer that cancels at once, and ends or does not, is thrown", async () => {
  for (const who of ["dying", "living"] as const) {
    await expect(refused(who, { cancel: "permanent" })).rejects.toMatchObject({ reason: atom("no_thanks") });
  }
});

test("#175: with temporary nothing of the kind is thrown, and there is nothing to loop over", async () => {
  for (const who of ["unknown", "dead", "dying", "living"] as const) {
    expect(await refused(who, { cancel: "temporary" })).toEqual([]);
  }
});

test("#176: a producer with more than was taken lives on", async () => {
  const node = new TestNode();
  const endless = GenStage.from(function* () {
    for (let next = 0; ; next++) yield next;
  });
  const { pid } = await node.start(endless);

  expect(await taken(node, stream(node.core, pid, { cancel: "transient" }), 10)).toEqual(integers(0, 10));

  expect(node.runtime.find(pid)).toBeDefined();
});

test("#180: a producer from a source is linked and registered as it is started", async () => {
  for (const link of [true, false]) {
    const node = new TestNode();
    node.core.trapExit = true;
    const starting = startServer(node.core, GenStage.from([1]), { link, name: "source" });
    await node.clock.settle();
    const { pid } = await starting;
    expect(node.runtime.names.find("source")?.pid).toBe(pid);

    node.core.sendExit(pid, atom("kill"));
    await node.clock.settle();

    expect(node.inbox).toHaveLength(link ? 1 : 0);
    expect(node.left()).toEqual(NOTHING_LEFT);
  }
});
