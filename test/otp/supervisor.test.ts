import { beforeEach, describe, expect, test } from "vitest";
import {
  type ChildSpec,
  child,
  GenServer,
  type InitResult,
  ignore,
  Supervisor,
  startServer,
  stop,
  supervise,
} from "../../src/otp/index.ts";
import { addChild } from "../../src/otp/supervisor/supervising-process.ts";
import { call, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, inspect, isTuple, Pid, parse, type Term, tuple } from "../../src/term/index.ts";
import { MemoryLogger, World } from "../support/world.ts";

let world: World;
let log: string[];
let logger: MemoryLogger;

beforeEach(() => {
  logger = new MemoryLogger();
  world = new World({ logger });
  log = [];
});

interface WorkerArgs {
  readonly label: string;
  readonly fails?: () => boolean;
  /** Milliseconds that its `terminate` takes. */
  readonly endsAfterMs?: number;
  readonly trapExit?: boolean;
}

class Worker extends GenServer {
  #args!: WorkerArgs;
  override init(args: WorkerArgs): InitResult {
    this.#args = args;
    this.process.trapExit = args.trapExit ?? true;
    if (args.fails?.()) return stop(atom("no_luck"));
    log.push(`start ${args.label}`);
  }
  override async terminate(reason: unknown) {
    const { label, endsAfterMs } = this.#args;
    if (endsAfterMs !== undefined) await new Promise<void>((done) => void world.clock.setTimer(endsAfterMs, done));
    log.push(`end ${label} ${inspect(reason as Term)}`);
  }
}

function worker(label: string, more: Partial<ChildSpec> & Partial<WorkerArgs> = {}): ChildSpec {
  const { fails, endsAfterMs, trapExit, ...spec } = more;
  const args = {
    label,
    ...(fails && { fails }),
    ...(endsAfterMs && { endsAfterMs }),
    ...(trapExit === false && { trapExit }),
  };
  return child(Worker, { id: label, args, ...spec });
}

async function started(supervisor: new () => Supervisor, options = {}): Promise<ProcessCore> {
  const [{ pid }] = await Promise.all([startServer(world.user, supervisor, options), world.settle()]);
  return world.runtime.find(pid)!;
}

async function ask(core: ProcessCore, request: string | Term): Promise<string> {
  const asked = typeof request === "string" ? parse(request) : request;
  const answer = call(world.user, core.pid, asked, { timeoutMs: Number.POSITIVE_INFINITY });
  await world.settle();
  return inspect(await answer).replaceAll(/#PID<[^>]*>/g, "pid");
}

async function pidOf(core: ProcessCore, id: string): Promise<Pid> {
  const answer = call(world.user, core.pid, atom("which_children"));
  await world.settle();
  const listed = ((await answer) as Term[]).find((one) => isTuple(one) && one[0] === atom(id));
  return (listed as unknown as Term[])[1] as Pid;
}

async function crash(core: ProcessCore, id: string, reason: unknown = atom("crashed")): Promise<void> {
  world.runtime.find(await pidOf(core, id))!.exit(reason);
  await world.settle();
}

describe("the start", () => {
  test("starts children in order, and stops them in the reverse one when its parent ends", async () => {
    const core = await started(Supervisor.of([worker("a"), worker("b")]), { link: true });
    world.user.exit(Reason.shutdown);
    await world.settle();
    expect(log).toEqual(["start a", "start b", "end b :shutdown", "end a :shutdown"]);
    expect(core.exitReason).toBe(Reason.shutdown);
    expect(world.runtime.counts()).toMatchObject({ processes: 0, watches: 0, names: 0 });
  });

  test("leaves no child behind when the supervisor is killed while its start function runs", async () => {
    let go = (): void => {};
    const allowed = new Promise<void>((resolve) => {
      go = resolve;
    });
    const start = async () => {
      await allowed;
      return startServer(world.user, Worker, { args: { label: "a", trapExit: true } });
    };
    const starting = startServer(world.user, Supervisor.of([{ id: "a", start }]), { name: "tree" }).catch(() => {});
    await world.settle();

    world.runtime.names.find("tree")!.exit(Reason.killed);
    go();
    await Promise.all([starting, world.settle()]);

    expect(log).toEqual(["start a", "end a :killed"]);
    expect(world.runtime.counts()).toMatchObject({ processes: 1, names: 0 }); // the user
  });

  test("fails when a child cannot be started, and stops those before it", async () => {
    const failing = started(Supervisor.of([worker("a"), worker("b", { fails: () => true }), worker("c")]));
    const reason = parse("{:shutdown, {:failed_to_start_child, :b, :no_luck}}");
    await expect(failing).rejects.toMatchObject({ reason });
    expect(log).toEqual(["start a", "end a :shutdown"]);
  });

  test.each([
    [[worker("a"), worker("a")], "{:start_spec, {:duplicate_child_name, :a}}", {}],
    [
      [worker("a", { significant: true })],
      "{:start_spec, {:bad_combination, [auto_shutdown: :never, significant: true]}}",
      {},
    ],
    [[], "{:supervisor_data, {:invalid_intensity, -1}}", { maxRestarts: -1 }],
    [[], "{:supervisor_data, {:invalid_period, 0}}", { maxSeconds: 0 }],
  ])("refuses what OTP refuses: %#", async (children, reason, options) => {
    await expect(started(Supervisor.of(children, options))).rejects.toMatchObject({ reason: parse(reason) });
  });

  test("a child whose start says ignore is kept, not running, unless it is temporary", async () => {
    class Ignored extends GenServer {
      override init() {
        return ignore();
      }
    }
    const core = await started(
      Supervisor.of([child(Ignored, { id: "kept" }), child(Ignored, { id: "gone", restart: "temporary" })]),
    );
    expect(await ask(core, ":which_children")).toBe("[{:kept, :undefined, :worker, [:Ignored]}]");
  });

  test("init may decide by its arguments", async () => {
    class Shards extends Supervisor {
      override init(count: number) {
        return supervise(Array.from({ length: count }, (_, i) => worker(`shard_${i}`)));
      }
    }
    const core = await started(Shards, { args: 2 });
    expect(await ask(core, ":count_children")).toBe("[specs: 2, active: 2, supervisors: 0, workers: 2]");
  });
});

describe("requests", () => {
  const NO_ENTRY = "{:error, :not_found}";

  test("which_children lists the last one first", async () => {
    const core = await started(Supervisor.of([worker("a"), child(Supervisor.of([]), { id: "below" })]));
    expect(await ask(core, ":which_children")).toBe("[{:below, pid, :supervisor, []}, {:a, pid, :worker, [:Worker]}]");
  });

  test("terminate, restart and delete a child", async () => {
    const core = await started(Supervisor.of([worker("a")]));
    expect(await ask(core, "{:restart_child, :a}")).toBe("{:error, :running}");
    expect(await ask(core, "{:delete_child, :a}")).toBe("{:error, :running}");
    expect(await ask(core, "{:terminate_child, :a}")).toBe(":ok");
    expect(await ask(core, "{:terminate_child, :a}")).toBe(":ok");
    expect(await ask(core, ":which_children")).toBe("[{:a, :undefined, :worker, [:Worker]}]");
    expect(await ask(core, "{:restart_child, :a}")).toBe("{:ok, pid}");
    await ask(core, "{:terminate_child, :a}");
    expect(await ask(core, "{:delete_child, :a}")).toBe(":ok");
    for (const name of ["restart_child", "delete_child", "terminate_child", "get_childspec", "which_child"]) {
      expect(await ask(core, `{:${name}, :a}`)).toBe(NO_ENTRY);
    }
  });

  test("a temporary child that is terminated is forgotten", async () => {
    const core = await started(Supervisor.of([worker("a", { restart: "temporary" })]));
    await ask(core, "{:terminate_child, :a}");
    expect(await ask(core, ":which_children")).toBe("[]");
  });

  test("start_child of another node runs an exposed function, and restarts by it", async () => {
    world.exposed.add("shop", {
      start: async (label: string) => {
        const { pid } = await startServer(world.user, Worker, { args: { label } });
        return tuple(atom("ok"), pid, atom("extra"));
      },
      full: () => tuple(atom("error"), atom("full")),
    });
    const core = await started(Supervisor.of([]));
    expect(await ask(core, '{:start_child, %{id: :x, start: {:shop, :start, ["x"]}}}')).toBe("{:ok, pid, :extra}");
    await crash(core, "x");
    await ask(core, "{:terminate_child, :x}");
    expect(log).toEqual(["start x", "start x", "end x :shutdown"]);
    expect(await ask(core, '{:start_child, %{id: :x, start: {:shop, :start, ["x"]}}}')).toBe(
      "{:error, :already_present}",
    );
    expect(await ask(core, "{:start_child, %{id: :y, start: {:shop, :full, []}}}")).toBe(
      "{:error, {:full, {:child, :undefined, :y, {:shop, :full, []}, :permanent, false, 5000, :worker, [:shop]}}}",
    );
    expect(await ask(core, "{:start_child, %{id: :y, start: {:os, :cmd, []}}}")).toMatch(
      /^\{:error, \{\{:EXIT, \{:undef, \[\{:os, :cmd, \[\], \[\]\}\]\}\}, \{:child, :undefined, :y,/,
    );
    expect(await ask(core, "{:start_child, %{id: :y}}")).toBe("{:error, :missing_start}");
  });

  test("what it does not know is answered and logged, and it goes on", async () => {
    const core = await started(Supervisor.of([]));
    expect(await ask(core, "{:nonsense, 1}")).toBe("{:error, {:bad_call, {:nonsense, 1}}}");
    void world.process.cast(core.pid, atom("nonsense"));
    void world.process.send(core.pid, atom("nonsense"));
    await world.settle();
    expect(core.alive).toBe(true);
    expect(logger.lines).toHaveLength(3);
  });

  test("a child is added from here with a start function", async () => {
    const core = await started(Supervisor.of([]), { name: "top" });
    const [pid] = await Promise.all([addChild(world.user, "top", worker("a")), world.settle()]);
    expect(pid).toBeInstanceOf(Pid);
    const again = addChild(world.user, core.pid, worker("a"));
    await Promise.all([
      expect(again).rejects.toMatchObject({ reason: tuple(atom("already_started"), pid as Pid) }),
      world.settle(),
    ]);
    await expect(addChild(world.user, world.user.pid, worker("b"))).rejects.toMatchObject({ code: "BADARG" });
  });
});

describe("the end of a child", () => {
  test.each([
    ["in time", 4_999, 5000, 4_999, "end a :shutdown"],
    ["too late: it is killed", 6_000, 5000, 5_000, undefined],
    ["brutal_kill: at once, without terminate", 1, "brutal_kill", 0, undefined],
    ["without a limit", 100_000, Number.POSITIVE_INFINITY, 100_000, "end a :shutdown"],
  ] as const)("%s", async (_, endsAfterMs, shutdown, takesMs, last) => {
    const core = await started(Supervisor.of([worker("a", { endsAfterMs, shutdown })]));
    let endedAt = -1;
    const asked = call(world.user, core.pid, parse("{:terminate_child, :a}"), { timeoutMs: 1e9 });
    const told = asked.then(() => {
      endedAt = world.clock.now();
    });
    await world.clock.advance(takesMs + 10);
    await told;
    expect(endedAt).toBe(takesMs);
    expect(log[1]).toBe(last);
  });

  test("terminate runs only in servers that trap exits", async () => {
    const core = await started(Supervisor.of([worker("a", { trapExit: false })]));
    await ask(core, "{:terminate_child, :a}");
    expect(log).toEqual(["start a"]);
  });

  test("calls wait while a restart is under way, and are answered then", async () => {
    let slow: (() => void) | undefined;
    let starts = 0;
    const spec: ChildSpec = {
      id: "slow",
      start: async (supervisor) => {
        if (starts++ > 0) await new Promise<void>((go) => (slow = go));
        return supervisor.start(Worker, { args: { label: "slow" } });
      },
    };
    const core = await started(Supervisor.of([spec]));
    await crash(core, "slow");
    const answer = call(world.user, core.pid, atom("count_children"));
    await world.settle();
    expect(core.queueLength).toBe(1);
    slow?.();
    await world.settle();
    expect(inspect(await answer)).toBe("[specs: 1, active: 1, supervisors: 0, workers: 1]");
  });

  test("too many restarts end the supervisor with shutdown, and the one above restarts it", async () => {
    const below = Supervisor.of([worker("a"), worker("b")], { maxRestarts: 1 });
    const core = await started(Supervisor.of([child(below, { id: "below" })]));
    const first = world.runtime.find(await pidOf(core, "below"))!;
    await crash(first, "a");
    await crash(first, "a");
    expect(first.exitReason).toBe(Reason.shutdown);
    expect(log).toEqual(["start a", "start b", "start a", "end b :shutdown", "start a", "start b"]);
    expect(core.alive).toBe(true);
  });

  test("a restart that fails is tried again until the intensity is reached", async () => {
    let failing = false;
    const core = await started(Supervisor.of([worker("a", { fails: () => failing })]));
    failing = true;
    await crash(core, "a");
    expect(core.exitReason).toBe(Reason.shutdown);
    expect(logger.lines.filter((line) => line.includes("start_error"))).toHaveLength(3);
  });

  test("a supervisor that is killed takes its children along", async () => {
    const core = await started(Supervisor.of([worker("a"), worker("b")]));
    world.user.sendExit(core.pid, Reason.kill);
    await world.settle();
    expect(world.runtime.counts().processes).toBe(1);
  });

  test("an exit signal of a stranger is no reason to end", async () => {
    const core = await started(Supervisor.of([worker("a")]));
    world.user.sendExit(core.pid, Reason.shutdown);
    await world.settle();
    expect(core.alive).toBe(true);
  });
});
