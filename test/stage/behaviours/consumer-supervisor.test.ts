import { beforeEach, expect, test } from "vitest";
import { child, GenServer, ignore, type SuperviseOptions, stop } from "../../../src/otp/index.ts";
import { Exit } from "../../../src/runtime/index.ts";
import {
  ConsumerSupervisor,
  GenStage,
  type Subscribe,
  type SuperviseEventsOptions,
  superviseEvents,
} from "../../../src/stage/index.ts";
import { subscribeRequest } from "../../../src/stage/messages.ts";
import { atom, inspect, type Pid, parse, type Term, tuple } from "../../../src/term/index.ts";
import { integers, NOTHING_LEFT } from "../harness.ts";
import { Stages } from "./stages.ts";

// Section "ConsumerSupervisor" of the behaviours; others of it are in consumer-supervisor.test.ts.

/** The children that were started, and what their starts do: `start` is called first, with how often it was before. */
const started: { event: Term; pid: Pid }[] = [];
let start: (times: number, event: Term) => unknown;

class Worker extends GenServer {
  override init(event: Term) {
    started.push({ event, pid: this.process.pid });
    return start(started.length, event) as undefined;
  }

  override handleCast(reason: Term) {
    return stop(reason);
  }
}

/** One that never comes to an end by itself. */
class Stubborn extends Worker {
  override init(event: Term) {
    this.process.trapExit = true;
    return super.init(event);
  }

  override terminate() {
    return new Promise<void>(() => {});
  }
}

interface Options extends SuperviseEventsOptions {
  readonly shutdown?: number | "brutal_kill";
  readonly worker?: new () => Worker;
}

class Workers extends ConsumerSupervisor {
  override init({ shutdown, worker = Worker, ...options }: Options) {
    return superviseEvents(
      (event) => child(worker, { args: event, ...(shutdown !== undefined && { shutdown }) }),
      options,
    );
  }
}

beforeEach(() => {
  started.length = 0;
  start = () => undefined;
});

/** A supervisor of events, and what it can be told. */
async function supervisor(options: Options = {}, name?: string) {
  const stages = new Stages();
  stages.node.core.trapExit = true;
  const { pid } = await stages.node.start(Workers, {
    args: options,
    ...(name !== undefined && { name, link: true }),
  });
  const reasons = stages.ends(pid);
  return {
    stages,
    pid,
    reasons,
    startChild: (event: Term) => stages.call(pid, tuple(atom("start_child"), [event])),
    terminate: (child: Pid) => stages.call(pid, tuple(atom("terminate_child"), child)),
    count: () => stages.call(pid, atom("count_children")),
    list: () => stages.call(pid, atom("which_children")),
    end: (index: number, reason: unknown) => stages.cast(started[index]!.pid, reason),
  };
}

/** A supervisor of events subscribed to a producer that has so many. */
async function consuming(count: number, subscription: Omit<Subscribe, "to">, options: Options = {}) {
  const stages = new Stages();
  const producer = await stages.producer({ count });
  const { pid } = await stages.node.start(Workers, {
    args: { ...options, subscribeTo: [{ to: producer.pid, ...subscription }] },
  });
  return {
    stages,
    producer,
    pid,
    reasons: stages.ends(pid),
    events: () => started.map(({ event }) => event),
    terminate: (child: Pid) => stages.call(pid, tuple(atom("terminate_child"), child)),
    count: () => stages.call(pid, atom("count_children")),
    end: (index: number, reason: unknown = atom("normal")) => stages.cast(started[index]!.pid, reason),
  };
}

const counted = (active: number) => `%{active: ${active}, specs: 1, supervisors: 0, workers: ${active}}`;
const [boom, normal, shutdown] = [atom("boom"), atom("normal"), atom("shutdown")];

test("#184: its child spec is one of a supervisor", () => {
  expect(child(Workers, { args: {} })).toMatchObject({ id: atom("Workers"), type: "supervisor" });
  expect(child(Workers, { args: {}, id: 5, restart: "temporary" })).toMatchObject({ id: 5, restart: "temporary" });
});

test("#185: an init that wants none, or says something else, fails the start", async () => {
  class Odd extends ConsumerSupervisor {
    override init(result: never) {
      return result;
    }
  }
  const stages = new Stages();
  const failure = (result: unknown) => stages.answer(stages.node.start(Odd, { args: result }));

  expect(await failure(ignore())).toBe("error :ignore");
  expect(await failure("unknown")).toMatch(/^error \{:bad_return/);
  expect(
    await failure(superviseEvents(() => child(Worker, { args: 1 }), { maxRestarts: -1 } as SuperviseOptions)),
  ).toMatch(/^error/);
  expect(stages.node.left()).toEqual(NOTHING_LEFT);
});

/** A supervisor of children whose start functions result in this; the last child that was added, and the logs. */
async function starting(result: unknown, shutdown?: number) {
  const stages = new Stages();
  class Given extends ConsumerSupervisor {
    override init() {
      return superviseEvents(() => ({
        id: 1,
        start: () => result as Pid,
        ...(shutdown !== undefined && { shutdown }),
      }));
    }
  }
  const { pid } = await stages.node.start(Given);
  return {
    stages,
    pid,
    startChild: () => stages.call(pid, tuple(atom("start_child"), [1])),
    count: () => stages.call(pid, atom("count_children")),
  };
}

test("#186: a child with an invalid shutdown is not started", async () => {
  const { stages, pid, startChild } = await starting(ignore(), -1);

  expect(await startChild()).toBe("{:error, {:invalid_shutdown, -1}}");

  expect(stages.isAlive(pid)).toBe(true);
});

test("#191: what a start function results in is the answer, be there more to it, or be it none", async () => {
  const { stages } = await supervisor();
  const { pid } = stages.node.spawn();
  const more = await starting(tuple(atom("ok"), pid, "more"));
  const unknown = await starting(tuple(atom("error"), "unknown"));

  expect(await more.startChild()).toMatch(/^\{:ok, #PID<.*>, "more"\}$/);
  expect(await unknown.startChild()).toBe('{:error, "unknown"}');
  expect(await unknown.count()).toBe(counted(0));
});

test("#200: an event whose start results in no process leaves no child, and the next one is started", async () => {
  const { stages, pid, count } = await starting("garbage");
  const producer = await stages.producer({ count: 3 });

  await stages.call(pid, subscribeRequest(undefined, producer.pid, parse("[max_demand: 1, min_demand: 0]")));

  expect(producer.notes.demands).toEqual([1, 1, 1, 1]);
  expect(await count()).toBe(counted(0));
  expect(stages.isAlive(pid)).toBe(true);
});

test("#187: tools take it for a supervisor", async () => {
  const { stages, pid } = await supervisor();
  const inbox: Term[] = [];
  const asking = stages.node.spawn(inbox);
  void asking.send(pid, tuple(atom("system"), tuple(asking.pid, "tag"), atom("get_status")), false);
  await stages.settle();

  expect(inspect(inbox[0])).toContain('"$initial_call": {:supervisor, :Workers, 1}');
  expect(inspect(inbox[0])).toContain('supervisor: [{~c"Callback", :Workers}]');
});

test("#188: it is registered and linked as it is started", async () => {
  const { stages, pid } = await supervisor({}, "workers");
  expect(stages.node.runtime.names.find("workers")?.pid).toBe(pid);

  await stages.kill(pid);

  expect(stages.node.inbox.map((message) => inspect(message))).toEqual([`{:EXIT, ${inspect(pid)}, :killed}`]);
});

test("#192: a start that fails is told with its reason", async () => {
  const { startChild, count } = await supervisor();

  start = () => {
    throw new Error("oops");
  };
  expect(await startChild(1)).toMatch(/^\{:error, \{%RuntimeError\{.*oops/);
  start = () => {
    throw new Exit(atom("oops"));
  };
  expect(await startChild(1)).toBe("{:error, :oops}");
  start = () => ignore();
  expect(await startChild(1)).toBe(":ignore");

  expect(await count()).toBe(counted(0));
});

test("#193: temporary children are not started again, however they end", async () => {
  const { startChild, end, count } = await supervisor();
  const reasons = [normal, shutdown, tuple(shutdown, 1), boom];
  for (const index of reasons.keys()) await startChild(index);
  expect(await count()).toBe(counted(4));

  for (const [index, reason] of reasons.entries()) await end(index, reason);

  expect(await count()).toBe(counted(0));
  expect(started).toHaveLength(4);
});

test("#194: transient children are started again unless they ended in order", async () => {
  const { startChild, end, count } = await supervisor({ restart: "transient" });
  const reasons = [normal, shutdown, tuple(shutdown, 1), boom];
  for (const index of reasons.keys()) await startChild(index);

  for (const [index, reason] of reasons.entries()) await end(index, reason);

  expect(await count()).toBe(counted(1));
  expect(started.map(({ event }) => event)).toEqual([0, 1, 2, 3, 3]);
});

test("#195: a child whose restart says ignore is dropped; one whose restart fails is tried again", async () => {
  const { startChild, end, count, list } = await supervisor({ restart: "transient", maxRestarts: 10 });
  await startChild("a");
  start = () => ignore();
  await end(0, boom);
  expect(await count()).toBe(counted(0));

  start = () => undefined;
  await startChild("b");
  const failures = started.length + 3;
  start = (times) => (times < failures ? stop(boom) : undefined);
  await end(2, boom);

  expect(await list()).toBe(`[{:undefined, ${inspect(started.at(-1)!.pid)}, :worker, [:Worker]}]`);
  expect(started.filter(({ event }) => event === "b")).toHaveLength(4);
});

test.each([
  ["one too many", { maxRestarts: 1 }],
  ["none are allowed", { maxRestarts: 0 }],
])("#196: restarts in a row end it with shutdown: %s", async (_name, options) => {
  const { startChild, end, reasons } = await supervisor({ restart: "transient", ...options });
  await startChild("a");
  start = () => stop(boom);

  await end(0, boom);

  expect(reasons).toEqual([":shutdown"]);
});

test.each([
  ["brutal_kill", Worker, ":killed"],
  [Number.POSITIVE_INFINITY, Worker, ":shutdown"],
  [1_000, Worker, ":shutdown"],
  [1_000, Stubborn, ":killed"],
] as const)(
  "#197: with the shutdown %s of a %o a child ends with %s when its supervisor stops",
  async (time, worker, reason) => {
    const { stages, pid, startChild } = await supervisor({ shutdown: time, worker });
    await startChild("a");
    const reasons = stages.ends(started[0]!.pid);

    void stages.node.core.send(
      pid,
      tuple(atom("system"), tuple(stages.node.core.pid, "tag"), tuple(atom("terminate"), normal)),
      false,
    );
    await stages.node.clock.advance(2_000);

    expect(reasons).toEqual([reason]);
    expect(stages.isAlive(pid)).toBe(false);
  },
);

test("#198: a child that is being restarted can be terminated as well", async () => {
  const { startChild, end, terminate, count } = await supervisor({ restart: "transient", maxRestarts: 1_000 });
  await startChild("a");
  const { pid } = started[0]!;
  let answer: Promise<string> | undefined;
  start = () => {
    answer ??= terminate(pid);
    return stop(boom);
  };
  await end(0, boom);

  expect(await answer).toBe(":ok");
  expect(await count()).toBe(counted(0));
});

test("#199: whom it subscribes to may not be there, and its options may be wrong, as with any consumer", async () => {
  const request = (to: unknown, options: string) => subscribeRequest(undefined, to, parse(options));
  for (const who of ["name", "pid"]) {
    const { stages, pid, reasons } = await supervisor();
    const dead = stages.node.spawn();
    dead.exit(normal);
    const to = who === "pid" ? dead.pid : atom("nobody");

    expect(await stages.call(pid, request(to, "[max_demand: 0]"))).toContain("{:error, {:bad_opts,");
    expect(await stages.call(pid, request(to, "[cancel: :temporary]"))).toContain("{:ok, #Reference");
    expect(reasons).toEqual([]);
    expect(await stages.call(pid, request(to, "[]"))).toContain("{:ok, #Reference");
    expect(reasons).toEqual([":noproc"]);
  }
});

test("#202: a source of three starts three", async () => {
  const stages = new Stages();
  const producer = await stages.node.start(GenStage.from(() => integers(0, 3)));
  await stages.node.start(Workers, { args: { subscribeTo: [{ to: producer.pid, cancel: "temporary" }] } });

  expect(started.map(({ event }) => event)).toEqual([0, 1, 2]);
});

test("#203: with a demand of one, one runs at a time; those that do not start are passed over", async () => {
  start = (_times, event) => ({ 1: ignore(), 2: stop(boom) })[event as number];
  const { terminate, events, end, count } = await consuming(6, { maxDemand: 1, minDemand: 0 });
  expect(events()).toEqual([0]);

  await end(0);
  expect(events()).toEqual([0, 1, 2, 3]);
  await terminate(started[3]!.pid);

  expect(events()).toEqual([0, 1, 2, 3, 4]);
  expect(await count()).toBe(counted(1));
});

test("#204: a child that is being restarted keeps its place until it is terminated", async () => {
  const { stages, pid, events, producer, end } = await consuming(
    3,
    { maxDemand: 1, minDemand: 0 },
    { restart: "transient", maxRestarts: 1_000 },
  );
  const first = started[0]!.pid;
  let answers: Promise<unknown[]> | undefined;
  start = (times) => {
    if (times > 2) return undefined;
    const requests = [atom("which_children"), tuple(atom("terminate_child"), first)];
    answers = Promise.all(requests.map((request) => stages.node.process.call(pid, request)));
    return stop(boom);
  };
  await end(0, boom);

  const [listed, answer] = (await answers)!;
  expect(inspect(listed as Term)).toContain(":restarting");
  expect(inspect(answer as Term)).toBe(":ok");
  expect(producer.notes.demands).toEqual([1, 1]);
  expect(events().at(-1)).toBe(1);
});

test("#205: children run on when the producer goes down", async () => {
  const { stages, producer, count, terminate } = await consuming(2, { maxDemand: 2, cancel: "temporary" });

  await stages.kill(producer.pid);

  expect(await count()).toBe(counted(2));
  expect(await terminate(started[0]!.pid)).toBe(":ok");
  expect(await count()).toBe(counted(1));
});

test("#206: as many are asked for as have ended, once these are minDemand", async () => {
  const { events, end, producer } = await consuming(10, { maxDemand: 3, minDemand: 2 });
  expect(events()).toEqual([0, 1, 2]);

  await end(0);
  expect(events()).toHaveLength(3);
  await end(1);

  expect(events()).toEqual([0, 1, 2, 3, 4]);
  expect(producer.notes.demands).toEqual([3, 2]);
});

test("#207: a producer that delivers less than was asked for is not asked again", async () => {
  const { events, producer } = await consuming(2, { maxDemand: 3, minDemand: 0 });

  expect(events()).toEqual([0, 1]);
  expect(producer.notes.demands).toEqual([3]);
});

test("#210: count_children replies a map", async () => {
  const { count } = await consuming(2, { maxDemand: 2 });

  expect(await count()).toBe("%{active: 2, specs: 1, supervisors: 0, workers: 2}");
});
