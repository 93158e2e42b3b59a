import { beforeEach, describe, expect, test } from "vitest";
import {
  Application,
  type ApplicationSpec,
  Applications,
  applicationTerms,
  type ChildSpec,
  child,
  GenServer,
  type InitResult,
  reply,
  Supervisor,
  startServer,
  stop,
  supervise,
} from "../../src/otp/index.ts";
import { call, Process, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, inspect, type Pid, type Term, tuple } from "../../src/term/index.ts";
import { MemoryLogger, World } from "../support/world.ts";

let world: World;
let logger: MemoryLogger;
let log: string[];
let applications: Applications;
let nodeStops: number;
const pids = new Map<string, Pid>();

beforeEach(() => {
  logger = new MemoryLogger();
  world = new World({ logger });
  log = [];
  nodeStops = 0;
  applications = new Applications(world.user, () => void nodeStops++);
});

interface WorkerArgs {
  readonly label: string;
  readonly fails?: boolean;
  readonly endsAfterMs?: number;
}

class Worker extends GenServer {
  #args!: WorkerArgs;
  override init(args: WorkerArgs): InitResult {
    this.#args = args;
    this.process.trapExit = true;
    log.push(`start ${args.label}`);
    if (args.fails) return stop(atom("no_luck"));
    pids.set(args.label, this.process.pid);
  }
  override handleCall(name: Term) {
    return reply(this.process.env(name as string) ?? atom("undefined"));
  }
  override async terminate(reason: unknown) {
    const { label, endsAfterMs } = this.#args;
    if (endsAfterMs !== undefined) await new Promise<void>((done) => void world.clock.setTimer(endsAfterMs, done));
    log.push(`end ${label} ${inspect(reason as Term)}`);
  }
}

function worker(label: string, more: Partial<WorkerArgs> = {}, spec: Partial<ChildSpec> = {}): ChildSpec {
  return child(Worker, { id: label, args: { label, ...more }, ...spec });
}

/** An application of that spec, which says what is done with it. */
function application(spec: ApplicationSpec): new () => Application {
  return class extends Application {
    load() {
      return spec;
    }
    override start(args: unknown) {
      log.push(`run ${spec.name} ${inspect((args ?? null) as Term)}`);
    }
    override prepStop() {
      log.push(`prep ${spec.name}`);
    }
    override stop() {
      log.push(`done ${spec.name}`);
    }
  };
}

/** Loads it and starts it. */
async function run(spec: ApplicationSpec, args?: unknown): Promise<ProcessCore> {
  const name = applications.load(application(spec));
  await settled(applications.start(name, args));
  return world.runtime.find(applications.info(name).pid!)!;
}

async function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {}); // it is looked at only when the dust has settled
  await world.settle();
  return promise;
}

async function end(label: string, reason: unknown): Promise<void> {
  world.runtime.find(pids.get(label)!)!.exit(reason);
  await world.settle();
}

async function envOf(label: string, name: string): Promise<Term> {
  return settled(call(world.user, pids.get(label)!, name));
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "ok",
    (error: { code: string }) => error.code,
  );

describe("starting", () => {
  test("starts the children in order, then runs `start` with what was given", async () => {
    await run({ name: "shop", children: [worker("a"), worker("b")] }, atom("now"));

    expect(log).toEqual(["start a", "start b", "run shop :now"]);
    expect(applications.info("shop")).toMatchObject({ state: "running", startType: "temporary" });
  });

  test("starts what it needs before it, each once, and takes what runs already as it is", async () => {
    for (const [name, needs] of [
      ["a", []],
      ["b", ["a"]],
      ["c", ["a", "b"]],
    ] as const) {
      applications.load(application({ name, applications: needs }));
    }
    await settled(applications.start("c"));

    expect(log).toEqual(["run a nil", "run b nil", "run c nil"]);
    expect(applications.which().map(({ name }) => name)).toEqual(["c", "b", "a"]);
  });

  test("two that need the same one at the same time wait for its one start", async () => {
    applications.load(application({ name: "base", children: [worker("base")] }));
    for (const name of ["a", "b"]) applications.load(application({ name, applications: ["base"] }));
    await settled(Promise.all([applications.start("a"), applications.start("b")]));

    expect(log.filter((line) => line === "start base")).toHaveLength(1);
    expect(log[1]).toBe("run base nil");
  });

  test("two starts at the same time give one start and one already_started", async () => {
    applications.load(application({ name: "shop", children: [worker("a")] }));
    const both = Promise.all([codeOf(applications.start("shop")), codeOf(applications.start("shop"))]);

    expect(await settled(both)).toEqual(["ok", "APPLICATION_ALREADY_STARTED"]);
    expect(await settled(codeOf(applications.start("shop")))).toBe("APPLICATION_ALREADY_STARTED");
    expect(log).toEqual(["start a", "run shop nil"]);
  });

  test("a cycle is refused, with the way that it takes", async () => {
    applications.load(application({ name: "a", applications: ["b"] }));
    applications.load(application({ name: "b", applications: ["c"] }));
    applications.load(application({ name: "c", applications: ["a"] }));

    await expect(settled(applications.start("a"))).rejects.toMatchObject({ code: "APPLICATION_CYCLE" });
    await expect(settled(applications.start("a"))).rejects.toThrow("a, b, c, a");
    expect(applications.loaded().map(({ state }) => state)).toEqual(["loaded", "loaded", "loaded"]);
  });

  test("one that needs what is not there, or does not start, does not start", async () => {
    applications.load(application({ name: "a", applications: ["nothing"] }));
    applications.load(application({ name: "b", applications: ["broken"] }));
    applications.load(application({ name: "broken", children: [worker("x", { fails: true })] }));

    await expect(settled(applications.start("a"))).rejects.toMatchObject({ code: "APPLICATION_UNKNOWN" });
    await expect(settled(applications.start("b"))).rejects.toMatchObject({ reason: atom("no_luck") });
    expect(applications.which()).toEqual([]);
    expect(log).toEqual(["start x"]);
  });

  test("a third child that does not start leaves no process of the first and the second", async () => {
    const before = world.runtime.counts().processes;
    applications.load(
      application({ name: "shop", children: [worker("a"), worker("b"), worker("c", { fails: true })] }),
    );

    await expect(settled(applications.start("shop"))).rejects.toMatchObject({ reason: atom("no_luck") });
    expect(log).toEqual(["start a", "start b", "start c", "end b :no_luck", "end a :no_luck"]);
    expect(world.runtime.counts().processes).toBe(before);
    expect(applications.info("shop")).toMatchObject({ state: "loaded", pid: undefined });
    expect(nodeStops).toBe(0);
  });

  test("a `start` that throws stops the children again", async () => {
    class Shop extends Application {
      load() {
        return { name: "shop", children: [worker("a")], startType: "permanent" as const };
      }
      override start(): void {
        throw new Error("no goods");
      }
    }
    applications.load(Shop);

    await expect(settled(applications.start("shop"))).rejects.toThrow("no goods");
    expect(log[1]).toContain("end a");
    expect(nodeStops).toBe(0);
  });
});

describe("the end of a child", () => {
  const children = () => [worker("a"), worker("b"), worker("c")];

  test.each([
    ["normal", Reason.normal],
    ["crash", atom("crash")],
  ])(
    "permanent, %s: the others are stopped with that reason, and the node with the application",
    async (_what, reason) => {
      const core = await run({ name: "shop", children: children(), startType: "permanent" });
      log.length = 0;
      await end("b", reason);

      const told = reason === Reason.normal ? ":shutdown" : ":crash";
      expect(log).toEqual(["prep shop", `end c ${told}`, `end a ${told}`, "done shop"]);
      expect([core.alive, core.exitReason, nodeStops]).toEqual([false, reason, 1]);
      expect(logger.lines.join()).toContain("child :b ended");
    },
  );

  test.each([Reason.normal, Reason.shutdown, tuple(Reason.shutdown, 1)])(
    "transient, %s: nothing else",
    async (reason) => {
      const core = await run({ name: "shop", children: children(), startType: "transient" });
      await end("b", reason);

      expect([core.alive, nodeStops, applications.children("shop").length]).toEqual([true, 0, 2]);
    },
  );

  test("transient, crash: the same as permanent", async () => {
    const core = await run({ name: "shop", children: children(), startType: "transient" });
    await end("b", atom("crash"));

    expect([core.alive, nodeStops]).toEqual([false, 1]);
  });

  test("temporary: it is reported, and nothing else", async () => {
    const core = await run({ name: "shop", children: children() });
    await end("b", atom("crash"));

    expect([core.alive, nodeStops]).toEqual([true, 0]);
    expect(logger.lines.join()).toContain("child :b ended: :crash");
  });

  test("the way of the start goes before that of the application", async () => {
    applications.load(application({ name: "shop", children: children(), startType: "permanent" }));
    await settled(applications.startTemporary("shop"));
    await end("a", atom("crash"));
    expect(nodeStops).toBe(0);

    await settled(applications.stop("shop"));
    await settled(applications.startTransient("shop"));
    await end("a", Reason.normal);
    expect(nodeStops).toBe(0);

    await settled(applications.stop("shop"));
    await settled(applications.startPermanent("shop"));
    await end("a", Reason.normal);
    expect(nodeStops).toBe(1);
  });

  test("an exit signal of another process is not heard", async () => {
    const core = await run({ name: "shop", children: children(), startType: "permanent" });
    world.process.exit(core.pid, atom("crash"));
    await world.settle();

    expect([core.alive, nodeStops]).toEqual([true, 0]);
  });

  test("a permanent application that is killed takes its children and the node along", async () => {
    const core = await run({ name: "shop", children: children(), startType: "permanent" });
    world.process.exit(core.pid, Reason.kill);
    await world.settle();

    expect(nodeStops).toBe(1);
    expect([...pids.values()].filter((pid) => world.runtime.find(pid))).toEqual([]);
  });
});

describe("stopping", () => {
  test("stops the children in the reverse order of their start, between prepStop and stop", async () => {
    const core = await run({ name: "shop", children: [worker("a"), worker("b")], startType: "permanent" });
    log.length = 0;
    await settled(applications.stop("shop"));

    expect(log).toEqual(["prep shop", "end b :shutdown", "end a :shutdown", "done shop"]);
    expect([core.exitReason, nodeStops, applications.info("shop").state]).toEqual([Reason.shutdown, 0, "loaded"]);
  });

  test("a child that does not stop in its time is killed, and the rest goes on", async () => {
    await run({ name: "shop", children: [worker("a"), worker("slow", { endsAfterMs: 60_000 })] });
    log.length = 0;
    const stopping = applications.stop("shop");
    await world.clock.advance(4_999);
    expect(log).toEqual(["prep shop"]);
    await world.clock.advance(1);
    await stopping;

    expect(log).toEqual(["prep shop", "end a :shutdown", "done shop"]);
  });

  test("one that takes longer than it may is busy, and stays stopping until it has ended", async () => {
    await run({ name: "shop", children: [worker("slow", { endsAfterMs: 3_000 })] });
    const first = codeOf(applications.stop("shop", { timeoutMs: 1_000 }));
    await world.clock.advance(1_000);

    expect(await first).toBe("APPLICATION_BUSY");
    expect(applications.info("shop").state).toBe("stopping");
    expect(await codeOf(applications.start("shop"))).toBe("APPLICATION_BUSY");
    expect(() => applications.unload("shop")).toThrow(expect.objectContaining({ code: "APPLICATION_ALREADY_STARTED" }));
    const second = applications.stop("shop", { timeoutMs: 5_000 });
    await world.clock.advance(2_000);
    await second;
    expect(applications.info("shop").state).toBe("loaded");
    expect(world.clock.pendingTimers).toBe(0);
  });

  test("after its lifespan it ends with `normal`, and the node goes on", async () => {
    const core = await run({ name: "shop", children: [worker("a")], lifespanMs: 200, startType: "permanent" });
    await world.clock.advance(199);
    expect(core.alive).toBe(true);
    await world.clock.advance(1);

    expect([core.alive, core.exitReason, nodeStops]).toEqual([false, Reason.normal, 0]);
    expect(log.slice(2)).toEqual(["prep shop", "end a :shutdown", "done shop"]);
  });

  test("an application can end itself, by an exit that it sends to itself", async () => {
    class Shop extends Application {
      load() {
        return { name: "shop", children: [worker("a")], startType: "permanent" as const };
      }
      override handleInfo() {
        this.process.exit(this.process.pid, atom("closed"));
      }
    }
    applications.load(Shop);
    await settled(applications.start("shop"));
    void world.process.send(applications.info("shop").pid!, atom("close"));
    await world.settle();

    expect(log.at(-1)).toBe("end a :closed");
    expect([applications.info("shop").state, nodeStops]).toEqual(["loaded", 0]);
  });

  test("a prepStop or stop that throws does not keep it from ending", async () => {
    class Shop extends Application {
      load() {
        return { name: "shop", children: [worker("a")] };
      }
      override prepStop(): void {
        throw new Error("not prepared");
      }
      override stop(): void {
        throw new Error("not done");
      }
    }
    applications.load(Shop);
    await settled(applications.start("shop"));
    await settled(applications.stop("shop"));

    expect(log.at(-1)).toBe("end a :shutdown");
    expect(applications.info("shop").state).toBe("loaded");
    expect(logger.lines.join()).toContain("not prepared");
    expect(logger.lines.join()).toContain("not done");
  });

  test("all are stopped in the reverse order of their start, and can be started again", async () => {
    await run({ name: "a", children: [worker("1")] });
    await run({ name: "b", children: [worker("2")] });
    log.length = 0;
    await settled(applications.stopAll());
    await settled(applications.start("a"));

    expect(log.filter((line) => line.startsWith("done"))).toEqual(["done b", "done a"]);
    expect(applications.which().map(({ name }) => name)).toEqual(["a"]);
  });
});

describe("what is known of them", () => {
  test("errors have codes", async () => {
    applications.load(application({ name: "shop" }));

    expect(() => applications.load(application({ name: atom("shop") }))).toThrow(
      expect.objectContaining({ code: "APPLICATION_ALREADY_LOADED", application: "shop" }),
    );
    expect(await codeOf(applications.stop("shop"))).toBe("APPLICATION_NOT_RUNNING");
    expect(await codeOf(applications.start("nothing"))).toBe("APPLICATION_UNKNOWN");
    expect(() => applications.info("nothing")).toThrow(expect.objectContaining({ code: "APPLICATION_UNKNOWN" }));
    applications.unload("shop");
    expect(applications.loaded()).toEqual([]);
  });

  test("those that run are listed as which_applications lists them", async () => {
    await run({ name: "db", version: "1.2" });
    await run({ name: "shop", description: "sells", version: "0.1.0" });
    applications.load(application({ name: "idle" }));

    const listed = inspect(applicationTerms(applications.which()) as unknown as Term);
    expect(listed).toBe('[{:shop, ~c"sells", ~c"0.1.0"}, {:db, [], ~c"1.2"}]');
    expect(applications.loaded().map(({ name, state }) => `${name} ${state}`)).toEqual([
      "db running",
      "shop running",
      "idle loaded",
    ]);
  });

  test("the tree: children of the application, and of those", async () => {
    const below = Supervisor.of([worker("x"), worker("y")]);
    await run({ name: "shop", children: [worker("a"), child(below, { id: "below" })] });
    const [a, supervisor] = applications.children("shop");

    expect(a).toEqual(pids.get("a"));
    expect(applications.children(supervisor!)).toEqual([pids.get("x"), pids.get("y")]);
  });
});

describe("the environment", () => {
  test("is looked up in the process, those above it, its application, and the node", async () => {
    world.runtime.environment.set("node", "of the node").set("app", "of the node").set("sup", "of the node");
    class Below extends Supervisor {
      override init() {
        this.process.setEnv("sup", "of the supervisor");
        return supervise([worker("a")]);
      }
    }
    const env = { app: "of the application", sup: "of the application", own: 1, none: null };
    const core = await run({ name: "shop", env, children: [child(Below)] });
    const own = new Process(world.runtime.find(pids.get("a")!)!);
    expect(await envOf("a", "node")).toBe("of the node");
    expect(await envOf("a", "app")).toBe("of the application");
    expect(await envOf("a", "sup")).toBe("of the supervisor");
    expect(await envOf("a", "own")).toBe(1);
    expect(await envOf("a", "none")).toBe(atom("undefined"));

    own.setEnv("own", 2);
    expect(await envOf("a", "own")).toBe(2);
    own.setEnv("own", null);
    expect(await envOf("a", "own")).toBe(1);
    new Process(core).setEnv("app", null);
    expect(await envOf("a", "app")).toBe("of the node");
  });

  test("a process that nobody above has a value for finds that of its group leader", async () => {
    const core = await run({ name: "shop", env: { app: "of the application" } });
    const led = world.runtime.spawn(() => ({ receive() {} }), { groupLeader: core.pid });

    expect(new Process(led).env("app")).toBe("of the application");
  });

  test("descendants have the application as group leader, which passes on what they print", async () => {
    const below = Supervisor.of([worker("x")]);
    const core = await run({ name: "shop", children: [child(below, { id: "below" })] });
    const x = world.runtime.find(pids.get("x")!)!;
    expect(x.groupLeader).toEqual(core.pid);

    const request = tuple(atom("io_request"), x.pid, 1, atom("getopts"));
    void new Process(x).send(x.groupLeader, request);
    await world.settle();
    expect(world.inbox.map((message) => inspect(message as Term))).toEqual([inspect(request as Term)]);
  });

  test("what is not started by an application has neither", async () => {
    const [{ pid }] = await Promise.all([startServer(world.user, Worker, { args: { label: "free" } }), world.settle()]);

    expect(await envOf("free", "app")).toBe(atom("undefined"));
    expect(world.runtime.find(pid)!.groupLeader).toEqual(world.user.groupLeader);
  });
});
