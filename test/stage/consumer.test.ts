import { expect, test } from "vitest";
import { noReply, startServer, stop } from "../../src/otp/index.ts";
import { Exit, Process, Reason } from "../../src/runtime/index.ts";
import {
  type CancelReason,
  Consumer,
  GenStage,
  type Subscribe,
  type Subscription,
  withOptions,
} from "../../src/stage/index.ts";
import { askMessage, cancelledMessage, eventsMessage, subscribeRequest } from "../../src/stage/messages.ts";
import { atom, inspect, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { integers, NOTHING_LEFT, remotePid, TestNode } from "./harness.ts";

interface Settings {
  readonly subscribeTo?: readonly Subscribe[];
  /** Takes the place of doing nothing with events. */
  readonly onEvents?: (events: Term[]) => void | Promise<void>;
}

class Recorder extends Consumer {
  readonly events: Term[][] = [];
  readonly cancels: CancelReason[] = [];
  static last: Recorder;
  #onEvents: Settings["onEvents"];

  override init(settings: Settings = {}) {
    Recorder.last = this;
    this.#onEvents = settings.onEvents;
    return withOptions({ subscribeTo: settings.subscribeTo ?? [] });
  }

  handleEvents(events: Term[]) {
    this.events.push(events);
    return this.#onEvents?.(events);
  }

  override handleCancel(reason: CancelReason) {
    this.cancels.push(reason);
  }
}

/** A consumer subscribed to a process that plays a producer by hand and keeps what it gets. */
async function subscribed(options: Omit<Subscribe, "to"> = {}, settings: Settings = {}) {
  const node = new TestNode();
  const got: Term[] = [];
  const producer = node.spawn(got);
  const { pid } = await node.start(Recorder, {
    args: { ...settings, subscribeTo: [{ to: producer.pid, ...options }] },
  });
  const tag = ((got[0] as unknown as Term[])[1] as unknown as Term[])[1] as Ref;
  got.length = 0;
  const emit = async (events: unknown[]) => {
    void producer.send(pid, eventsMessage(producer.pid, tag, events), false);
    await node.clock.settle();
  };
  const asks = () => got.map((message) => inspect((message as unknown as Term[])[2]));
  return { node, pid, tag, producer, emit, asks, got, recorder: Recorder.last };
}

test("#22: an async handleEvents is asked for more only when it is done with what it has", async () => {
  let done: () => void = () => {};
  const { emit, asks, node, recorder } = await subscribed(
    { maxDemand: 4, minDemand: 2 },
    {
      onEvents: () =>
        new Promise((resolve) => {
          done = resolve;
        }),
    },
  );

  await emit([1, 2, 3, 4]);
  expect(recorder.events).toEqual([[1, 2]]);
  expect(asks()).toEqual([]);
  done();
  await node.clock.settle();

  expect(recorder.events).toEqual([[1, 2], [3, 4]]); // biome-ignore format: short
  expect(asks()).toEqual(["{:ask, 2}"]);
});

test("nothing is asked for once the consumer was killed while its callback waited", async () => {
  let done: () => void = () => {};
  const { emit, asks, node, pid, recorder } = await subscribed(
    { maxDemand: 4, minDemand: 2 },
    {
      onEvents: () =>
        new Promise((resolve) => {
          done = resolve;
        }),
    },
  );
  await emit([1, 2, 3, 4]);

  node.core.sendExit(pid, Reason.kill);
  done();
  await node.clock.settle();

  expect(asks()).toEqual([]);
  expect(recorder.events).toEqual([[1, 2]]);
  expect(node.runtime.find(pid)).toBeUndefined();
});

test("stop from handleEvents drops the rest of the message and asks for nothing", async () => {
  const node = new TestNode();
  class Once extends Consumer {
    static seen: Term[][] = [];
    override init(subscribeTo: Subscribe[]) {
      return withOptions({ subscribeTo });
    }
    handleEvents(events: Term[]) {
      Once.seen.push(events);
      return stop(Reason.normal);
    }
  }
  await node.start(
    GenStage.from(() => integers(1, 10)),
    { name: "numbers" },
  );

  const { pid } = await node.start(Once, { args: [{ to: "numbers", maxDemand: 4, minDemand: 2 }] });
  await node.clock.settle();

  expect(Once.seen).toEqual([[1, 2]]);
  expect(node.runtime.find(pid)).toBeUndefined();
});

test("a throw ends the consumer with its reason, and the producer learns it", async () => {
  const { emit, node, pid } = await subscribed(
    {},
    {
      onEvents: () => {
        throw new Exit(atom("boom"));
      },
    },
  );
  const reasons: unknown[] = [];
  node.core.monitor(pid, (reason) => reasons.push(reason));

  await emit([1]);

  expect(reasons).toEqual([atom("boom")]);
  expect(node.errors().join()).toContain("GenStage consumer Recorder");
});

const normal = atom("normal");
const boom = atom("boom");
const bye = tuple(atom("shutdown"), "bye");

test.each([
  ["permanent", normal, true],
  ["permanent", boom, true],
  ["transient", normal, false],
  ["transient", Reason.shutdown, false],
  ["transient", bye, false],
  ["transient", boom, true],
  ["temporary", normal, false],
  ["temporary", boom, false],
] as const)("a %s subscription cancelled with %s: does it end the consumer? %s", async (cancel, reason, ends) => {
  const cancelled = await subscribed({ cancel });
  const down = await subscribed({ cancel });
  const ended: unknown[] = [];
  for (const { node, pid } of [cancelled, down]) node.core.monitor(pid, (why) => ended.push(why));

  void cancelled.producer.send(cancelled.pid, cancelledMessage(cancelled.producer.pid, cancelled.tag, reason), false);
  down.producer.exit(reason);
  await cancelled.node.clock.settle();
  await down.node.clock.settle();

  expect(ended.map((why) => inspect(why))).toEqual(ends ? [inspect(reason), inspect(reason)] : []);
  expect(cancelled.recorder.cancels).toMatchObject([{ kind: "cancel" }]);
  expect(down.recorder.cancels).toMatchObject([{ kind: "down" }]);
});

test("what a producer sent before its end is handled before its end is told", async () => {
  const order: string[] = [];
  const { node, pid, producer, tag, recorder } = await subscribed(
    { cancel: "temporary" },
    { onEvents: (events) => void order.push(`events ${events}, ${recorder.cancels.length} cancels`) },
  );

  void producer.send(pid, eventsMessage(producer.pid, tag, [1, 2]), false);
  producer.exit(normal);
  await node.clock.settle();

  expect(order).toEqual(["events 1,2, 0 cancels"]);
  expect(recorder.cancels).toEqual([{ kind: "down", reason: normal }]);
});

test("a DOWN that was under way when the cancel came is not told a second time", async () => {
  const { node, pid, producer, tag, recorder } = await subscribed({ cancel: "temporary" });

  void producer.send(pid, cancelledMessage(producer.pid, tag, normal), false);
  producer.exit(boom);
  await node.clock.settle();

  expect(recorder.cancels).toEqual([{ kind: "cancel", reason: normal }]);
  expect(node.errors()).toEqual([]);
});

test("ask and cancel of a manual subscription send what they say, and never open a connection", async () => {
  const node = new TestNode();
  const froms: Subscription[] = [];
  class Manual extends Consumer {
    override init() {
      return withOptions({ subscribeTo: [{ to: remotePid("ex@127.0.0.1"), maxDemand: 3 }] });
    }
    handleEvents() {}
    override handleSubscribe(_side: "producer", _options: object, from: Subscription) {
      froms.push(from);
      return "manual" as const;
    }
    override handleInfo() {
      this.process.ask(froms[0]!, 7);
      this.process.ask(froms[0]!, 0);
      this.process.cancel(froms[0]!, "enough");
    }
  }
  node.connected.add("ex@127.0.0.1");
  const { pid } = await node.start(Manual);
  node.sent.length = 0;

  void node.core.send(pid, "go", false);
  await node.clock.settle();

  expect(node.sent.map(({ signal, dial }) => [inspect(("message" in signal && signal.message) || 0), dial])).toEqual([
    [expect.stringContaining("{:ask, 7}"), false],
    [expect.stringContaining('{:cancel, "enough"}'), false],
  ]);
});

test("only the monitor of a subscription opens a connection", async () => {
  const node = new TestNode();
  await node.start(Recorder, {
    args: { subscribeTo: [{ to: { name: "p", node: "ex@127.0.0.1" }, cancel: "temporary" }] },
  });

  expect(node.sent.map(({ signal, dial }) => [signal.op, dial])).toEqual([
    ["monitor", true],
    ["sendName", false],
    ["sendName", false],
  ]);
  expect(Recorder.last.cancels).toEqual([{ kind: "down", reason: Reason.noconnection }]);
});

test("a stage that is asked to subscribe to nothing sensible says so and lives on", async () => {
  const node = new TestNode();
  const { pid } = await node.start(Recorder);

  const answers = [];
  for (const to of [5, "text", null, tuple(atom("global"), atom("x"))] as Term[]) {
    const answer = node.process.call(pid, subscribeRequest(undefined, to, [tuple(atom("cancel"), atom("temporary"))]));
    await node.clock.settle();
    answers.push(inspect(await answer));
  }

  expect(answers[0]).toContain("{:error, {:bad_opts,");
  expect(answers.at(-1)).toContain("{:ok, #Reference<");
  expect(node.runtime.find(pid)).toBeDefined();
});

test("GenStage.syncSubscribe and asyncSubscribe wire stages from outside", async () => {
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, 3)),
    { name: "numbers" },
  );
  const { pid } = await node.start(Recorder);

  const answer = GenStage.syncSubscribe(node.process, pid, { to: "numbers", maxDemand: 2, cancel: "temporary" });
  await node.clock.settle();

  expect(inspect(await answer)).toMatch(/^\{:ok, #Reference</);
  expect(Recorder.last.events.flat()).toEqual([1, 2, 3]);
  expect(() => GenStage.asyncSubscribe(node.process, pid, { to: "numbers", maxDemand: 0 })).toThrow(
    expect.objectContaining({ code: "BADARG" }),
  );
});

test("this.process.asyncSubscribe subscribes the stage itself", async () => {
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, 3)),
    { name: "numbers" },
  );
  class Late extends Recorder {
    override handleCast() {
      this.process.asyncSubscribe({ to: "numbers", cancel: "temporary" });
    }
  }
  const { pid } = await node.start(Late);

  void node.process.cast(pid, atom("now"));
  await node.clock.settle();

  expect(Recorder.last.events.flat()).toEqual([1, 2, 3]);
});

test("a start with subscribeTo to a missing name fails with noproc, and leaves nothing", async () => {
  const node = new TestNode();

  const started = startServer(node.core, Recorder, { args: { subscribeTo: [{ to: "nobody" }] } });

  await expect(started).rejects.toMatchObject({ code: "EXIT_NOPROC" });
  expect(node.left()).toEqual(NOTHING_LEFT);
});

test("invalid options of one subscription are logged at the start, and the others are made", async () => {
  const { node, recorder, emit } = await subscribed();
  const other = node.spawn();
  await node.start(Recorder, {
    args: { subscribeTo: [{ to: other.pid, maxDemand: 0 }, { to: other.pid }] },
  });

  await emit([1]);

  expect(node.errors()).toEqual([expect.stringContaining("subscribe received invalid option")]);
  expect(recorder.events).toEqual([[1]]);
});

test("unknown options of a stage fail its start with bad_opts", async () => {
  const node = new TestNode();
  class Odd extends Consumer {
    override init() {
      return withOptions({ bufferSize: 5 });
    }
    handleEvents() {}
  }

  const started = startServer(node.core, Odd, {});

  await expect(started).rejects.toMatchObject({ reason: tuple(atom("bad_opts"), 'unknown options ["bufferSize"]') });
});

test("a consumer takes calls, infos and what the protocol does not know as any server does", async () => {
  const node = new TestNode();
  const infos: Term[] = [];
  class Server extends Recorder {
    override handleCall() {
      return noReply();
    }
    override handleInfo(message: Term) {
      infos.push(message);
    }
  }
  const { pid } = await node.start(Server);

  const info = GenStage.syncInfo(node.process, pid, "news");
  const count = GenStage.estimateBufferedCount(node.process, pid);
  void node.core.send(pid, askMessage(node.core.pid, "tag", 1), false);
  await node.clock.settle();

  expect(await info).toBe(atom("ok"));
  expect(await count).toBe(0);
  expect(infos).toEqual(["news"]);
  expect(node.errors()).toEqual([
    expect.stringContaining("can only be a :producer"),
    expect.stringContaining("received $gen_producer message"),
  ]);
});

test("everything that belonged to a consumer goes with it", async () => {
  const { node, pid, producer } = await subscribed();
  const inbox: Term[] = [];
  new Process(node.spawn(inbox)).monitor(pid);

  node.core.sendExit(pid, Reason.kill);
  producer.exit(normal);
  await node.clock.settle();

  expect(inbox).toHaveLength(1);
  expect(node.left()).toMatchObject({ processes: 1, watches: 0, aliases: 0 });
});

test.each(["sync", "async", "self"] as const)(
  "#86, #89: a new subscription takes the place of a temporary one (%s)",
  async (how) => {
    const node = new TestNode();
    await node.start(
      GenStage.from(async function* () {
        yield* [1, 2];
        await new Promise(() => {});
      }),
      { name: "numbers" },
    );
    class Moving extends Recorder {
      static readonly subscriptions: Subscription[] = [];
      override handleSubscribe(_side: "producer", _options: object, from: Subscription) {
        Moving.subscriptions.push(from);
      }
      override handleCast() {
        this.process.asyncResubscribe(Moving.subscriptions[0]!, atom("moving"), next);
      }
    }
    const next = { to: "numbers", maxDemand: 2, cancel: "temporary" } as const;
    const { pid } = await node.start(Moving);
    void GenStage.asyncSubscribe(node.process, pid, next);
    await node.clock.settle();
    const [first] = Moving.subscriptions;

    const current = { tag: first!.subscriptionTag, reason: atom("moving") };
    if (how === "sync") void GenStage.syncResubscribe(node.process, pid, current, next);
    if (how === "async") void GenStage.asyncResubscribe(node.process, pid, current, next);
    if (how === "self") void node.process.cast(pid, atom("move"));
    await node.clock.settle();

    expect(Moving.subscriptions).toHaveLength(2);
    expect(Moving.subscriptions[1]!.subscriptionTag).not.toBe(first!.subscriptionTag);
    expect(Recorder.last.cancels.map((reason) => inspect(reason))).toEqual(['%{kind: "cancel", reason: :moving}']);
    expect(node.runtime.find(pid)).toBeDefined();
  },
);
