import { expect, test } from "vitest";
import { child, ignore, stop } from "../../../src/otp/index.ts";
import { Consumer, Producer, ProducerConsumer, withOptions } from "../../../src/stage/index.ts";
import { atom, inspect, type Term, tuple } from "../../../src/term/index.ts";
import { integers, NOTHING_LEFT, TestNode } from "../harness.ts";
import { Counter } from "./probes.ts";
import { Stages } from "./stages.ts";

// Section "Start, init, names" of the behaviours; `init` results in what the stage is started with.

class SomeProducer extends Producer {
  override init(result: never) {
    return result;
  }
  handleDemand() {}
}

class SomeConsumer extends Consumer {
  override init(result: never) {
    return result;
  }
  handleEvents() {}
}

class SomeProducerConsumer extends ProducerConsumer {
  override init(result: never) {
    return result;
  }
  handleEvents() {}
}

const TYPES = [SomeProducer, SomeConsumer, SomeProducerConsumer] as const;

/** What `GenServer.stop` sends. */
const terminate = tuple(atom("terminate"), atom("normal"));

/** The reason for which a start fails, as text. */
async function failure(stage: (typeof TYPES)[number], result: unknown) {
  const node = new TestNode();
  node.core.trapExit = true;
  const reason = await node.start(stage as new () => SomeProducer, { args: result, link: true }).then(
    () => "started",
    (error: { reason: Term }) => inspect(error.reason),
  );
  expect(node.left()).toEqual(NOTHING_LEFT);
  return reason;
}

test("#1: the child spec of a stage has its class as id, and what is given in place of the defaults", () => {
  const usual = child(Counter, { args: {} });
  const other = child(Counter, { args: {}, id: atom("other"), restart: "temporary", shutdown: "brutal_kill" });

  expect(usual).toMatchObject({ id: atom("Counter"), type: "worker" });
  expect(usual).not.toHaveProperty("restart");
  expect(other).toMatchObject({ id: atom("other"), restart: "temporary", shutdown: "brutal_kill" });
});

test.each(TYPES)("#2: a stage whose init says ignore is not there afterwards (%o)", async (stage) => {
  expect(await failure(stage, ignore())).toBe(":ignore");
});

test.each(TYPES)("#3: a stage whose init says stop fails to start with that reason (%o)", async (stage) => {
  expect(await failure(stage, stop(atom("oops")))).toBe(":oops");
});

test.each(TYPES)("#4: a stage whose init says something else fails to start with that (%o)", async (stage) => {
  expect(await failure(stage, "unknown")).toBe('{:bad_return_value, "unknown"}');
});

test("#5: a buffer cannot have less than no room", async () => {
  expect(await failure(SomeProducer, withOptions({ bufferSize: -1 }))).toBe(
    '{:bad_opts, "expected bufferSize to be equal to or greater than 0, got: -1"}',
  );
});

test.each([SomeProducer, SomeProducerConsumer])("#6: a dispatcher has to be one (%o)", async (stage) => {
  expect(await failure(stage, withOptions({ dispatcher: 0 as never }))).toBe(
    '{:bad_opts, "expected dispatcher to be what makes one, got: 0"}',
  );
});

test.each(TYPES)("#7: an option that the stage does not know fails its start (%o)", async (stage) => {
  expect(await failure(stage, withOptions({ unknown: atom("value") } as never))).toBe(
    '{:bad_opts, "unknown options [\\"unknown\\"]"}',
  );
});

test("#8: a name that is taken fails the start with whose it is", async () => {
  const stages = new Stages();
  const first = await stages.producer({}, "taken");

  expect(await stages.answer(stages.producer({}, "taken"))).toBe(`error {:already_started, ${inspect(first.pid)}}`);
});

test("#9, #10, #11: subscribeTo takes a pid, a name, and a name in a registry", async () => {
  for (const how of ["pid", "name", "via"] as const) {
    const stages = new Stages();
    const { pid } = await stages.producer({ count: 10 }, "numbers");
    const via = { whereis: (name: unknown) => (name === "the numbers" ? pid : undefined) };
    const to = { pid, name: "numbers", via: { via, name: "the numbers" } }[how];

    const { notes } = await stages.consumerOf(to, { maxDemand: 10 });

    expect(notes.batches.flat()).toEqual(integers(0, 10));
  }
});

test("#13: a stage that is stopped runs terminate with the reason", async () => {
  const stages = new Stages();
  const { pid, notes, reasons } = await stages.producer();

  await stages.send(pid, tuple(atom("system"), tuple(stages.node.core.pid, atom("tag")), terminate));

  expect(notes.terminated).toEqual([":normal"]);
  expect(reasons).toEqual([":normal"]);
});

test("#14: a call may end the stage and be answered", async () => {
  for (const role of ["producer", "producerConsumer", "consumer"] as const) {
    const stages = new Stages();
    const { pid, reasons } = await stages[role]();

    expect(await stages.call(pid, tuple(atom("stop"), atom("shutdown")))).toBe(":ok");
    expect(reasons).toEqual([":shutdown"]);
  }
});

test("#15: a DOWN that belongs to no subscription is a message like any other", async () => {
  for (const role of ["producer", "producerConsumer", "consumer"] as const) {
    const stages = new Stages();
    const { pid, notes } = await stages[role]();
    const down = tuple(
      atom("DOWN"),
      stages.node.runtime.identity.newRef(),
      atom("process"),
      stages.node.core.pid,
      atom("oops"),
    );

    await stages.send(pid, down);

    expect(notes.infos.map((info) => inspect(info))).toEqual([inspect(down as unknown as Term)]);
  }
});
