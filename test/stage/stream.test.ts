import { expect, expectTypeOf, test } from "vitest";
import { noReply } from "../../src/otp/index.ts";
import { Exit, Reason } from "../../src/runtime/index.ts";
import { type EventStream, GenStage, Producer, stream, withOptions } from "../../src/stage/index.ts";
import { cancelledMessage, eventsMessage, subscribeRequest } from "../../src/stage/messages.ts";
import { atom, inspect, type Pid, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { integers, NOTHING_LEFT, remotePid, TestNode } from "./harness.ts";

/** Counts what it was asked for and what it sent. */
class Counted extends Producer<number> {
  static last: Counted;
  asked = 0;
  sent = 0;
  cancels: string[] = [];

  override init() {
    Counted.last = this;
    return withOptions({});
  }

  handleDemand(demand: number) {
    this.asked += demand;
    const events = integers(this.sent + 1, demand);
    this.sent += demand;
    return noReply({ events });
  }

  override handleCancel(reason: object) {
    this.cancels.push(inspect(reason));
  }
}

async function counted() {
  const node = new TestNode();
  const { pid } = await node.start(Counted, { name: "counted" });
  return { node, pid, source: Counted.last };
}

/** A promise that is looked at rather than waited for. */
async function outcome(node: TestNode, promise: Promise<unknown>): Promise<unknown> {
  let result: unknown = "pending";
  promise.then(
    (value) => {
      result = value;
    },
    (error: unknown) => {
      result = error;
    },
  );
  await node.clock.settle();
  return result;
}

async function take<E>(node: TestNode, events: EventStream<E>, count: number): Promise<E[]> {
  const taken: E[] = [];
  for (let i = 0; i < count; i++) {
    const result = (await outcome(node, events.next())) as IteratorResult<E>;
    taken.push(result.value);
  }
  return taken;
}

const value = <E>(event: E) => ({ done: false, value: event });
const DONE = { done: true, value: undefined };

test("#177: a loop gets everything once and in order, ends with the producer, and leaves nothing", async () => {
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, 100_000)),
    { name: "numbers" },
  );

  const seen: number[] = [];
  const loop = (async () => {
    for await (const event of stream<number>(node.core, "numbers")) seen.push(event);
  })();
  await outcome(node, loop);

  expect(seen).toEqual(integers(1, 100_000));
  expect(node.left()).toEqual(NOTHING_LEFT);
});

test("a demand that is none is refused here, and does not end the producer", async () => {
  const { node, pid } = await counted();
  const badarg = expect.objectContaining({ code: "BADARG", argument: "demand" });

  expect(() => stream(node.core, pid, { demand: "none" as never })).toThrow(badarg);
  expect(() => GenStage.demand(node.process, pid, "none" as never)).toThrow(badarg);

  await node.clock.settle();
  expect(node.runtime.find(pid)?.alive).toBe(true);
});

test("nothing happens before the loop begins", async () => {
  const { node, source } = await counted();

  stream(node.core, "counted");
  await node.clock.settle();

  expect(source.asked).toBe(0);
  expect(node.runtime.counts().processes).toBe(2);
});

test("more is asked for only when the loop comes back after a chunk: max_demand is never exceeded", async () => {
  const { node, source } = await counted();
  const events = stream<number>(node.core, "counted", { maxDemand: 10, minDemand: 6 });

  for (let handled = 0; handled < 100; handled++) {
    expect(await take(node, events, 1)).toEqual([handled + 1]);
    // The event at hand is not handled yet.
    expect(source.asked - handled).toBeLessThanOrEqual(10);
    // The first chunk has four events: the fourth is still being handled when it is handed out.
    if (handled < 5) expect(source.asked).toBe(handled < 4 ? 10 : 14);
  }
});

test("#182: break cancels the subscription with normal, at once, and leaves nothing", async () => {
  const { node, source } = await counted();

  const loop = (async () => {
    for await (const event of stream<number>(node.core, "counted", { maxDemand: 4 })) if (event === 3) break;
  })();
  expect(await outcome(node, loop)).toBeUndefined();

  expect(source.cancels).toEqual([inspect({ kind: "cancel", reason: atom("normal") })]);
  expect(node.left()).toEqual({ ...NOTHING_LEFT, processes: 1, names: 1 });
});

test("return while the loop waits lets it end", async () => {
  const node = new TestNode();
  const producer = node.spawn();
  const events = stream(node.core, producer.pid);
  const waiting = events.next();
  await node.clock.settle();

  void events.return();

  expect(await outcome(node, waiting)).toEqual(DONE);
  expect(await outcome(node, events.next())).toEqual(DONE);
});

test("a stream that was left before it began subscribes to nothing", async () => {
  const { node, source } = await counted();
  const events = stream(node.core, "counted");

  await events.return();

  expect(await outcome(node, events.next())).toEqual(DONE);
  expect(source.asked).toBe(0);
});

/** A stream of producers that are played by hand; each sends under the tag of its subscription. */
async function byHand(count = 1, options: Parameters<typeof stream>[2] = {}) {
  const node = new TestNode();
  const producers = Array.from({ length: count }, () => {
    const inbox: Term[] = [];
    return { core: node.spawn(inbox), inbox };
  });
  const pids = producers.map(({ core }) => core.pid);
  const events = stream<number>(node.core, pids, options);
  const first = events.next();
  first.catch(() => {});
  await node.clock.settle();
  const subscriptions = producers.map(({ core, inbox }) => {
    const [pid, tag] = (inbox[0] as unknown as Term[])[1] as unknown as [Pid, Ref];
    const tell = async (message: unknown) => {
      void core.send(pid, message, false);
      await node.clock.settle();
    };
    return {
      core,
      inbox,
      pid,
      emit: (batch: number[]) => tell(eventsMessage(core.pid, tag, batch)),
      cancel: (reason: unknown) => tell(cancelledMessage(core.pid, tag, reason)),
      tell,
    };
  });
  return { node, events, first, subscriptions };
}

test("the subscription carries the user's options only, and forward is asked for as GenStage.stream does", async () => {
  const { subscriptions } = await byHand(1, { maxDemand: 5, cancel: "transient" });

  expect(subscriptions[0]!.inbox.map((message) => inspect((message as unknown as Term[]).at(-1)))).toEqual([
    "{:subscribe, nil, [max_demand: 5, cancel: :transient]}",
    "{:ask, 5}",
    '{:"$demand", :forward}',
  ]);
});

test.each([
  ["normal", atom("normal")],
  ["shutdown", Reason.shutdown],
  ["{shutdown, _}", tuple(atom("shutdown"), 1)],
])(
  "#183: a producer that ends with %s, or cancels with it, ends the loop once its events are through",
  async (_name, reason) => {
    const ended = await byHand();
    const cancelled = await byHand();

    await ended.subscriptions[0]!.emit([1]);
    ended.subscriptions[0]!.core.exit(reason);
    await cancelled.subscriptions[0]!.emit([1]);
    await cancelled.subscriptions[0]!.cancel(reason);

    for (const { node, first, events } of [ended, cancelled]) {
      expect(await outcome(node, first)).toEqual(value(1));
      expect(await outcome(node, events.next())).toEqual(DONE);
    }
  },
);

test("a producer that crashes is thrown with its reason, once", async () => {
  const { node, first, events, subscriptions } = await byHand();

  subscriptions[0]!.core.exit(atom("boom"));

  expect(await outcome(node, first)).toMatchObject({ code: "EXIT_OTHER", reason: atom("boom") });
  expect(await outcome(node, events.next())).toEqual(DONE);
  expect(node.left()).toEqual(NOTHING_LEFT);
});

test("#174: a producer that refuses is thrown with what it says", async () => {
  const { node, first, subscriptions } = await byHand();

  await subscriptions[0]!.cancel(tuple(atom("bad_opts"), "no"));

  expect(await outcome(node, first)).toMatchObject({ code: "EXIT_OTHER", reason: tuple(atom("bad_opts"), "no") });
});

test("#173: a producer that is not there is thrown as EXIT_NOPROC", async () => {
  const node = new TestNode();
  const dead = node.spawn();
  dead.exit(atom("normal"));

  expect(await outcome(node, stream(node.core, "nobody").next())).toMatchObject({ code: "EXIT_NOPROC" });
  expect(await outcome(node, stream(node.core, dead.pid).next())).toMatchObject({ code: "EXIT_NOPROC" });
  expect(node.left()).toEqual(NOTHING_LEFT);
});

test("a lost connection is thrown as NODEDOWN, after the events that came before it", async () => {
  const node = new TestNode();
  node.connected.add("ex@127.0.0.1");
  const producer = remotePid("ex@127.0.0.1");
  const events = stream<number>(node.core, producer);
  const first = events.next();
  await node.clock.settle();
  const { signal } = node.sent.find((sent) => sent.signal.op === "monitor")!;
  const { ref, from } = signal as { ref: Ref; from: Pid };
  node.runtime.accept({ op: "send", from: producer, to: from, message: eventsMessage(producer, ref, [1, 2]) });
  node.runtime.nodeDown("ex@127.0.0.1");

  expect(await outcome(node, first)).toEqual(value(1));
  expect(await outcome(node, events.next())).toEqual(value(2));
  expect(await outcome(node, events.next())).toMatchObject({ code: "NODEDOWN", node: "ex@127.0.0.1" });
});

test("several producers are one loop, which ends with the last of them", async () => {
  const { node, first, events, subscriptions } = await byHand(2);
  const [one, two] = subscriptions;

  await one!.emit([1]);
  await two!.emit([2]);
  one!.core.exit(atom("normal"));

  expect(await outcome(node, first)).toEqual(value(1));
  expect(await outcome(node, events.next())).toEqual(value(2));
  const last = events.next();
  expect(await outcome(node, last)).toBe("pending");
  two!.core.exit(atom("normal"));
  expect(await outcome(node, last)).toEqual(DONE);
});

test("permanent: the end of any producer ends the loop; temporary: no end is thrown", async () => {
  const permanent = await byHand(2, { cancel: "permanent" });
  const temporary = await byHand(2, { cancel: "temporary" });

  permanent.subscriptions[0]!.core.exit(atom("normal"));
  temporary.subscriptions[0]!.core.exit(atom("boom"));

  expect(await outcome(permanent.node, permanent.first)).toEqual(DONE);
  expect(await outcome(temporary.node, temporary.first)).toBe("pending");
  temporary.subscriptions[1]!.core.exit(atom("boom"));
  expect(await outcome(temporary.node, temporary.first)).toEqual(DONE);
});

test("an aborted signal is thrown out of the loop and cancels the subscription", async () => {
  const controller = new AbortController();
  const { node, first, subscriptions } = await byHand(1, { signal: controller.signal });

  controller.abort(new Error("enough"));

  expect(await outcome(node, first)).toMatchObject({ message: "enough" });
  expect(inspect(subscriptions[0]!.inbox.at(-1))).toContain("{:cancel, :normal}");
  expect(node.left()).toMatchObject({ processes: 1, watches: 0 });
  const late = stream(node.core, "nobody", { signal: controller.signal });
  expect(await outcome(node, late.next())).toMatchObject({ message: "enough" });
});

test("a stream ends with the process in whose name it runs, and when somebody kills it", async () => {
  const node = new TestNode();
  const [owner, producer] = [node.spawn(), node.spawn()];
  const owned = stream(owner, producer.pid).next();
  const inbox: Term[] = [];
  const killed = stream(node.core, node.spawn(inbox).pid).next();
  owned.catch(() => {});
  killed.catch(() => {});
  await node.clock.settle();

  owner.exit(atom("boom"));
  node.core.sendExit(((inbox[0] as unknown as Term[])[1] as unknown as Term[])[0] as Pid, Reason.kill);

  expect(await outcome(node, owned)).toBeInstanceOf(Exit);
  expect(await outcome(node, killed)).toMatchObject({ reason: Reason.killed });
  expect(await outcome(node, stream(owner, producer.pid).next())).toBeInstanceOf(Exit);
});

test("calls of next that overlap are answered in their order", async () => {
  const { node, events, first, subscriptions } = await byHand();
  const [second, third] = [events.next(), events.next()];

  await subscriptions[0]!.emit([1, 2]);
  await subscriptions[0]!.emit([3]);

  expect(await outcome(node, Promise.all([first, second, third]))).toEqual([value(1), value(2), value(3)]);
});

test("#222: a stream that is told to subscribe elsewhere does so, as a Flow coordinator asks it to", async () => {
  const { node, first, subscriptions } = await byHand();
  await node.start(
    GenStage.from(() => [7]),
    { name: "flow" },
  );
  const [coordinator] = subscriptions;

  await coordinator!.tell(tuple(atom("$gen_cast"), subscribeRequest(undefined, atom("flow"), [])));
  await coordinator!.cancel(atom("normal"));

  expect(await outcome(node, first)).toEqual(value(7));
});

test("#179: invalid options are thrown at once", () => {
  const node = new TestNode();

  expect(() => stream(node.core, "p", { maxDemand: 0 })).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(() => stream(node.core, "p", { maxDemand: 5, minDemand: 5 })).toThrow(
    expect.objectContaining({ code: "BADARG" }),
  );
});

test("its events have the type that it was given", () => {
  const node = new TestNode();
  const events = stream<{ id: number }>(node.core, "p");

  expectTypeOf(events.next).returns.resolves.toEqualTypeOf<IteratorResult<{ id: number }, undefined>>();
  expectTypeOf(stream(node.core, "p")).toEqualTypeOf<EventStream<Term>>();
  expect(events[Symbol.asyncIterator]()).toBe(events);
});

test("as a Node.js stream it asks for more only as it is read, and cancels when it is destroyed", async () => {
  const { node, source } = await counted();

  const readable = stream<number>(node.core, "counted", { maxDemand: 4, minDemand: 2 }).toReadable();
  const read: number[] = [];
  readable.on("data", (event: number) => {
    read.push(event);
    if (read.length === 3) readable.pause();
  });
  await node.clock.settle();
  await new Promise((resolve) => setImmediate(resolve));
  await node.clock.settle();

  expect(read).toEqual([1, 2, 3]);
  expect(source.asked).toBeLessThanOrEqual(8);
  readable.destroy();
  await new Promise((resolve) => readable.once("close", resolve));
  await node.clock.settle();
  expect(source.cancels).toHaveLength(1);
});

test("as a web stream it holds nothing, and ends with its producer", async () => {
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, 5)),
    { name: "numbers" },
  );

  const reader = stream<number>(node.core, "numbers").toWebStream().getReader();
  const read: unknown[] = [];
  for (let i = 0; i < 6; i++) read.push(await outcome(node, reader.read()));

  expect(read).toEqual([...integers(1, 5).map(value), DONE]);
  expect(node.left()).toEqual(NOTHING_LEFT);
});

test("a web stream that is cancelled cancels the subscription", async () => {
  const { node, source } = await counted();

  const reader = stream<number>(node.core, "counted").toWebStream().getReader();
  await outcome(node, reader.read());
  await outcome(node, reader.cancel());

  expect(source.cancels).toHaveLength(1);
});

test("whom the loop tells to forward, and what, can be chosen", async () => {
  const { node } = await counted();
  const told: Term[] = [];
  const other = node.spawn(told);

  const events = stream<number>(node.core, "counted", { producers: [other.pid], demand: "accumulate" });
  await take(node, events, 1);

  expect(told.map((message) => inspect(message))).toEqual([
    inspect(tuple(atom("$gen_cast"), tuple(atom("$demand"), atom("accumulate")))),
  ]);
});
