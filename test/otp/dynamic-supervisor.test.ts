import { beforeEach, describe, expect, test } from "vitest";
import {
  addChild,
  child,
  DynamicSupervisor,
  GenServer,
  startServer,
  superviseDynamically,
} from "../../src/otp/index.ts";
import { call, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, inspect, isTuple, Pid, parse, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

let world: World;
let starts: Term[][];

class Leaf extends GenServer {
  override init() {
    this.process.trapExit = true;
  }
  override async terminate() {
    await new Promise<void>((done) => void world.clock.setTimer(100, done));
  }
}

class Two extends DynamicSupervisor {
  override init() {
    return superviseDynamically({ maxChildren: 2, extraArguments: ["first"] });
  }
}

beforeEach(() => {
  world = new World();
  starts = [];
  world.exposed.add("leaf", {
    start: async (...args: Term[]) => {
      starts.push(args);
      if (args[1] === "none") return atom("ignore");
      if (args[1] === "once" && starts.length > 1) return tuple(atom("error"), atom("no_more"));
      const { pid } = await startServer(world.user, Leaf, {});
      return tuple(atom("ok"), pid);
    },
  });
});

async function started(supervisor: new () => DynamicSupervisor = Two): Promise<ProcessCore> {
  const [{ pid }] = await Promise.all([startServer(world.user, supervisor, {}), world.settle()]);
  return world.runtime.find(pid)!;
}

async function ask(core: ProcessCore, request: unknown): Promise<Term> {
  const answer = call(world.user, core.pid, request, { timeoutMs: Number.POSITIVE_INFINITY });
  await world.settle();
  return answer;
}

const start = (core: ProcessCore, argument: string, restart = "permanent") =>
  ask(core, parse(`{:start_child, {{:leaf, :start, ["${argument}"]}, :${restart}, 5000, :worker, [:leaf]}}`));

const shown = (term: Term) => inspect(term).replaceAll(/#PID<[^>]*>/g, "pid");

function pidIn(reply: Term): Pid {
  if (isTuple(reply) && reply[1] instanceof Pid) return reply[1];
  throw new Error(`no child was started: ${inspect(reply)}`);
}

describe("requests", () => {
  test("start_child runs the function with the extra arguments in front", async () => {
    const core = await started();
    expect(shown(await start(core, "a"))).toBe("{:ok, pid}");
    expect(starts).toEqual([["first", "a"]]);
    expect(shown(await ask(core, atom("which_children")))).toBe("[{:undefined, pid, :worker, [:leaf]}]");
    expect(shown(await ask(core, atom("count_children")))).toBe("[specs: 1, active: 1, supervisors: 0, workers: 1]");
  });

  test("no more than maxChildren", async () => {
    const core = await started();
    await start(core, "a");
    await start(core, "b");
    expect(shown(await start(core, "c"))).toBe("{:error, :max_children}");
  });

  test("the reasons of failed starts are not wrapped", async () => {
    const core = await started();
    expect(shown(await start(core, "none"))).toBe(":ignore");
    expect(shown(await ask(core, parse("{:start_child, {{:os, :cmd, []}, :permanent, 5000, :worker, [:os]}}")))).toBe(
      '{:error, {:undef, [{:os, :cmd, ["first"], []}]}}',
    );
    expect(shown(await ask(core, parse("{:start_child, :odd}")))).toBe("{:error, {:invalid_child_spec, :odd}}");
  });

  test("terminate_child stops and forgets a child", async () => {
    const core = await started();
    const pid = pidIn(await start(core, "a"));
    const answer = call(world.user, core.pid, tuple(atom("terminate_child"), pid));
    await world.clock.advance(100);
    expect(await answer).toBe(atom("ok"));
    expect(await ask(core, tuple(atom("terminate_child"), pid))).toEqual(parse("{:error, :not_found}"));
  });
});

describe("the end of a child", () => {
  test.each([
    ["permanent", true, true],
    ["transient", false, true],
    ["temporary", false, false],
  ])("%s: comes back after an orderly end %s, after a crash %s", async (restart, orderly, crashed) => {
    const core = await started(DynamicSupervisor);
    for (const [reason, back] of [
      [Reason.normal, orderly],
      [atom("crashed"), crashed],
    ] as const) {
      const before = starts.length + 1;
      const pid = pidIn(await start(core, "a", restart));
      world.runtime.find(pid)!.exit(reason);
      await world.settle();
      expect(starts.length - before).toBe(back ? 1 : 0);
    }
  });

  test("a restart that fails is tried again until the intensity is reached", async () => {
    const core = await started(Two);
    const pid = pidIn(await start(core, "once"));
    world.runtime.find(pid)!.exit(atom("crashed"));
    await world.settle();
    expect(starts).toHaveLength(4);
    expect(core.exitReason).toBe(Reason.shutdown);
  });
});

test("children added from here stop all at once", async () => {
  const core = await started(DynamicSupervisor);
  for (let i = 0; i < 50; i++) await Promise.all([addChild(world.user, core.pid, child(Leaf)), world.settle()]);
  expect(world.runtime.counts().processes).toBe(52);
  void ask(core, atom("which_children"));
  void world.process.send(
    core.pid,
    tuple(atom("system"), tuple(world.user.pid, atom("tag")), parse("{:terminate, :shutdown}")),
  );
  await world.clock.advance(100);
  expect(world.runtime.counts().processes).toBe(1);
});
