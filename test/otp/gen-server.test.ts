import { describe, expect, test } from "vitest";
import type { StandardSchemaV1 } from "../../src/base/index.ts";
import {
  type AnyServer,
  type CallResult,
  type Calls,
  type CastResult,
  type Casts,
  GenServer,
  ignore,
  noReply,
  reply,
  type Schemas,
  startServer,
  stop,
} from "../../src/otp/index.ts";
import {
  Exit,
  type ExitError,
  type From,
  type NameRegistry,
  Process,
  Reason,
  type RegisteredName,
} from "../../src/runtime/index.ts";
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
  options: { name?: RegisteredName; link?: boolean; args?: unknown } = {},
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
    const error = (await call(world, pid, request)) as ExitError;
    expect(error.message).toContain("but no handleCall was provided");
  });
});

describe("a request that there is nothing for", () => {
  class Bare extends GenServer {
    static readonly calls = { go: () => reply(1, { continue: 2 }) };
  }
  const started = { name: "bare" };

  test.each([
    ["call", "handleCall", (world: World) => call(world, world.process.whereis("bare") as Pid, atom("what"))],
    ["cast", "handleCast", (world: World) => world.process.cast("bare", atom("what"))],
    ["continue", "handleContinue", (world: World) => call(world, world.process.whereis("bare") as Pid, atom("go"))],
  ])("a %s ends the server as Elixir's does, and the log says why", async (what, callback, act) => {
    const logger = new MemoryLogger();
    const world = new World({ logger });
    const reasons: unknown[] = [];
    world.process.monitor(await start(world, Bare, started), ({ reason }) => reasons.push(reason));
    void act(world);
    await world.settle();

    const message = `attempted to ${what} GenServer :bare but no ${callback} was provided`;
    expect(reasons).toMatchObject([[{ __struct__: atom("Elixir.RuntimeError"), message }, expect.any(Array)]]);
    expect(logger.lines).toEqual([expect.stringContaining(message)]);
  });

  test("any other message is logged and dropped", async () => {
    const logger = new MemoryLogger();
    const world = new World({ logger });
    const pid = await start(world, Bare, started);
    void world.process.send(pid, tuple(atom("what"), 1));
    await world.settle();
    expect(logger.lines).toEqual([
      expect.stringMatching(/GenServer Bare .* received unexpected message: \{:what, 1\}/),
    ]);
    expect(world.runtime.find(pid)).toBeDefined();
  });
});

describe("a table with schemas", () => {
  const numbers = (async: boolean): StandardSchemaV1<unknown, [number]> => ({
    "~standard": {
      version: 1,
      vendor: "test",
      validate(args) {
        const [text] = args as unknown[];
        const result = Number.isNaN(Number(text))
          ? { issues: [{ message: "no number", path: [0] }] }
          : { value: [Number(text)] as [number] };
        return async ? Promise.resolve(result) : result;
      },
    },
  });
  interface Api {
    double(n: number): number;
    later(n: number): number;
    free(n: number): number;
    add(n: number): void;
  }
  class Guarded extends GenServer<Api> {
    sum = 0;
    static readonly schemas: Schemas<Api> = { double: numbers(false), later: numbers(true), add: numbers(false) };
    static readonly calls: Calls<Guarded, Api> = {
      double: (n) => reply(n * 2),
      later: (n) => reply(n * 3),
      free(n) {
        return reply(this.sum + n);
      },
    };
    static readonly casts: Casts<Guarded, Api> = {
      add(n) {
        this.sum += n;
      },
    };
  }

  test.each([
    ["double", 4],
    ["later", 6],
  ])("gives %s what the schema makes of the arguments", async (operation, expected) => {
    const world = new World();
    const pid = await start(world, Guarded);
    expect(await call(world, pid, tuple(atom(operation), "2"))).toBe(expected);
  });

  test.each([
    [tuple(atom("double"), "two"), "0: no number"],
    [tuple(atom("later"), "two"), "0: no number"],
    [atom("double"), "0: no number"],
  ])("answers %s with what is wrong with it, and goes on", async (request, text) => {
    const world = new World();
    const pid = await start(world, Guarded);
    const answer = tuple(atom("error"), tuple(atom("bad_request"), text));
    expect(await call(world, pid, request)).toEqual(answer);
    expect(await call(world, pid, tuple(atom("free"), 1))).toBe(1);
  });

  test("drops a cast that does not fit, and says so in the log", async () => {
    const logger = new MemoryLogger();
    const world = new World({ logger });
    const pid = await start(world, Guarded);
    void world.process.cast(pid, tuple(atom("add"), "two"));
    void world.process.cast(pid, tuple(atom("add"), "2"));
    expect(await call(world, pid, tuple(atom("free"), 0))).toBe(2);
    expect(logger.lines).toEqual([expect.stringContaining('refused {:add, "two"}: 0: no number')]);
  });

  test("keeps requests in their order while a schema takes its time", async () => {
    const world = new World();
    const pid = await start(world, Guarded);
    const order: unknown[] = [];
    for (const request of [tuple(atom("later"), 1), tuple(atom("double"), 1)]) {
      void world.process.call(pid, request).then((value) => order.push(value));
    }
    await world.settle();
    expect(order).toEqual([3, 2]);
  });

  test("that throws ends the server", async () => {
    class Throwing extends GenServer {
      static readonly schemas = {
        go: { "~standard": { version: 1, vendor: "test", validate: () => expect.unreachable() } },
      };
      static readonly calls = { go: () => reply(1) };
    }
    const world = new World();
    expect(await call(world, await start(world, Throwing), atom("go"))).toMatchObject({ code: "EXIT_OTHER" });
  });

  test("guards nothing that there is not: the start fails", async () => {
    class Misspelt extends GenServer {
      static readonly schemas = { dubble: numbers(false) };
      static readonly calls = { double: () => reply(1) };
    }
    const world = new World();
    const before = world.runtime.counts();
    await expect(startServer(world.user, Misspelt, {})).rejects.toMatchObject({ code: "BADARG", argument: "schemas" });
    expect(world.runtime.counts()).toEqual(before);
  });
});

describe("a timeout", () => {
  test("of 0 comes when no message waits, and of Infinity never", async () => {
    class Quick extends GenServer {
      seen: unknown[] = [];
      static readonly calls = {
        at_once: () => reply(1, { timeoutMs: 0 }),
        never: () => reply(1, { timeoutMs: Number.POSITIVE_INFINITY }),
      };
      static readonly casts = { note: () => noReply({ timeoutMs: 0, hibernate: true }) };
      override handleInfo(message: Term) {
        this.seen.push(message);
      }
    }
    const world = new World();
    const pid = await start(world, Quick);
    const seen = () => (world.runtime.find(pid)!.behaviour as unknown as { server: Quick }).server.seen;
    await call(world, pid, atom("never"));
    await world.clock.advance(10_000);
    expect(seen()).toEqual([]);
    await call(world, pid, atom("at_once"));
    await world.clock.advance(0);
    expect(seen()).toEqual([atom("timeout")]);
    void world.process.cast(pid, atom("note"));
    void world.process.send(pid, "waits");
    await world.settle();
    await world.clock.advance(10);
    expect(seen()).toEqual([atom("timeout"), "waits"]);
  });

  test("begins anew after a request of sys, and is not for the suspended", async () => {
    const world = new World();
    const pid = await start(world, Odd);
    const log = () => (world.runtime.find(pid)!.behaviour as unknown as { server: Odd }).server.log;
    const system = async (request: unknown) => {
      const from = tuple(world.user.pid, world.runtime.identity.newRef());
      void world.process.send(pid, tuple(atom("system"), from, request as object));
      await world.settle();
    };
    await call(world, pid, atom("quiet"));
    await world.clock.advance(60);
    await system(atom("get_state"));
    await world.clock.advance(60);
    expect(log()).toEqual([]);
    await system(atom("suspend"));
    await world.clock.advance(500);
    expect(log()).toEqual([]);
    await system(atom("resume"));
    await world.clock.advance(99);
    expect(log()).toEqual([]);
    await world.clock.advance(1);
    expect(log()).toEqual([["info", atom("timeout")]]);
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

  test("with a result that is none of init's fails with bad_return_value", async () => {
    class Bad extends GenServer {
      override init() {
        return reply(1) as unknown as CastResult;
      }
    }
    const world = new World();
    await expect(start(world, Bad)).rejects.toMatchObject({ reason: [atom("bad_return_value"), expect.any(String)] });
    expect(world.runtime.counts().processes).toBe(1);
  });

  test("linked, which is then ignored or takes too long, leaves the one who started it alone", async () => {
    class Long extends GenServer {
      override init(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const world = new World();
    await expect(start(world, Init, { args: "ignore", link: true })).rejects.toMatchObject({ reason: atom("ignore") });
    const long = startServer(world.user, Long, { name: "long", link: true, timeoutMs: 50 });
    const failed = expect(long).rejects.toMatchObject({ code: "EXIT_TIMEOUT", reason: Reason.timeout });
    await world.clock.advance(50);
    await failed;
    expect(world.user.alive).toBe(true);
    expect(world.runtime.counts()).toMatchObject({ processes: 1, names: 0 });
    expect(world.clock.pendingTimers).toBe(0);
  });

  test("linked shares the fate of the one who started it", async () => {
    const world = new World();
    const pid = await start(world, Odd, { link: true });
    world.user.exit(KABOOM);
    expect(world.runtime.find(pid)).toBeUndefined();
  });
});

describe("a name in a registry", () => {
  class Table implements NameRegistry {
    readonly pids = new Map<unknown, Pid>();
    readonly slow: boolean;

    constructor(slow = false) {
      this.slow = slow;
    }

    whereis(name: unknown) {
      return this.pids.get(name);
    }

    register(name: unknown, pid: Pid) {
      const free = !this.pids.has(name);
      if (free) this.pids.set(name, pid);
      return this.slow ? Promise.resolve(free) : free;
    }

    unregister(name: unknown) {
      this.pids.delete(name);
    }
  }

  test.each([false, true])("is one to start under and to call, registered by promise: %s", async (slow) => {
    const world = new World();
    const via = new Table(slow);
    const pid = await start(world, Odd, { name: { via, name: 7 } });
    expect(via.pids.get(7)).toBe(pid);
    const outcome = world.process.call({ via, name: 7 }, "hello");
    await world.settle();
    expect(await outcome).toBe("hello");
    await expect(world.process.call({ via, name: 8 }, 1)).rejects.toMatchObject({ code: "EXIT_NOPROC" });
    await expect(start(world, Odd, { name: { via, name: 7 } })).rejects.toMatchObject({
      reason: tuple(atom("already_started"), pid),
    });
  });

  test("is free again when init fails", async () => {
    class Failing extends GenServer {
      override init() {
        return stop(KABOOM);
      }
    }
    const world = new World();
    const via = new Table();
    await expect(start(world, Failing, { name: { via, name: 7 } })).rejects.toMatchObject({ reason: KABOOM });
    expect(via.pids.size).toBe(0);
  });

  test("that another got meanwhile is taken, and one that fails to register starts nothing", async () => {
    const world = new World();
    const via = new Table();
    via.register = () => {
      via.pids.set(7, world.user.pid);
      return false;
    };
    await expect(start(world, Odd, { name: { via, name: 7 }, link: true })).rejects.toMatchObject({
      reason: tuple(atom("already_started"), world.user.pid),
    });
    via.register = () => Promise.reject(new Error("no quorum"));
    await expect(start(world, Odd, { name: { via, name: 9 } })).rejects.toThrow("no quorum");
    expect(world.runtime.counts().processes).toBe(1);
    expect(world.user.alive).toBe(true);
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
