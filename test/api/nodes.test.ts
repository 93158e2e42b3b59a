import { describe, expect, test } from "vitest";
import { type LogFacts, silentLogger } from "../../src/base/index.ts";
import { GenServer, noReply, reply, stop } from "../../src/otp/index.ts";
import type { Down, From } from "../../src/runtime/index.ts";
import { atom, float, type Pid, Structs, type Term, tuple } from "../../src/term/index.ts";
import { Cluster } from "../support/cluster.ts";

const A = "a@127.0.0.1";
const B = "b@127.0.0.1";

class Echo extends GenServer {
  override handleCall(request: Term) {
    return reply(request);
  }
}

/** Keeps what it is sent. */
class Inbox extends GenServer {
  static seen: Term[] = [];

  override init() {
    Inbox.seen = [];
  }

  override handleInfo(message: Term) {
    Inbox.seen.push(message);
  }
}

class Order {
  id = 7;
}

/** Two nodes, with an echo on the second. */
async function pair(options = {}) {
  const cluster = new Cluster();
  const a = await cluster.start(A, options);
  const b = await cluster.start(B, options);
  await cluster.outcome(b.start(Echo, { name: "echo" }));
  return { cluster, a, b, echo: a.server({ name: "echo", node: B }) };
}

describe("two nodes", () => {
  test("connect with the first call, and are there for each other", async () => {
    const { cluster, a, b, echo } = await pair();
    expect(await cluster.outcome(echo.call(tuple(atom("x"), 1.5)))).toEqual(tuple(atom("x"), 1.5));
    expect([a.peers(), b.peers()]).toEqual([[B], [A]]);
    expect([a.stats().dials, b.stats().dials]).toEqual([1, 0]);
  });

  test("that connect at the same instant end with one connection, and nothing queued is lost", async () => {
    const { cluster, a, b } = await pair();
    await cluster.outcome(a.start(Echo, { name: "echo" }));
    const both = Promise.all([a.call({ name: "echo", node: B }, 1), b.call({ name: "echo", node: A }, 2)]);
    expect(await cluster.outcome(both)).toEqual([1, 2]);
    expect(cluster.network.openStreams).toBe(1);
    expect([a.stats().connecting, b.stats().connecting]).toEqual([0, 0]);
  });

  test("lose nothing of what is sent while they connect, also when it is more than may be queued afterwards", async () => {
    const { cluster, a, b } = await pair({ maxQueuedBytes: 100_000 });
    await cluster.outcome(b.start(Inbox, { name: "inbox" }));
    const bytes = new Uint8Array(50_000).fill(0xff);

    for (let i = 0; i < 40; i++) await a.send({ name: "inbox", node: B }, tuple(i, i % 2 === 0 ? bytes : i));
    await cluster.clock.settle();

    expect(Inbox.seen.map((message) => (message as number[])[0])).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  test("take instances of registered classes while they connect, as a delayed message, and in a reason", async () => {
    const { cluster, a, b } = await pair({ structs: new Structs().register("Shop.Order", Order) });
    await cluster.outcome(b.start(Inbox, { name: "inbox" }));

    a.send({ name: "inbox", node: B }, new Order());
    a.sendAfter(10, { name: "inbox", node: B }, new Order());
    await cluster.clock.advance(20);
    const server = b.whereis("inbox") as Pid;
    const reasons: unknown[] = [];
    a.monitor(server, ({ reason }) => reasons.push(reason));
    await cluster.clock.settle();
    b.exit(server, tuple(atom("shutdown"), new Order()));
    await cluster.clock.settle();

    expect(Inbox.seen).toEqual([new Order(), new Order()]);
    expect(reasons).toEqual([tuple(atom("shutdown"), new Order())]);
  });

  test("fix the arguments of a function that is called while they connect, and give a struct that it returns", async () => {
    const { cluster, a, b } = await pair({ structs: new Structs().register("Shop.Order", Order) });
    b.expose("shop", { give: (value) => tuple(value as object, new Order()) });
    const list = [1];

    const called = a.erpc.call(B, "shop", "give", [list]);
    list.push(2);

    expect(await cluster.outcome(called)).toEqual(tuple([1], new Order()));
  });

  test("show an instance of a registered class in the state of a server as a struct", async () => {
    const { cluster, a, b } = await pair({ structs: new Structs().register("Shop.Order", Order) });
    class Shop extends GenServer {
      order = new Order();
    }
    const [{ pid }] = await Promise.all([b.start(Shop), cluster.clock.settle()]);

    expect(await cluster.outcome(a.sys.getState(pid))).toEqual({ order: new Order() });
  });

  test("tell a float from an integer in reasons and results, for whoever tells them apart", async () => {
    const { cluster, b } = await pair();
    const exact = await cluster.start("c@127.0.0.1", { floats: "exact" });
    b.expose("shop", { price: () => float(1) });
    class Ending extends GenServer {
      override handleInfo() {
        return stop(float(1));
      }
    }
    const [{ pid }] = await Promise.all([b.start(Ending), cluster.clock.settle()]);
    const reasons: Record<string, unknown> = {};
    exact.monitor(pid, ({ reason }) => Object.assign(reasons, { exact: reason }));
    b.monitor(pid, ({ reason }) => Object.assign(reasons, { natural: reason }));
    await cluster.clock.settle();
    b.send(pid, "end");
    await cluster.clock.settle();

    expect(reasons).toEqual({ exact: float(1), natural: 1 });
    expect(await cluster.outcome(exact.erpc.call(B, "shop", "price", []))).toEqual(float(1));
    expect(await cluster.outcome(b.erpc.call(B, "shop", "price", []))).toBe(1);
  });

  test("leave nothing behind when they stop", async () => {
    const { cluster, a, b, echo } = await pair();
    await cluster.outcome(echo.call(1));
    await cluster.outcome(Promise.all([a.stop(), b.stop()]));

    const nothing = { peers: [], connecting: 0, processes: 0, names: 0, aliases: 0, monitored: 0 };
    expect(a.stats()).toMatchObject(nothing);
    expect(b.stats()).toMatchObject(nothing);
    expect([cluster.network.openStreams, cluster.network.listeners, cluster.clock.pendingTimers]).toEqual([0, 0, 0]);
    expect(await a.closed).toBe("stopped");
  });

  test("tell what has just happened before they stop, also when a callback stops them", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A);
    const b = await cluster.start(B);
    const [server] = await Promise.all([b.start(Echo), cluster.clock.settle()]);
    const reasons: unknown[] = [];
    a.monitor(server.pid, ({ reason }) => reasons.push(reason));
    b.monitor(server.pid, () => void b.stop());
    await cluster.clock.settle();
    b.exit(server.pid, atom("kaboom"));
    await cluster.clock.settle();
    expect(reasons).toEqual([atom("kaboom")]);
    expect(await b.closed).toBe("stopped");
  });

  test("tell monitors, links and calls of a lost connection, and connect again", async () => {
    const { cluster, a, b, echo } = await pair();
    const downs: Down[] = [];
    a.monitor({ name: "echo", node: B }, (down) => void downs.push(down));
    await cluster.clock.settle();
    const call = cluster.outcome(a.call({ name: "nobody_answers", node: B }, 1));
    expect(await call).toMatchObject({ code: "EXIT_NOPROC" });

    cluster.network.cut();
    await cluster.clock.settle();

    expect(downs).toMatchObject([{ reason: atom("noconnection"), target: { name: "echo", node: B } }]);
    expect([a.peers(), b.peers()]).toEqual([[], []]);
    expect(b.stats().monitored).toBe(0);
    expect(await cluster.outcome(echo.call("again"))).toBe("again");
  });

  test("tell of each other's coming and going, before and after the signals of the connection", async () => {
    const cluster = new Cluster();
    const atA: unknown[] = [];
    const atB: unknown[] = [];
    const a = await cluster.start(A, { onMessage: (message) => atA.push(message) });
    const b = await cluster.start(B);
    const stopHearing = b.monitorNodes((event) => atB.push(event));
    a.monitorNodes();
    void b.send(a.pid, "hello");
    await cluster.clock.settle();
    a.monitor(b.pid, () => atA.push("down"));
    await cluster.clock.settle();
    cluster.network.cut();
    await cluster.clock.settle();
    stopHearing();
    await cluster.outcome(b.connect(A));

    const info = { node_type: atom("hidden") };
    const nodeup = tuple(atom("nodeup"), atom(B), info);
    const nodedown = tuple(atom("nodedown"), atom(B), { ...info, nodedown_reason: atom("connection_closed") });
    expect(atA).toEqual([nodeup, "hello", "down", nodedown, nodeup]);
    expect(atB).toEqual([
      { type: "nodeup", node: A, reason: undefined },
      { type: "nodedown", node: A, reason: "connection_closed" },
    ]);
  });

  test("change their tick time without losing each other, however far apart they do it", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A, { netTickTimeMs: 60_000 });
    const b = await cluster.start(B, { netTickTimeMs: 60_000 });
    await cluster.outcome(a.connect(B));
    a.setNetTickTime(4_000, { transitionMs: 30_000 });
    await cluster.clock.advance(25_000);
    b.setNetTickTime(4_000, { transitionMs: 30_000 });
    await cluster.clock.advance(120_000);
    expect([a.peers(), b.peers()]).toEqual([[B], [A]]);

    const downs: unknown[] = [];
    a.monitorNodes(({ type, reason }) => type === "nodedown" && downs.push(reason));
    b.setNetTickTime(3_600_000, { transitionMs: 0 });
    await cluster.clock.advance(3_900);
    expect(downs).toEqual([]);
    await cluster.clock.advance(1_000);
    expect(downs).toEqual(["net_tick_timeout"]);
  });

  test("keep a freshly started process from being taken for one of an earlier life", async () => {
    const { cluster, a, b } = await pair();
    const server = await cluster.outcome(b.start(Echo));
    const { pid } = server as { pid: Pid };
    await cluster.outcome(b.stop());
    const b2 = await cluster.start(B);
    await cluster.outcome(b2.start(Echo));
    await cluster.outcome(b2.start(Echo));
    expect(await cluster.outcome(a.call(pid, 1))).toMatchObject({ code: "EXIT_NOPROC" });
  });

  test("do not dial to answer: a reply to a node that is gone is dropped", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A);
    const b = await cluster.start(B);
    const waiting: From[] = [];
    class Later extends GenServer {
      override handleCall(_request: Term, from: From) {
        waiting.push(from);
        return noReply();
      }
    }
    await cluster.outcome(b.start(Later, { name: "later" }));
    const call = cluster.outcome(a.call({ name: "later", node: B }, 1));
    await cluster.clock.settle();
    a.disconnect(B);
    expect(await call).toMatchObject({ code: "NODEDOWN", reason: "disconnect" });

    waiting[0]?.reply("too late");
    await cluster.clock.settle();
    expect([waiting.length, b.stats().dials, b.peers()]).toEqual([1, 0, []]);
  });
});

describe("a node that cannot connect", () => {
  test("says that the cookies differ, on both sides, and leaves nothing", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A, { cookies: { [B]: "wrong" } });
    const b = await cluster.start(B);
    expect(await cluster.outcome(a.connect(B))).toMatchObject({ code: "HANDSHAKE_COOKIE" });
    expect(await cluster.outcome(a.call({ name: "echo", node: B }, 1))).toMatchObject({
      code: "NODEDOWN",
      cause: { code: "HANDSHAKE_COOKIE" },
    });
    expect([a.stats().connecting, b.stats().connecting, cluster.network.openStreams]).toEqual([0, 0, 0]);
  });

  test("gives up after the set-up time when the other side is silent", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A, { listen: false, setupTimeoutMs: 1000 });
    await cluster.network.listen({ host: "127.0.0.1", port: 1 }, () => ({ data() {}, drained() {}, closed() {} }));
    const connecting = a.connect(B).catch((error: unknown) => error);
    await cluster.clock.advance(1000);
    expect(await connecting).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
  });

  test("fails the call when its own time is over, connecting included", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A, { listen: false });
    await cluster.network.listen({ host: "127.0.0.1", port: 1 }, () => ({ data() {}, drained() {}, closed() {} }));
    const call = a.call({ name: "echo", node: B }, 1, { timeoutMs: 200 }).catch((error: unknown) => error);
    await cluster.clock.advance(200);
    expect(await call).toMatchObject({ code: "EXIT_TIMEOUT" });
  });

  test.each([
    [{ name: "no-host" }, "BADARG"],
    [{ name: "a.b@127.0.0.1" }, "BADARG"],
    [{ name: A, visible: true }, "BADARG"],
  ])("does not start with %o", async (options, code) => {
    const cluster = new Cluster();
    await expect(cluster.start(options.name, options)).rejects.toMatchObject({ code });
    expect([cluster.network.listeners, cluster.clock.pendingTimers]).toEqual([0, 0]);
  });
});

describe("a full link", () => {
  test("holds those who await, and fails with BUSY those who do not", async () => {
    const { cluster, a, b, echo } = await pair({ highWaterBytes: 10_000, maxQueuedBytes: 100_000 });
    await cluster.outcome(echo.call(1));
    const to = { name: "sink", node: B };
    let room: Promise<void> | undefined;
    while (room === undefined) room = a.send(to, "x".repeat(1000));
    expect(a.stats().peers[0]?.queuedBytes).toBeGreaterThan(10_000);
    expect(() => {
      for (let i = 0; i < 1000; i++) void a.send(to, "x".repeat(1000));
    }).toThrow(expect.objectContaining({ code: "BUSY", node: B }));

    await cluster.outcome(room);
    expect(a.stats().peers[0]?.queuedBytes).toBe(0);
    expect(a.send(to, 1)).toBeUndefined();
    await cluster.outcome(b.stop());
  });

  test("of mailboxes that one peer has filled here closes its connection, and takes no more of it", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A);
    const b = await cluster.start(B, { maxQueuedBytesPerPeer: 100_000 });
    class Stuck extends GenServer {
      override handleInfo() {
        return new Promise<void>(() => {});
      }
    }
    await cluster.outcome(b.start(Stuck, { name: "stuck" }));
    const reasons: unknown[] = [];
    b.monitorNodes(({ type, reason }) => type === "nodedown" && reasons.push(reason));
    for (let i = 0; i < 80; i++) void a.send({ name: "stuck", node: B }, "x".repeat(1_000));
    await cluster.clock.settle();
    expect(reasons).toEqual([]);

    for (let i = 0; i < 80; i++) void a.send({ name: "stuck", node: B }, "x".repeat(1_000));
    await cluster.clock.settle();
    expect(reasons).toEqual(["queue_limit"]);
  });

  test("of monitors that one peer holds here closes its connection, and both sides are told", async () => {
    const cluster = new Cluster();
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (_: string, facts?: LogFacts) => void warnings.push(facts?.code) };
    const a = await cluster.start(A);
    const b = await cluster.start(B, { maxTiesPerPeer: 100, logger });
    const downs: unknown[] = [];
    const monitor = () => a.monitor({ name: "rex", node: B }, ({ reason }) => downs.push(reason));
    for (let i = 0; i < 100; i++) monitor();
    await cluster.clock.settle();
    expect(b.stats().monitored).toBe(100);

    monitor();
    const call = cluster.outcome(b.call({ name: "silent", node: A }, 1));
    await cluster.clock.settle();

    expect(warnings).toEqual(["PEER_TIE_LIMIT"]);
    expect(downs).toEqual(Array(101).fill(atom("noconnection")));
    expect(b.stats().monitored).toBe(0);
    expect(await call).toMatchObject({
      code: "NODEDOWN",
      reason: "tie_limit",
      cause: { code: "PEER_TIE_LIMIT", node: A },
    });
  });

  test("of a connection that is being made refuses more than its bound", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A, { maxQueuedSignals: 10 });
    for (let i = 0; i < 10; i++) void a.send({ name: "x", node: B }, i);
    expect(() => a.send({ name: "x", node: B }, 10)).toThrow(expect.objectContaining({ code: "BUSY" }));
    await cluster.outcome(a.stop());
  });
});
