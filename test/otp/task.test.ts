import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  Supervisor,
  startServer,
  superviseDynamically,
  Task,
  type TaskStreamOptions,
  TaskSupervisor,
} from "../../src/otp/index.ts";
import { Exit, Process, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, type Pid, parse, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

let world: World;
let inbox: unknown[];
let owner: ProcessCore;
let self: Process;

beforeEach(() => {
  world = new World();
  inbox = [];
  owner = world.spawn((message) => void inbox.push(message));
  self = new Process(owner);
});

async function now<T>(promise: Promise<T>): Promise<T> {
  const [result] = await Promise.all([promise, world.settle()]);
  return result;
}

/** What takes that long in simulated time. */
function takes<T>(ms: number, value: T): Promise<T> {
  return new Promise((done) => void world.clock.setTimer(ms, () => done(value)));
}

function fail(reason: string): never {
  throw new Exit(atom(reason));
}

describe("a task", () => {
  test("gives its result as it is, again and again, and is gone", async () => {
    const found = new Date(0);
    const task = Task.async(self, async () => found);
    expect(await now(task.await())).toBe(found);
    expect(await task.await()).toBe(found);
    expect(await task.yield({ timeoutMs: 0 })).toEqual({ ok: true, value: found });
    expect(world.runtime.find(task.pid)).toBeUndefined();
    expect(inbox).toEqual([]);
    expect(world.runtime.counts()).toMatchObject({ processes: 2, watches: 0, aliases: 0 });
  });

  test("acts as its own process", async () => {
    const task = Task.async(self, (process) => process.pid);
    expect(await now(task.await())).toBe(task.pid);
  });

  test("that crashes takes its owner along", async () => {
    const task = Task.async(self, () => fail("no_luck"));
    const awaited = expect(task.await()).rejects.toBeInstanceOf(Exit);
    await world.settle();
    await awaited;
    expect(owner.exitReason).toBe(atom("no_luck"));
  });

  test("that crashes is a failed await and an exit message for an owner that traps exits", async () => {
    self.trapExit = true;
    const task = Task.async(self, () => fail("no_luck"));
    const failure = await now(task.await().catch((error: { code: string; reason: Term[] }) => error));
    expect(failure).toMatchObject({
      code: "EXIT_OTHER",
      reason: [atom("no_luck"), [parse("Task"), atom("await"), expect.anything()]],
    });
    expect(await task.yield()).toEqual({ ok: false, reason: atom("no_luck") });
    expect(inbox).toEqual([tuple(atom("EXIT"), task.pid, atom("no_luck"))]);
  });

  test("ends with its owner, and nothing of it is heard any more", async () => {
    let done = false;
    const task = Task.async(self, async () => {
      await takes(10, undefined);
      done = true;
    });
    await world.settle();
    owner.exit(atom("crashed"));
    await world.clock.advance(10);
    expect(done).toBe(true); // JavaScript cannot be stopped, but its process has ended
    expect(world.runtime.find(task.pid)).toBeUndefined();
    await expect(task.await()).rejects.toMatchObject({ reason: atom("crashed") });
  });

  test("is waited for as long as is said, and may come later", async () => {
    const task = Task.async(self, () => takes(100, 42));
    const short = expect(task.await({ timeoutMs: 50 })).rejects.toMatchObject({ code: "EXIT_TIMEOUT" });
    const looked = task.yield({ timeoutMs: 60 });
    await world.clock.advance(60);
    await short;
    expect(await looked).toBeUndefined();
    await world.clock.advance(40);
    expect(await task.await()).toBe(42);
  });

  test("is given up with a signal", async () => {
    const task = Task.async(self, () => takes(100, 42));
    const giveUp = new AbortController();
    const waiting = expect(task.await({ signal: giveUp.signal })).rejects.toThrow("enough");
    giveUp.abort(new Error("enough"));
    await waiting;
  });

  test("of a process that has ended is none", () => {
    owner.exit(Reason.normal);
    expect(() => Task.async(self, () => 1)).toThrow(expect.objectContaining({ reason: Reason.normal }));
  });

  test("can be started without anybody waiting for it", async () => {
    const seen: Pid[] = [];
    const pids = [
      Task.start(self, (task) => void seen.push(task.pid)),
      Task.startLink(self, (task) => void seen.push(task.pid)),
    ];
    await world.settle();
    expect(seen).toEqual(pids);
    Task.start(self, () => fail("unheard"));
    await world.settle();
    expect(owner.alive).toBe(true);
    Task.startLink(self, () => fail("heard"));
    await world.settle();
    expect(owner.exitReason).toBe(atom("heard"));
  });
});

test("a task can be a child, which is started again if the spec says so", async () => {
  let runs = 0;
  const once = Task.child(() => void runs++);
  const twice = Task.child(() => (++runs < 4 ? fail("no_luck") : undefined), { id: "twice", restart: "transient" });
  const { pid } = await now(startServer(world.user, Supervisor.of([once, twice]), {}));
  await world.settle();
  expect(runs).toBe(4);
  expect(await now(new Process(world.user).call(pid, atom("which_children")))).toEqual([
    tuple(atom("twice"), atom("undefined"), atom("worker"), [atom("Task")]),
  ]);
});

describe("shutdown", () => {
  test("ends a task as it is told, without harm to its owner", async () => {
    const task = Task.async(self, () => takes(1_000, 1));
    await world.settle();
    expect(await now(task.shutdown())).toBeUndefined();
    expect(await now(Task.async(self, () => takes(1_000, 1)).shutdown("brutal_kill"))).toBeUndefined();
    expect(owner.alive).toBe(true);
  });

  test("kills a task that does not end in time", async () => {
    const task = Task.async(self, (process) => {
      process.trapExit = true;
      return takes(60_000, 1);
    });
    await world.settle();
    const ended = task.shutdown(200);
    await world.clock.advance(200);
    expect(await ended).toEqual({ ok: false, reason: Reason.killed });
  });

  test("gives what had come of it already", async () => {
    self.trapExit = true;
    const [ready, crashed] = [Task.async(self, () => 1), Task.async(self, () => fail("no_luck"))];
    await world.settle();
    expect(await now(ready.shutdown())).toEqual({ ok: true, value: 1 });
    expect(await now(crashed.shutdown())).toEqual({ ok: false, reason: atom("no_luck") });
  });

  test("ignore lets it go on by itself", async () => {
    let done = false;
    const task = Task.async(self, async () => {
      await takes(10, 1);
      done = true;
      fail("unheard");
    });
    expect(task.ignore()).toBeUndefined();
    await world.clock.advance(10);
    expect(done).toBe(true);
    expect(owner.alive).toBe(true);
    expect(await task.yield({ timeoutMs: 0 })).toBeUndefined();
  });
});

describe("a stream of tasks", () => {
  async function all<I, T>(
    items: Iterable<I> | AsyncIterable<I>,
    work: (item: I) => T | Promise<T>,
    options?: TaskStreamOptions,
  ) {
    const results: unknown[] = [];
    for await (const { item, ...result } of Task.asyncStream(self, items, work, options)) {
      results.push([item, result.ok ? result.value : result.reason]);
    }
    return results;
  }

  test("runs no more at a time than it may, and keeps the order", async () => {
    let [running, most] = [0, 0];
    const work = async (ms: number) => {
      most = Math.max(most, ++running);
      await takes(ms, undefined);
      running--;
      return ms * 2;
    };
    const results = all([30, 10, 20, 10], work, { maxConcurrency: 2 });
    await world.clock.advance(100);
    expect(await results).toEqual([
      [30, 60],
      [10, 20],
      [20, 40],
      [10, 20],
    ]);
    expect(most).toBe(2);
  });

  test("gives results as they come when they need no order", async () => {
    const results = all([30, 10, 20], (ms) => takes(ms, ms), { ordered: false });
    await world.clock.advance(100);
    expect(await results).toEqual([
      [10, 10],
      [20, 20],
      [30, 30],
    ]);
  });

  test("takes items as results are taken, from sources that wait too", async () => {
    let given = 0;
    async function* source() {
      for (; given < 5; ) yield await takes(5, ++given);
    }
    const results = all(source(), (n) => n, { maxConcurrency: 2 });
    await world.clock.advance(4);
    expect(given).toBe(1);
    await world.clock.advance(100);
    expect(await results).toEqual([1, 2, 3, 4, 5].map((n) => [n, n]));
  });

  test("kills tasks that take too long, or ends, as it is told", async () => {
    const killed = all([10, 500], (ms) => takes(ms, ms), { timeoutMs: 100, onTimeout: "kill_task" });
    await world.clock.advance(100);
    expect(await killed).toEqual([
      [10, 10],
      [500, atom("timeout")],
    ]);
    const ended = expect(all([500], (ms) => takes(ms, ms), { timeoutMs: 100 })).rejects.toMatchObject({
      code: "EXIT_TIMEOUT",
      reason: parse("{:timeout, {Task.Supervised, :stream, [100]}}"),
    });
    await world.clock.advance(100);
    await ended;
    expect(world.runtime.counts().processes).toBe(2);
  });

  test("ends its owner with a task that crashes, unless that traps exits", async () => {
    self.trapExit = true;
    const work = (n: number) => (n === 2 ? fail("no_luck") : n);
    expect(await now(all([1, 2, 3], work))).toEqual([
      [1, 1],
      [2, atom("no_luck")],
      [3, 3],
    ]);
    expect(inbox).toEqual([]);
    self.trapExit = false;
    const ended = expect(all([1, 2, 3], work)).rejects.toMatchObject({ reason: atom("no_luck") });
    await world.settle();
    await ended;
    expect(owner.exitReason).toBe(atom("no_luck"));
  });

  test("leaves nothing behind when it is left, or its source fails, or its owner ends", async () => {
    const forever = () => new Promise<number>(() => {});
    let closed = false;
    function* source() {
      try {
        yield* [1, 2, 3, 4];
      } finally {
        closed = true;
      }
    }
    const left = (async () => {
      for await (const _ of Task.asyncStream(self, source(), (n) => (n === 1 ? n : forever()), { maxConcurrency: 2 }))
        break;
    })();
    await now(left);
    expect(closed).toBe(true);
    function* failing() {
      yield 1;
      throw new Error("no more");
    }
    await expect(now(all(failing(), forever))).rejects.toThrow("no more");
    await world.settle();
    expect(world.runtime.counts()).toMatchObject({ processes: 2, watches: 0, aliases: 0 });

    const lost = expect(all([1, 2], forever)).rejects.toMatchObject({ reason: Reason.normal });
    await world.settle();
    expect(world.runtime.counts().processes).toBe(5);
    owner.exit(Reason.normal);
    await world.settle();
    await lost;
    expect(world.runtime.counts()).toMatchObject({ processes: 1, watches: 0 });
  });

  test("refuses options that make no sense", async () => {
    await expect(all([1], (n) => n, { maxConcurrency: 0 })).rejects.toMatchObject({ code: "BADARG" });
    await expect(all([1], (n) => n, { timeoutMs: 0 })).rejects.toMatchObject({ code: "BADARG" });
  });
});

describe("a supervisor of tasks", () => {
  let supervisor: ProcessCore;
  const tasks = () => TaskSupervisor.at(self, "tasks");

  beforeEach(async () => {
    world.exposed.add("math", { double: (n: number) => n * 2 });
    class Two extends TaskSupervisor {
      override init() {
        return superviseDynamically({ maxChildren: 2 });
      }
    }
    const { pid } = await now(startServer(world.user, Two, { name: "tasks" }));
    supervisor = world.runtime.find(pid)!;
  });

  afterEach(() => supervisor.exit(Reason.kill));

  test("runs functions, and named ones, for processes of its node", async () => {
    expect(await now((await now(tasks().async(() => 1))).await())).toBe(1);
    expect(await now((await now(tasks().async({ module: "math", name: "double", args: [21] }))).await())).toBe(42);
    const started: number[] = [];
    await now(tasks().startChild(() => void started.push(1)));
    expect(started).toEqual([1]);
    expect(await now(tasks().children())).toEqual([]);
  });

  test("keeps the crash of a task that is not linked from its owner", async () => {
    const task = await now(tasks().asyncNolink(() => fail("no_luck")));
    expect(await now(task.yield())).toEqual({ ok: false, reason: atom("no_luck") });
    expect(owner.alive).toBe(true);
  });

  test("takes no more tasks than it may, and ends with them", async () => {
    const [first, second] = await now(
      Promise.all([tasks().asyncNolink(() => takes(1e6, 1)), tasks().asyncNolink(() => takes(1e6, 1))]),
    );
    await expect(now(tasks().asyncNolink(() => 3))).rejects.toMatchObject({ reason: atom("max_children") });
    expect(await now(tasks().terminateChild(first.pid))).toBe(true);
    expect(await first.yield()).toEqual({ ok: false, reason: Reason.shutdown });
    supervisor.exit(Reason.shutdown);
    await world.settle();
    expect(await second.yield()).toEqual({ ok: false, reason: Reason.shutdown });
  });

  test("streams with its tasks", async () => {
    const results: unknown[] = [];
    const run = async () => {
      for await (const result of tasks().asyncStreamNolink([1, 2, 3], (n) => (n === 2 ? fail("odd") : n), {
        maxConcurrency: 2,
      })) {
        results.push(result);
      }
    };
    await now(run());
    expect(results).toEqual([
      { ok: true, value: 1, item: 1 },
      { ok: false, reason: atom("odd"), item: 2 },
      { ok: true, value: 3, item: 3 },
    ]);
  });

  test("of another node takes no function", async () => {
    const remote = TaskSupervisor.at(self, { name: "tasks", node: "there@host" });
    await expect(remote.async(() => 1)).rejects.toMatchObject({ code: "BADARG" });
  });

  test("that is not there is noproc", async () => {
    await expect(now(TaskSupervisor.at(self, "none").async(() => 1))).rejects.toMatchObject({ code: "EXIT_NOPROC" });
    const named = TaskSupervisor.at(self, "none").async({ module: "math", name: "double" });
    await expect(now(named)).rejects.toMatchObject({ code: "EXIT_NOPROC" });
  });
});
