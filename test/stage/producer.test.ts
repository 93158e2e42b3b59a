import { describe, expect, expectTypeOf, test } from "vitest";
import { type CastResult, noReply, reply, stop } from "../../src/otp/index.ts";
import { Reason } from "../../src/runtime/index.ts";
import {
  type CancelReason,
  Consumer,
  type Dispatcher,
  type DispatcherConsumer,
  GenStage,
  type Outlet,
  Producer,
  type ProducerOptions,
  Refusal,
  withOptions,
} from "../../src/stage/index.ts";
import { askMessage, cancelMessage, subscribeMessage } from "../../src/stage/messages.ts";
import { atom, inspect, type Term, tuple } from "../../src/term/index.ts";
import { integers, NOTHING_LEFT, remotePid, TestNode } from "./harness.ts";

/** Emits what it is told to, and keeps what it was asked for. */
class Source extends Producer<Term> {
  readonly demands: number[] = [];
  readonly cancels: CancelReason[] = [];
  readonly infos: Term[] = [];
  static last: Source;

  override init(options: ProducerOptions<Term> = {}) {
    Source.last = this;
    return withOptions<ProducerOptions>(options as ProducerOptions);
  }

  handleDemand(demand: number): CastResult<Term> {
    this.demands.push(demand);
  }

  override handleCancel(reason: CancelReason) {
    this.cancels.push(reason);
  }

  override handleCall(request: Term) {
    return reply(atom("ok"), { events: request as Term[] });
  }

  override handleInfo(message: Term) {
    this.infos.push(message);
    if (message === atom("stop")) return stop(Reason.normal);
    return undefined;
  }
}

/** A producer, and a process that plays its consumer by hand. */
async function served(options: ProducerOptions<Term> = {}) {
  const node = new TestNode();
  const { pid } = await node.start(Source, { args: options });
  const settle = () => node.clock.settle();
  const consumer = (tag: Term = "tag", wireOptions: unknown = []) => {
    const inbox: Term[] = [];
    const core = node.spawn(inbox);
    const tell = (message: unknown) => {
      void core.send(pid, message, false);
      return settle();
    };
    return {
      core,
      inbox,
      subscribe: () => tell(subscribeMessage(core.pid, tag, undefined, wireOptions)),
      ask: (count: number) => tell(askMessage(core.pid, tag, count)),
      cancel: (reason: unknown) => tell(cancelMessage(core.pid, tag, reason)),
      got: () => inbox.map((message) => inspect((message as unknown as Term[])[2])),
      tell,
    };
  };
  const emit = async (events: Term[]) => {
    const answer = node.process.call(pid, events);
    await settle();
    return answer;
  };
  return { node, pid, consumer, emit, settle, source: Source.last };
}

test("demand is told as it is asked, each ask for itself, and never again", async () => {
  const { consumer, emit, source } = await served();
  const one = consumer();
  await one.subscribe();

  await one.ask(3);
  await one.ask(2);
  await emit([1, 2, 3, 4, 5, 6]);

  expect(source.demands).toEqual([3, 2]);
  expect(one.got()).toEqual(["[1, 2, 3, 4, 5]"]);
});

test.each([
  ["a text", "abc", '"abc"'],
  ["a tuple", tuple(atom("cancel"), 1), "{:cancel, 1}"],
  ["bytes", new Uint8Array([1, 255]), "<<1, 255>>"],
  ["nothing", null, "nil"],
])("events that are no list end the stage, and nobody gets them: %s", async (_, events, shown) => {
  const { consumer, settle, node, pid } = await served();
  const one = consumer();
  await one.subscribe();
  await one.ask(3);
  const ends: unknown[] = [];
  node.process.monitor(pid, ({ reason }) => void ends.push(reason));

  node.process.call(pid, events).catch(() => {});
  await settle();

  expect(ends.map((reason) => inspect(reason))).toEqual([`{:bad_return_value, ${shown}}`]);
  expect(one.got()).toEqual([]);
});

test("asks for nothing, or less, have no effect at all", async () => {
  const { consumer, source } = await served();
  const one = consumer();
  await one.subscribe();

  await one.ask(0);
  await one.ask(-5);

  expect(source.demands).toEqual([]);
  expect(one.got()).toEqual([]);
});

test("#118, #119: an ask for an unknown subscription is answered by a cancel, a cancel of one by nothing", async () => {
  const { consumer } = await served();
  const one = consumer();

  await one.ask(3);
  await one.cancel(atom("normal"));

  expect(one.got()).toEqual(["{:cancel, :unknown_subscription}"]);
});

test("#117: a second subscription with a tag in use is refused, the first goes on", async () => {
  const { consumer, emit } = await served();
  const tag = tuple("any", [1]) as unknown as Term;
  const [one, two] = [consumer(tag), consumer(tag)];
  await one.subscribe();

  await two.subscribe();
  await one.ask(2);
  await emit([1]);

  expect(two.got()).toEqual(["{:cancel, :duplicated_subscription}"]);
  expect(one.got()).toEqual(["[1]"]);
});

test("options that are no keyword list end that subscription only", async () => {
  const { consumer, emit, source } = await served();
  const [odd, fine] = [consumer("odd", 5), consumer("fine")];
  await fine.subscribe();

  await odd.subscribe();
  await fine.ask(1);
  await emit([1]);

  expect(odd.got()).toEqual([expect.stringContaining("{:cancel, {:bad_opts,")]);
  expect(fine.got()).toEqual(["[1]"]);
  expect(source.cancels).toEqual([]);
});

test("a cancel is confirmed and told; the consumer's open demand counts for the next ones", async () => {
  const { node, consumer, emit, source } = await served();
  const [one, two] = [consumer(1), consumer(2)];
  await one.subscribe();
  await one.ask(4);

  await one.cancel("enough");
  await two.subscribe();
  await two.ask(3);
  await emit([1]);

  expect(one.got()).toEqual(['{:cancel, "enough"}']);
  expect(source.cancels).toEqual([{ kind: "cancel", reason: "enough" }]);
  expect(source.demands).toEqual([4]);
  expect(two.got()).toEqual(["[1]"]);
  expect(node.runtime.counts().watches).toBe(1);
});

test("the end of a consumer is told as down", async () => {
  const { consumer, source, settle } = await served();
  const one = consumer();
  await one.subscribe();

  one.core.exit(atom("boom"));
  await settle();

  expect(source.cancels).toEqual([{ kind: "down", reason: atom("boom") }]);
});

test("a subscription that replaces another one cancels that first", async () => {
  const { node, consumer, pid, settle, source } = await served();
  const one = consumer("old");
  await one.subscribe();
  await one.ask(2);

  await one.tell(subscribeMessage(one.core.pid, "new", { tag: "old", reason: atom("again") }, []));
  void one.core.send(pid, askMessage(one.core.pid, "new", 2), false);
  await settle();

  expect(one.got()).toEqual(["{:cancel, :again}"]);
  expect(source.demands).toEqual([2]);
  expect(node.errors()).toEqual([]);
});

test("events without demand wait, up to the size of the buffer; what is discarded is logged", async () => {
  const { node, consumer, emit, pid, settle } = await served({ bufferSize: 3 });
  await emit([1, 2, 3, 4, 5]);
  const one = consumer();
  await one.subscribe();

  const buffered = GenStage.estimateBufferedCount(node.process, pid);
  await one.ask(10);
  await settle();

  expect(await buffered).toBe(3);
  expect(one.got()).toEqual(["[3, 4, 5]"]);
  expect(node.logs).toEqual([{ level: "warn", text: expect.stringContaining("has discarded 2 events from buffer") }]);
});

test("the events of a call leave before its reply", async () => {
  const { node, consumer, emit } = await served();
  const one = consumer();
  await one.subscribe();
  await one.ask(1);
  const order: string[] = [];
  one.inbox.push = () => order.push("event");

  const answer = emit([1]).then(() => order.push("reply"));
  await answer;

  expect(order).toEqual(["event", "reply"]);
  expect(node.errors()).toEqual([]);
});

describe("an info", () => {
  test("is delivered behind the events that were buffered before it", async () => {
    const { node, consumer, emit, pid, source } = await served();
    await emit([1, 2]);
    await GenStage.asyncInfo(node.process, pid, "after 2");
    await emit([3]);
    const one = consumer();
    await one.subscribe();

    await one.ask(1);
    expect(source.infos).toEqual([]);
    await one.ask(2);

    expect(source.infos).toEqual(["after 2"]);
    expect(one.got()).toEqual(["[1]", "[2]", "[3]"]);
  });

  test("to stop stays behind events that are held back, unlike in GenStage", async () => {
    const { node, consumer, emit, pid, settle } = await served({ demand: "accumulate" });
    const one = consumer();
    await one.subscribe();
    await one.ask(5);
    await emit([1, 2]);
    await GenStage.asyncInfo(node.process, pid, atom("stop"));
    await settle();
    expect(one.got()).toEqual([]);

    await GenStage.demand(node.process, pid, "forward");
    await settle();

    expect(one.got()).toEqual(["[1, 2]"]);
    expect(node.runtime.find(pid)).toBeUndefined();
  });
});

test("while accumulating, demand and events are held back; forward lets them go in their order, one by one", async () => {
  const { node, consumer, emit, pid, settle, source } = await served({ demand: "accumulate" });
  const one = consumer();
  await one.subscribe();
  await one.ask(2);
  await one.ask(3);
  await emit([1, 2, 3]);
  const mode = node.process.call(pid, atom("$demand"));
  await settle();
  expect([source.demands, one.got(), await mode]).toEqual([[], [], atom("accumulate")]);

  await GenStage.demand(node.process, pid, "forward");
  await settle();

  expect(source.demands).toEqual([2, 3]);
  expect(one.got()).toEqual(["[1, 2, 3]"]);
});

test("an async handleDemand holds the mailbox, but not its monitors", async () => {
  const node = new TestNode();
  let give: (events: number[]) => void = () => {};
  class Slow extends Producer<number> {
    async handleDemand() {
      const events = await new Promise<number[]>((resolve) => {
        give = resolve;
      });
      return noReply({ events });
    }
  }
  const { pid } = await node.start(Slow);
  const inbox: Term[] = [];
  const consumer = node.spawn(inbox);
  void consumer.send(pid, subscribeMessage(consumer.pid, "tag", undefined, []), false);
  void consumer.send(pid, askMessage(consumer.pid, "tag", 2), false);
  await node.clock.settle();
  expect(inbox).toEqual([]);

  node.core.monitor(pid);
  give([1, 2]);
  await node.clock.settle();
  node.core.sendExit(pid, Reason.kill);

  expect(inspect(inbox)).toContain("[1, 2]");
  expect(node.runtime.find(pid)).toBeUndefined();
});

test("later emits what comes from elsewhere, in its turn", async () => {
  const node = new TestNode();
  let onOrder: (order: string) => void = () => {};
  class Orders extends Producer<string> {
    override init() {
      onOrder = (order) => this.process.later(() => noReply({ events: [order] }));
    }
    handleDemand() {}
  }
  const { pid } = await node.start(Orders);
  const inbox: Term[] = [];
  const consumer = node.spawn(inbox);
  void consumer.send(pid, subscribeMessage(consumer.pid, "tag", undefined, []), false);
  void consumer.send(pid, askMessage(consumer.pid, "tag", 5), false);

  onOrder("a");
  onOrder("b");
  await node.clock.settle();

  expect(inbox.map((message) => (message as unknown as Term[])[2])).toEqual([["a"], ["b"]]);
});

test("a dispatcher of one's own decides who gets what, and whom it does not want", async () => {
  class Everyone implements Dispatcher<Term> {
    readonly #outlet: Outlet<Term>;
    readonly #consumers: DispatcherConsumer[] = [];
    constructor(outlet: Outlet<Term>) {
      this.#outlet = outlet;
    }
    subscribe(consumer: DispatcherConsumer, options: Readonly<Record<string, Term>>) {
      if (options.partition !== undefined) return new Refusal(tuple(atom("bad_opts"), "no partitions here"));
      return this.#consumers.push(consumer) && 0;
    }
    ask(count: number) {
      return count;
    }
    cancel() {
      return 0;
    }
    dispatch(events: readonly Term[]) {
      for (const consumer of this.#consumers) this.#outlet.deliver(consumer, events);
      return [];
    }
    info(message: unknown) {
      this.#outlet.info(message);
    }
  }
  const { consumer, emit, source } = await served({ dispatcher: (outlet) => new Everyone(outlet) });
  const [one, two] = [consumer(1), consumer(2)];
  const odd = consumer(3, [tuple(atom("partition"), 1)]);
  for (const each of [one, two, odd]) await each.subscribe();

  await emit(["news"]);

  expect(one.got()).toEqual(['["news"]']);
  expect(two.got()).toEqual(['["news"]']);
  expect(odd.got()).toEqual(['{:cancel, {:bad_opts, "no partitions here"}}']);
  expect(source.cancels).toHaveLength(1);
});

test("a stage that emits to a node which is gone makes no connection", async () => {
  const { node, pid, emit, settle } = await served();
  node.connected.add("ex@127.0.0.1");
  const remote = remotePid("ex@127.0.0.1");
  const tell = (message: unknown) => node.runtime.accept({ op: "send", from: remote, to: pid, message });
  tell(subscribeMessage(remote, "tag", undefined, []));
  tell(askMessage(remote, "tag", 10));
  await settle();
  node.sent.length = 0;

  node.connected.delete(remote.node);
  await emit([1]);
  node.runtime.nodeDown(remote.node);
  await settle();
  await emit([2]);

  expect(node.sent.length).toBeGreaterThan(0);
  expect(node.sent.filter(({ dial }) => dial)).toEqual([]);
});

test("a hundred thousand events arrive once and in order, whatever the batches", async () => {
  const node = new TestNode();
  const seen: number[] = [];
  class Sink extends Consumer<number> {
    override init() {
      return withOptions({ subscribeTo: [{ to: "numbers", maxDemand: 97, minDemand: 13, cancel: "transient" }] });
    }
    handleEvents(events: number[]) {
      seen.push(...events);
    }
  }
  await node.start(
    GenStage.from(() => integers(0, 100_000)),
    { name: "numbers" },
  );

  const { pid } = await node.start(Sink);
  await node.clock.settle();

  expect(seen).toEqual(integers(0, 100_000));
  node.core.sendExit(pid, Reason.kill);
  expect(node.left()).toEqual(NOTHING_LEFT);
});

test("what a stage may emit, and what it gets, is checked by the compiler", () => {
  class Numbers extends Producer<number> {
    handleDemand(demand: number) {
      return noReply({ events: [demand] });
    }
  }
  class Words extends Producer<string> {
    // @ts-expect-error a producer of strings emits no numbers
    handleDemand(demand: number) {
      return noReply({ events: [demand] });
    }
  }
  class Sink extends Consumer<{ id: number }> {
    handleEvents(events: { id: number }[]) {
      expectTypeOf(events).toEqualTypeOf<{ id: number }[]>();
      // @ts-expect-error a consumer emits nothing
      const emitted: CastResult = noReply({ events: [1] });
      return emitted;
    }
  }
  expectTypeOf<ReturnType<Numbers["handleDemand"]>>().toExtend<CastResult<number>>();
  expectTypeOf(GenStage.from([1, 2])).toEqualTypeOf<new () => Producer<number>>();
  expectTypeOf(GenStage.from(async function* () { yield "a"; })).toEqualTypeOf<new () => Producer<string>>(); // biome-ignore format: one line
  expect([Words, Sink]).toHaveLength(2);
});
