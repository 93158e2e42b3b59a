import { expect, test } from "vitest";
import { child, GenServer, stop } from "../../src/otp/index.ts";
import { Exit } from "../../src/runtime/index.ts";
import { ConsumerSupervisor, GenStage, type SuperviseEventsOptions, superviseEvents } from "../../src/stage/index.ts";
import { cancelledMessage, eventsMessage } from "../../src/stage/messages.ts";
import { atom, inspect, type Pid, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { integers, NOTHING_LEFT, TestNode } from "./harness.ts";

/** Does what its event says, or waits to be told. */
class Worker extends GenServer {
  static started: { event: Term; pid: Pid }[];

  override init(event: Term) {
    Worker.started.push({ event, pid: this.process.pid });
    if (event === atom("ignore")) return stop(atom("ignore"));
    if (event === atom("fail")) return stop(atom("no"));
    if (event === atom("throw")) throw new Error("thrown");
    return undefined;
  }

  override handleCast(reason: Term) {
    return stop(reason);
  }
}

class Workers extends ConsumerSupervisor {
  override init(options: SuperviseEventsOptions) {
    return superviseEvents((event) => child(Worker, { args: event }), options);
  }
}

/** A supervisor of events subscribed to a process that plays a producer by hand. */
async function subscribed({
  restart,
  ...options
}: { maxDemand: number; minDemand?: number; cancel?: "temporary" } & Pick<SuperviseEventsOptions, "restart">) {
  Worker.started = [];
  const node = new TestNode();
  const got: Term[] = [];
  const producer = node.spawn(got);
  const { pid } = await node.start(Workers, {
    args: { subscribeTo: [{ to: producer.pid, ...options }], ...(restart && { restart }) },
  });
  const tag = ((got[0] as unknown as Term[])[1] as unknown as Term[])[1] as Ref;
  const asks = () =>
    got.map((message) => inspect((message as unknown as Term[])[2])).filter((text) => text.startsWith("{:ask"));
  const send = async (message: unknown) => {
    void producer.send(pid, message, false);
    await node.clock.settle();
  };
  const emit = (events: unknown[]) => send(eventsMessage(producer.pid, tag, events));
  const end = async (index: number, reason: unknown = atom("normal")) => {
    void node.process.cast(Worker.started[index]!.pid, reason);
    await node.clock.settle();
  };
  const ask = async (request: unknown) => {
    const answer = node.process.call(pid, request);
    await node.clock.settle();
    return inspect(await answer);
  };
  return { node, pid, producer, tag, asks, emit, end, send, ask };
}

test("#208: as many events are asked for as children have ended, once these are minDemand", async () => {
  const { asks, emit, end } = await subscribed({ maxDemand: 4, minDemand: 2 });
  expect(asks()).toEqual(["{:ask, 4}"]);

  await emit([1, 2, 3, 4]);
  expect(Worker.started.map(({ event }) => event)).toEqual([1, 2, 3, 4]);
  await end(0);
  expect(asks()).toHaveLength(1);
  await end(1);
  expect(asks()).toEqual(["{:ask, 4}", "{:ask, 2}"]);
  await emit([5, 6]);
  await end(4, atom("crash"));
  await end(2, atom("shutdown"));

  expect(asks()).toEqual(["{:ask, 4}", "{:ask, 2}", "{:ask, 2}"]);
});

test("#203: with minDemand 0 one event is asked for after each child", async () => {
  const { asks, emit, end } = await subscribed({ maxDemand: 1, minDemand: 0 });
  await emit([1]);
  await end(0);

  expect(asks()).toEqual(["{:ask, 1}", "{:ask, 1}"]);
});

test("#200, #201: events whose start fails, is ignored or throws leave no child, and their demand comes back", async () => {
  const { asks, emit, ask, node, pid } = await subscribed({ maxDemand: 4, minDemand: 0 });

  await emit([atom("fail"), atom("ignore"), atom("throw"), 1]);

  expect(asks()).toEqual(["{:ask, 4}", "{:ask, 3}"]);
  expect(await ask(atom("count_children"))).toBe("%{active: 1, specs: 1, supervisors: 0, workers: 1}");
  expect(node.runtime.find(pid)).toBeDefined();
});

test("#209: a transient child that crashes is started again with its event, which asks for nothing", async () => {
  const { asks, emit, end } = await subscribed({ maxDemand: 1, minDemand: 0, restart: "transient" });
  await emit([7]);

  await end(0, atom("crash"));
  expect(Worker.started.map(({ event }) => event)).toEqual([7, 7]);
  expect(asks()).toEqual(["{:ask, 1}"]);
  await end(1, atom("normal"));

  expect(asks()).toEqual(["{:ask, 1}", "{:ask, 1}"]);
});

test("#196: too many restarts end the supervisor with shutdown", async () => {
  const { emit, end, node, pid } = await subscribed({ maxDemand: 1, minDemand: 0, restart: "transient" });
  const reasons: unknown[] = [];
  node.core.monitor(pid, (reason) => reasons.push(reason));
  await emit([7]);

  for (let i = 0; i < 4; i++) await end(i, atom("crash"));

  expect(reasons.map((reason) => inspect(reason))).toEqual([":shutdown"]);
});

test("#198: a child that is terminated gives its demand back", async () => {
  const { asks, emit, ask } = await subscribed({ maxDemand: 2, minDemand: 0 });
  await emit([1, 2]);

  expect(await ask(tuple(atom("terminate_child"), Worker.started[0]!.pid))).toBe(":ok");
  expect(await ask(tuple(atom("terminate_child"), Worker.started[0]!.pid))).toBe("{:error, :not_found}");

  expect(asks()).toEqual(["{:ask, 2}", "{:ask, 1}"]);
});

test("#191: start_child starts one more, which counts against nobody's demand", async () => {
  const { asks, ask, end } = await subscribed({ maxDemand: 2, minDemand: 0 });

  expect(await ask(tuple(atom("start_child"), [9]))).toMatch(/^\{:ok, #PID/);
  expect(await ask(tuple(atom("start_child"), [atom("fail")]))).toBe("{:error, :no}");
  await end(0);

  expect(asks()).toEqual(["{:ask, 2}"]);
});

test("#205: children run on when their subscription ends; a permanent one takes all with it", async () => {
  const temporary = await subscribed({ maxDemand: 2, cancel: "temporary" });
  await temporary.emit([1, 2]);
  await temporary.send(cancelledMessage(temporary.producer.pid, temporary.tag, atom("normal")));
  expect(await temporary.ask(atom("count_children"))).toContain("active: 2");
  await temporary.end(0);
  expect(temporary.asks()).toHaveLength(1);

  const permanent = await subscribed({ maxDemand: 2 });
  await permanent.emit([1, 2]);
  const reasons: unknown[] = [];
  permanent.node.core.monitor(permanent.pid, (reason) => reasons.push(reason));
  await permanent.send(cancelledMessage(permanent.producer.pid, permanent.tag, atom("enough")));

  expect(reasons.map((reason) => inspect(reason))).toEqual([":enough"]);
  expect(permanent.node.left()).toEqual({ ...NOTHING_LEFT, processes: 1 });
});

test("more events than were asked for are reported, and started all the same", async () => {
  const { emit, node } = await subscribed({ maxDemand: 2, minDemand: 0 });

  await emit([1, 2, 3]);

  expect(Worker.started).toHaveLength(3);
  expect(node.errors()).toEqual([expect.stringContaining("has received 1 events in excess")]);
});

test("#186: permanent children are refused", async () => {
  const node = new TestNode();
  const starting = node.start(Workers, { args: { restart: "permanent" } });

  await expect(starting).rejects.toThrow(/bad_opts/);
});

test("#202: it takes all that a source has, whatever runs at a time, and is subscribed from outside as well", async () => {
  Worker.started = [];
  const node = new TestNode();
  await node.start(
    GenStage.from(() => integers(1, 20)),
    { name: "numbers" },
  );
  class Brief extends GenServer {
    override init(event: Term) {
      Worker.started.push({ event, pid: this.process.pid });
      void this.process.send(this.process.pid, atom("end"));
    }
    override handleInfo() {
      throw new Exit(atom("normal"));
    }
  }
  class Briefs extends ConsumerSupervisor {
    override init() {
      return superviseEvents((event) => child(Brief, { args: event }));
    }
  }
  const { pid } = await node.start(Briefs);

  const subscribing = GenStage.syncSubscribe(node.process, pid, { to: "numbers", maxDemand: 3, cancel: "temporary" });
  await node.clock.settle();

  expect(inspect(await subscribing)).toMatch(/^\{:ok, #Ref/);
  expect(Worker.started.map(({ event }) => event)).toEqual(integers(1, 20));
});
