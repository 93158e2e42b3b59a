import { beforeEach, describe, expect, test } from "vitest";
import { Agent, type AgentClient, child, Supervisor, startServer } from "../../src/otp/index.ts";
import { call, cast, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, Export, inspect, type Pid, parse, type Term, tuple } from "../../src/term/index.ts";
import { MemoryLogger, World } from "../support/world.ts";

let world: World;
let logger: MemoryLogger;

beforeEach(() => {
  logger = new MemoryLogger();
  world = new World({ logger });
  world.exposed.add("counters", {
    plus: (state: number, n: number) => state + n,
    take: (state: number, n: number) => tuple(state, state - n),
    fail: () => {
      throw new Error("no luck");
    },
  });
});

/** Lets time pass for what is under way, and gives what came of it. */
async function now<T>(promise: Promise<T>): Promise<T> {
  const [result] = await Promise.all([promise, world.settle()]);
  return result;
}

function counter(start = 0): Promise<AgentClient<number>> {
  return now(Agent.start(world.process, () => start, { name: "counter" }));
}

function coreOf(agent: AgentClient<never> | AgentClient<number>): ProcessCore {
  return world.runtime.find(agent.target as Pid)!;
}

describe("functions of this node", () => {
  test("read and change the state", async () => {
    const agent = await counter(1);
    expect(await now(agent.get((n) => n))).toBe(1);
    await now(agent.update((n) => n + 1));
    expect(await now(agent.getAndUpdate((n) => [`was ${n}`, n * 10]))).toBe("was 2");
    void agent.cast((n) => n + 5);
    expect(await now(agent.get((n) => n))).toBe(25);
  });

  test("run one at a time, in their order, also when they wait", async () => {
    const agent = await counter(1);
    const slow = (n: number) => new Promise<number>((done) => void world.clock.setTimer(100, () => done(n + 1)));
    const changes = [agent.update(slow), agent.update((n) => n * 10), agent.update(slow)];
    await world.clock.advance(200);
    await Promise.all(changes);
    expect(await now(agent.get((n) => n))).toBe(21);
  });

  test("give copies: a state that was read is not the state", async () => {
    const agent = await now(Agent.start(world.process, () => ({ items: [1] })));
    const read = await now(agent.get((state) => state));
    read.items.push(2);
    expect(await now(agent.get(({ items }) => items.length))).toBe(1);
  });

  test("that fail end the agent, and the call", async () => {
    const agent = await counter();
    const core = coreOf(agent);
    const failing = now(
      agent.get(() => {
        throw new Error("no luck");
      }),
    );
    await expect(failing).rejects.toMatchObject({ code: "EXIT_OTHER" });
    expect(inspect(core.exitReason as Term)).toContain('message: "Error: no luck"');
    await expect(now(agent.get((n) => n))).rejects.toMatchObject({ code: "EXIT_NOPROC" });
  });

  test("that give no pair for getAndUpdate end it with bad_return_value", async () => {
    const agent = await counter();
    const core = coreOf(agent);
    const failing = now(agent.getAndUpdate(() => 7 as never));
    await expect(failing).rejects.toMatchObject({ code: "EXIT_OTHER" });
    expect(core.exitReason).toEqual(parse("{:bad_return_value, 7}"));
  });

  test("that come too late are done all the same", async () => {
    const agent = await counter(1);
    const slow = agent.update((n) => new Promise((done) => void world.clock.setTimer(1_000, () => done(n + 1))));
    const late = agent.update((n) => n * 10, { timeoutMs: 500 });
    const outcome = expect(late).rejects.toMatchObject({ code: "EXIT_TIMEOUT" });
    await world.clock.advance(1_000);
    await Promise.all([slow, outcome]);
    expect(await now(agent.get((n) => n))).toBe(20);
  });

  test("are not sent to other nodes, nor run by others than agents", async () => {
    const remote = Agent.at<number>(world.process, { name: "counter", node: "there@host" });
    await expect(remote.get((n) => n)).rejects.toMatchObject({ code: "BADARG" });
    await expect(Agent.at(world.process, world.spawn().pid).get(() => 1)).rejects.toMatchObject({ code: "BADARG" });
  });
});

describe("functions that are named", () => {
  test("run with the state in front of their arguments", async () => {
    const agent = await counter(1);
    expect(await now(agent.get({ module: "counters", name: "plus", args: [5] }))).toBe(6);
    await now(agent.update({ module: "counters", name: "plus", args: [2] }));
    expect(await now(agent.getAndUpdate({ module: "counters", name: "take", args: [1] }))).toBe(3);
    void agent.cast({ module: "counters", name: "plus", args: [40] });
    expect(await now(agent.get((n) => n))).toBe(42);
  });

  test("go to agents of other nodes as Elixir sends them", async () => {
    const remote = Agent.at(world.process, { name: "counter", node: "there@host" });
    void remote.cast({ module: "Elixir.Map", name: "put", args: [atom("a"), 1] });
    expect(world.take()).toEqual([
      expect.objectContaining({ message: parse('{:"$gen_cast", {:cast, {Map, :put, [:a, 1]}}}') }),
    ]);
  });

  test("may also come as &Mod.fun/1", async () => {
    const agent = await counter(1);
    world.exposed.add("math", { half: (n: number) => n / 2 });
    const request = tuple(atom("get"), new Export("math", "half", 1));
    expect(await now(call(world.user, agent.target, request))).toBe(0.5);
  });

  test("end the agent with undef when they are not exposed, as on a BEAM", async () => {
    const agent = await counter();
    const core = coreOf(agent);
    const failing = now(agent.get({ module: "os", name: "cmd", args: [] }));
    await expect(failing).rejects.toMatchObject({ code: "EXIT_OTHER" });
    expect(inspect(core.exitReason as Term)).toBe("{:undef, [{:os, :cmd, [0], []}]}");
  });
});

test("what cannot run here is answered, changes nothing, and is logged", async () => {
  const agent = await counter(7);
  const closure = parse(":closure"); // anything that is no function here
  for (const kind of ["get", "update", "get_and_update"]) {
    expect(await now(call(world.user, agent.target, tuple(atom(kind), closure as object)))).toEqual(
      parse("{:error, :closure_not_supported}"),
    );
  }
  void cast(world.user, agent.target, tuple(atom("cast"), closure as object));
  expect(await now(agent.get((n) => n))).toBe(7);
  expect(logger.lines).toHaveLength(4);
});

test("sys shows the state itself, and replaces it", async () => {
  const agent = await counter(1);
  const answer = call(
    world.user,
    agent.target,
    atom("get_state"),
    {},
    {
      message: (from, request) => tuple(atom("system"), from, request as object),
      failed: () => undefined,
    },
  );
  expect(await now(answer)).toBe(1);
});

test("stops as it is told to", async () => {
  const agent = await counter();
  const core = coreOf(agent);
  await now(agent.stop(Reason.shutdown));
  expect(core.exitReason).toBe(Reason.shutdown);
});

test("is a child like any other, and begins anew when it is restarted", async () => {
  const tree = Supervisor.of([
    child(
      Agent.of(async () => 1),
      { name: "counter" },
    ),
  ]);
  const { pid } = await now(startServer(world.user, tree, {}));
  const agent = Agent.at<number>(world.process, "counter");
  await now(agent.update((n) => n + 1));
  expect(await now(agent.get((n) => n))).toBe(2);
  world.runtime.names.find("counter")?.exit(atom("crashed"));
  await world.settle();
  expect(await now(agent.get((n) => n))).toBe(1);
  expect(inspect(await now(world.process.call(pid, atom("which_children"))))).toMatch(/^\[\{:Agent, #PID<.*>, :worker/);
});

test("a start that fails is a failed start", async () => {
  const starting = Agent.start(world.process, () => {
    throw new Error("no luck");
  });
  await expect(now(starting)).rejects.toMatchObject({ code: "EXIT_OTHER" });
  expect(world.runtime.counts().processes).toBe(1);
});
