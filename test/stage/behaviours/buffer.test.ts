import { expect, test } from "vitest";
import { EventBuffer } from "../../../src/stage/buffer.ts";
import { broadcastDispatcher } from "../../../src/stage/index.ts";
import { infoRequest } from "../../../src/stage/messages.ts";
import { atom } from "../../../src/term/index.ts";
import { integers } from "../harness.ts";
import { type Behaviour, queue } from "./probes.ts";
import { Stages } from "./stages.ts";

// Section "Buffer" of the behaviours.

const FOUR = { maxDemand: 4, minDemand: 0 } as const;
const count = atom("$estimate_buffered_count");

/** A producer that has been made to emit these, a message each, before anybody asked. */
async function emitted(given: Behaviour, ...messages: unknown[][]) {
  const stages = new Stages();
  const producer = await stages.producer(given);
  for (const events of messages) await stages.call(producer.pid, queue(...events));
  const warnings = () => stages.node.logs.filter(({ level }) => level === "warn").map(({ text }) => text);
  return { stages, ...producer, warnings };
}

test("#49: what is emitted before anybody subscribes waits, and comes before what is new", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ count: 7 });
  await stages.send(pid, queue("a", "b", "c"));
  await stages.cast(pid, queue("d", "e"));

  const { notes } = await stages.consumerOf(pid, FOUR);

  expect(notes.batches).toEqual([["a", "b", "c", "d"], ["e"], [0, 1, 2], [3, 4, 5, 6]]);
});

test("#50: a full buffer that keeps the first discards what is new, and says how much", async () => {
  const first = ["a", "b", "c", "d", "e"];
  const { stages, pid, warnings } = await emitted({ bufferSize: 5, bufferKeep: "first" }, first, ["f", "g", "h"]);

  const { notes } = await stages.consumerOf(pid, FOUR);

  expect(warnings()).toEqual([expect.stringContaining("has discarded 3 events from buffer")]);
  expect(notes.batches.flat()).toEqual(first);
});

test("#51: a full buffer discards what is oldest, and says how much", async () => {
  const { stages, pid, warnings } = await emitted({ bufferSize: 5 }, ["a", "b", "c", "d", "e"], ["f", "g", "h"]);

  const { notes } = await stages.consumerOf(pid, FOUR);

  expect(warnings()).toEqual([expect.stringContaining("has discarded 3 events from buffer")]);
  expect(notes.batches.flat()).toEqual(["d", "e", "f", "g", "h"]);
});

test("#52: a buffer without a limit keeps all", async () => {
  const { stages, pid, warnings } = await emitted({ bufferSize: Number.POSITIVE_INFINITY }, integers(0, 8));

  const { notes } = await stages.consumerOf(pid, FOUR);

  expect(notes.batches).toEqual([integers(0, 4), integers(4, 4)]);
  expect(warnings()).toEqual([]);
});

test.each([
  ["#53", false, 0],
  ["#54", true, 1],
])(
  "%s: formatDiscarded is told the number; whether it is logged is what it returns: %s",
  async (_number, log, lines) => {
    const told: number[] = [];
    const formatDiscarded = (discarded: number) => {
      told.push(discarded);
      return log;
    };

    const { warnings } = await emitted({ bufferSize: 5, formatDiscarded }, integers(0, 5), integers(5, 3));

    expect(told).toEqual([3]);
    expect(warnings()).toHaveLength(lines);
  },
);

test("#55: the events that are buffered can be counted", async () => {
  const { stages, pid } = await emitted({}, integers(0, 5));
  expect(await stages.call(pid, count)).toBe("5");
  await stages.call(pid, queue(5, 6, 7));
  expect(await stages.call(pid, count)).toBe("8");

  await stages.consumerOf(pid, FOUR);

  expect(await stages.call(pid, count)).toBe("0");
});

test("#56: a consumer has nothing to count, which is logged", async () => {
  const stages = new Stages();
  const { pid } = await stages.consumer();

  expect(await stages.call(pid, count)).toBe("0");

  expect(stages.node.errors()).toHaveLength(1);
});

test("#57: infos that wait are not counted", async () => {
  const { stages, pid } = await emitted({}, [1, 2]);
  await stages.cast(pid, infoRequest("info"));

  expect(await stages.call(pid, count)).toBe("2");
});

test("#58: what a full buffer that keeps the first has no room for is counted as discarded", () => {
  const buffer = new EventBuffer<number>(5, "first");

  expect(buffer.put(integers(0, 3)).discarded).toBe(0);
  expect(buffer.put(integers(3, 7)).discarded).toBe(5);

  expect(buffer.take(10).events).toEqual(integers(0, 5));
});

test("#59: a buffer without a limit discards nothing", () => {
  const buffer = new EventBuffer<number>(Number.POSITIVE_INFINITY, "last");

  expect(buffer.put(integers(0, 1_000)).discarded).toBe(0);

  expect(buffer.size).toBe(1_000);
});

test("#60: infos whose events are pushed out are due, and no others", () => {
  const buffer = new EventBuffer<number>(3, "last");
  buffer.put([1]);
  buffer.putInfo("behind 1");
  buffer.put([2]);
  buffer.putInfo("behind 2");
  buffer.put([3]);
  buffer.putInfo("behind 3");

  expect(buffer.put([4, 5])).toEqual({ discarded: 2, infos: ["behind 1", "behind 2"] });
});

test("#61, #62: an empty buffer takes no info and gives nothing", () => {
  const buffer = new EventBuffer<number>(3, "last");

  expect(buffer.putInfo("info")).toBe(false);
  expect(buffer.take(5)).toEqual({ events: [], infos: [] });
});

test("#66: what was emitted beyond the demand is served first; only what is missing is demanded", async () => {
  const { stages, pid, notes } = await emitted({}, [1, 2, 3]);
  const hand = stages.handConsumer(pid);
  await hand.subscribe();

  await hand.ask(2);
  expect(notes.demands).toEqual([]);
  await hand.ask(4);

  expect(hand.got()).toEqual(["[1, 2]", "[3]"]);
  expect(notes.demands).toEqual([3]);
});

test("a buffer for nothing discards what nobody has asked for", async () => {
  const { stages, pid, warnings } = await emitted({ bufferSize: 0, count: 2 }, [7, 8]);

  const { notes } = await stages.consumerOf(pid, FOUR);

  expect(warnings()).toEqual([expect.stringContaining("has discarded 2 events from buffer")]);
  expect(notes.batches.flat()).toEqual([0, 1]);
});

// In GenStage 1.3.2 the newer events come first in both, and the older ones wait on.
test("what is buffered leaves before anything newer once a silent subscriber of a broadcast is gone", async () => {
  const stages = new Stages();
  const { pid } = await stages.producer({ dispatcher: broadcastDispatcher() });
  const { notes } = await stages.consumerOf(pid, { maxDemand: 10 });
  const silent = stages.handConsumer(pid);
  await silent.subscribe();
  await stages.call(pid, queue(1, 2, 3));
  expect(notes.batches).toEqual([]);

  await silent.cancel("enough");
  expect(notes.batches.flat()).toEqual([1, 2, 3]);
  await stages.call(pid, queue(4));

  expect(notes.batches.flat()).toEqual([1, 2, 3, 4]);
});

test.each(["demand", "broadcast"])(
  "what is buffered leaves before anything newer after a consumer with demand is gone: %s",
  async (kind) => {
    const stages = new Stages();
    const { pid } = await stages.producer(kind === "broadcast" ? { dispatcher: broadcastDispatcher() } : {});
    const gone = await stages.consumerOf(pid, { maxDemand: 10 });
    await stages.kill(gone.pid);
    await stages.call(pid, queue(1, 2, 3));

    const { notes } = await stages.consumerOf(pid, { maxDemand: 5 });
    expect(notes.batches.flat()).toEqual([1, 2, 3]);
    await stages.call(pid, queue(4));

    expect(notes.batches.flat()).toEqual([1, 2, 3, 4]);
  },
);
