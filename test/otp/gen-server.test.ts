import { describe, expect, test } from "vitest";
import {
  type AnyServer,
  type CallResult,
  type CastResult,
  GenServer,
  ignore,
  noReply,
  reply,
  startServer,
  stop,
} from "../../src/otp/index.ts";
import { Exit, type ExitError, type From, Process, Reason } from "../../src/runtime/index.ts";
import { Atom, atom, type Pid, type Term, tuple } from "../../src/term/index.ts";
import { MemoryLogger, World } from "../support/world.ts";

const DOWN = atom("DOWN");
const KABOOM = atom("kaboom");

/** A server that does what it is told: the request says what to return. */
class Odd extends GenServer {
  log: unknown[] = [];
  waiting: From[] = [];

  override async handleCall(request: Term, from: From): Promise<CallResult> {
    switch (request instanceof Atom ? request.tag : "value") {
      case "later":
        this.waiting.push(from);
        return noReply();
      case "release":
        for (const waiting of this.waiting) waiting.reply("released");
        return reply(this.waiting.length);
      case "stop":
        return stop(Reason.normal, "bye");
      case "crash":
        throw new TypeError("bang");
      case "exit":
        throw new Exit(KABOOM);
      case "nothing":
        return undefined as unknown as CallResult;
      case "continue":
        return reply("first", { continue: "then" });
      case "quiet":
        return reply("ok", { timeoutMs: 100 });
      case "log":
        return reply(this.log);
      default:
        return reply(request);
    }
  }

  override handleCast(request: Term): CastResult {
    this.log.push(["cast", request]);
    if (request === "stop") return stop(KABOOM);
    return undefined;
  }

  override handleContinue(argument: unknown) {
    this.log.push(["continue", argument]);
  }

  override handleInfo(message: Term) {
    this.log.push(["info", message]);
  }

  override terminate(reason: unknown) {
    this.log.push(["terminate", reason]);
    terminated.push(reason);
  }
}

let terminated: unknown[] = [];

async function start(
  world: World,
  server: new () => AnyServer,
  options: { name?: string; link?: boolean; args?: unknown } = {},
): Promise<Pid> {
  terminated = [];
  const [started] = await Promise.all([startServer(world.user, server, options), world.settle()]);
  return started.pid;
}

/** Calls and gives what came of it: the reply or the error. */
async function call(world: World, pid: Pid, request: unknown): Promise<unknown> {
  const outcome = world.process.call(pid, request).then(
    (value) => value,
    (error: unknown) => error,
  );
  await world.settle();
  return outcome;
}

describe("a server", () => {
  test("replies, now or later", async () => {
    const world = new World();
    const pid = await start(world, Odd);
    const later = world.process.call(pid, atom("later"));
    expect(await call(world, pid, "hello")).toBe("hello");
    expect(await call(world, pid, atom("release"))).toBe(1);
    expect(await later).toBe("released");
  });

  test("sends its last reply before it ends, and runs terminate", async () => {
    const world = new World();
    const pid = await start(world, Odd);
    world.process.monitor(pid);
    expect(await call(world, pid, atom("stop"))).toBe("bye");
    expect(world.inbox).toMatchObject([[DOWN, {}, atom("process"), pid, Reason.normal]]);
    expect(terminated).toEqual([Reason.normal]);
  });

  test("that throws ends with message and stack, after terminate, and says so in the log", async () => {
    const logger = new MemoryLogger();
    const world = new World({ logger });
    const pid = await start(world, Odd);
    const error = await call(world, pid, atom("crash"));

    const exception = { __struct__: atom("Elixir.RuntimeError"), __exception__: true, message: "TypeError: bang" };
    expect(error).toMatchObject({ code: "EXIT_OTHER" });
    const [[thrown, [place]]] = (error as ExitError).reason as [[unknown, unknown[]], unknown];
    expect(thrown).toEqual(exception);
    expect(place).toMatchObject([atom("Odd"), atom("handleCall"), 0, {}]);
    expect(terminated).toMatchObject([[exception, {}]]);
    expect(logger.lines).toEqual([expect.stringContaining("GenServer Odd")]);
  });

  test.each([
    [atom("exit"), KABOOM],
    [atom("nothing"), tuple(atom("bad_return_value"), null)],
  ])("%s ends it with %s", async (request, reason) => {
    const world = new World();
    const pid = await start(world, Odd);
    expect(await call(world, pid, request)).toMatchObject({ code: "EXIT_OTHER", reason: [reason, {}] });
  });

  test("handles casts, infos and continues in their order", async () => {
    const world = new World();
    const pid = await start(world, Odd);
    void world.process.cast(pid, 1);
    void world.process.send(pid, 2);
    await call(world, pid, atom("continue"));
    expect(await call(world, pid, atom("log"))).toEqual([
      ["cast", 1],
      ["info", 2],
      ["continue", "then"],
    ]);
  });

  test("gets a timeout when it is quiet for long enough, and none when a message came", async () => {
    const world = new World();
    const pid = await start(world, Odd);
    await call(world, pid, atom("quiet"));
    await world.clock.advance(99);
    void world.process.cast(pid, "in time");
    await world.clock.advance(200);
    await call(world, pid, atom("quiet"));
    await world.clock.advance(100);
    expect(await call(world, pid, atom("log"))).toEqual([
      ["cast", "in time"],
      ["info", atom("timeout")],
    ]);
  });

  test("is ended by an exit signal without terminate, and by one that it traps with a message", async () => {
    const world = new World();
    const pid = await start(world, Odd);
    world.process.exit(pid, KABOOM);
    expect(world.runtime.find(pid)).toBeUndefined();
    expect(terminated).toEqual([]);
  });

  test("keeps others waiting while a callback awaits, and nobody else", async () => {
    const world = new World();
    let finish = (_: CallResult) => {};
    class Slow extends GenServer {
      override handleCall(request: Term): CallResult | Promise<CallResult> {
        return request === "slow" ? new Promise((resolve) => (finish = resolve)) : reply("quick");
      }
    }
    const pid = await start(world, Slow);
    const other = await start(world, Odd);
    const slow = world.process.call(pid, "slow");
    const quick = world.process.call(pid, "quick");
    expect(await call(world, other, "there")).toBe("there");
    let answered = false;
    void quick.then(() => (answered = true));
    await world.settle();
    expect(answered).toBe(false);
    finish(reply("at last"));
    await world.settle();
    expect([await slow, await quick]).toEqual(["at last", "quick"]);
  });

  test("has what it does after its end thrown away", async () => {
    const world = new World();
    let go = () => {};
    const heard: unknown[] = [];
    const listener = world.spawn((message) => void heard.push(message));
    class Late extends GenServer {
      override async handleCall(_request: Term, from: From): Promise<CallResult> {
        await new Promise<void>((resolve) => (go = resolve));
        from.reply("too late");
        void this.process.send(listener.pid, "too late");
        this.process.register("too_late");
        return reply("too late");
      }
    }
    const pid = await start(world, Late);
    const answer = call(world, pid, 1);
    await world.settle();
    world.process.exit(pid, Reason.kill);
    expect(await answer).toMatchObject({ code: "EXIT_OTHER", reason: [Reason.killed, {}] });
    go();
    await world.settle();
    expect(heard).toEqual([]);
    expect(world.runtime.names.find("too_late")).toBeUndefined();
  });
});

describe("a table of operations", () => {
  class Table extends GenServer {
    static readonly calls = {
      add: (a: number, b: number) => reply(a + b),
      who(this: Table) {
        return reply((this.process.from as From).pid);
      },
    };
    static readonly casts = { note: () => noReply() };
  }

  test("runs the operation that the request names", async () => {
    const world = new World();
    const pid = await start(world, Table);
    expect(await call(world, pid, tuple(atom("add"), 1, 2))).toBe(3);
    expect(await call(world, pid, atom("who"))).toBe(world.user.pid);
  });

  test.each([
    [tuple(atom("add"), 1)],
    [atom("add")],
    [atom("constructor")],
    [tuple(atom("__proto__"))],
    [tuple(atom("note"))],
    ["add"],
    [[atom("add"), 1, 2]],
  ])("%s is not for it", async (request) => {
    const world = new World();
    const pid = await start(world, Table);
    expect(await call(world, pid, request)).toMatchObject({ reason: [[atom("bad_call"), request], {}] });
  });
});

describe("starting a server", () => {
  class Init extends GenServer {
    override async init(how: unknown) {
      if (how === "stop") return stop(KABOOM);
      if (how === "ignore") return ignore();
      if (how === "throw") throw new Exit(KABOOM);
      if (how === "continue") return noReply({ continue: 1 });
      return undefined;
    }
    override handleContinue() {
      terminated.push("continued");
    }
  }

  test("waits for init, and continues before any message", async () => {
    const world = new World();
    await start(world, Init, { args: "continue", name: "init" });
    expect(terminated).toEqual(["continued"]);
    expect(world.runtime.names.list()).toEqual(["init"]);
  });

  test.each([
    ["stop", KABOOM],
    ["throw", KABOOM],
    ["ignore", atom("ignore")],
  ])("that answers %s fails with %s and leaves nothing", async (how, reason) => {
    const world = new World();
    const before = world.runtime.counts();
    await expect(start(world, Init, { args: how, name: "init" })).rejects.toMatchObject({ reason });
    expect(world.runtime.counts()).toEqual(before);
  });

  test("under a name that is taken fails with already_started and the pid of the other", async () => {
    const world = new World();
    const pid = await start(world, Odd, { name: "odd" });
    await expect(start(world, Odd, { name: "odd" })).rejects.toMatchObject({
      reason: tuple(atom("already_started"), pid),
    });
  });

  test("linked shares the fate of the one who started it", async () => {
    const world = new World();
    const pid = await start(world, Odd, { link: true });
    world.user.exit(KABOOM);
    expect(world.runtime.find(pid)).toBeUndefined();
  });
});

test("the state of a server is what its class declares, the process is not part of it", async () => {
  const world = new World();
  let seen: string[] = [];
  class State extends GenServer {
    count = 1;
    override init() {
      seen = Object.keys(this);
      expect(this.process).toBeInstanceOf(Process);
    }
  }
  await start(world, State);
  expect(seen).toEqual(["count"]);
});
