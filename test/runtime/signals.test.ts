import { describe, expect, test } from "vitest";
import { TiebeamError } from "../../src/base/index.ts";
import { type Monitoring, Process, Reason, readGen } from "../../src/runtime/index.ts";
import { atom, Pid, Ref, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const THERE = new Pid("there@host", 40, 2, 9);
const KABOOM = tuple(atom("kaboom"), "why", [1.5]);

describe("a process that ends", () => {
  test("tells its links, also of a normal end, and those that monitor it, by what they asked for", async () => {
    const world = new World();
    const core = world.spawn();
    world.runtime.names.register("worker", core);
    const ref = new Ref("there@host", 9, [1, 2, 3]);
    world.runtime.accept({ op: "link", from: THERE, to: core.pid });
    world.runtime.accept({ op: "monitor", from: THERE, to: "worker", ref });

    core.exit(Reason.normal);

    expect(world.take()).toEqual([
      { op: "linkExit", from: core.pid, to: THERE, reason: Reason.normal },
      { op: "down", from: "worker", to: THERE, ref, reason: Reason.normal },
    ]);
    expect(world.runtime.counts()).toMatchObject({ names: 0, watches: 0, ties: 0 });
  });

  test("sends nothing any more, whatever its code still does", async () => {
    const world = new World();
    const core = world.spawn();
    core.exit(Reason.kill);
    world.take();

    void core.send(THERE, "hello", true);
    core.link(THERE);
    core.monitor(THERE);
    core.sendExit(THERE, Reason.kill);
    core.startTimer(10, () => expect.unreachable());
    await world.clock.advance(20);

    expect(world.take()).toEqual([]);
    expect(() => world.runtime.names.register("late", core)).toThrow(expect.objectContaining({ code: "BADARG" }));
    expect(world.clock.pendingTimers).toBe(0);
  });

  test("gives a reason that is no term as its text", () => {
    const world = new World();
    const core = world.spawn();
    world.runtime.accept({ op: "link", from: THERE, to: core.pid });

    core.exit(new Date(0));

    expect(world.take()).toMatchObject([{ op: "linkExit", reason: expect.stringContaining("1970") }]);
  });

  test("takes a chain of twenty thousand linked processes with it", () => {
    const world = new World();
    const chain = Array.from({ length: 20_000 }, () => world.spawn());
    for (let i = 1; i < chain.length; i++) chain[i]!.link(chain[i - 1]!.pid);

    chain[0]!.exit(KABOOM);

    expect(chain.every((core) => !core.alive)).toBe(true);
    expect(world.runtime.counts().processes).toBe(1);
  });
});

describe("an exit signal", () => {
  // The table of "Exit signals": what arrives, and whether the process dies without and with trapExit.
  test.each([
    { kind: "linkExit", reason: Reason.normal, dies: false, message: true },
    { kind: "linkExit", reason: KABOOM, dies: KABOOM, message: true },
    { kind: "linkExit", reason: Reason.kill, dies: Reason.kill, message: true },
    { kind: "exit", reason: Reason.normal, dies: false, message: true },
    { kind: "exit", reason: Reason.kill, dies: Reason.killed, message: false },
    { kind: "exit", reason: KABOOM, dies: KABOOM, message: true },
  ] as const)("$kind with $reason", async ({ kind, reason, dies, message }) => {
    const world = new World();
    const plain = world.spawn();
    const inbox: unknown[] = [];
    const trapping = world.spawn((received) => void inbox.push(received));
    trapping.trapExit = true;
    for (const core of [plain, trapping]) {
      world.runtime.accept({ op: "link", from: THERE, to: core.pid });
      world.runtime.accept({ op: kind, from: THERE, to: core.pid, reason });
    }
    await world.settle();

    expect(plain.alive).toBe(dies === false);
    if (dies !== false) expect(plain.exitReason).toEqual(dies);
    expect(inbox).toEqual(message ? [tuple(atom("EXIT"), THERE, reason)] : []);
    expect(trapping.alive).toBe(message);
  });

  test("of a link that was unlinked has no effect, though it was on its way", async () => {
    const world = new World();
    const core = world.spawn();
    core.link(THERE);
    core.unlink(THERE);

    world.runtime.accept({ op: "linkExit", from: THERE, to: core.pid, reason: KABOOM });

    expect(core.alive).toBe(true);
    expect(world.take()).toMatchObject([{ op: "link" }, { op: "unlink", id: 1 }]);
  });

  test("reaches a process at once while its callback awaits", async () => {
    const world = new World();
    const core = world.spawn(() => new Promise(() => {}));
    const { signal } = { signal: core.abortSignal };
    core.deliver("wait");
    await world.settle();

    world.runtime.accept({ op: "exit", from: THERE, to: core.pid, reason: Reason.kill });

    expect(core.exitReason).toBe(Reason.killed);
    expect(signal.aborted).toBe(true);
  });
});

describe("signals for what is not there", () => {
  const gone = new Pid("here@host", 3000, 0, 7);
  const stale = new Pid("here@host", 1, 0, 6);
  const ref = new Ref("there@host", 9, [1, 2, 3]);

  test.each([gone, stale])("a link to %s is answered with noproc, by the pid as it came", (to) => {
    const world = new World();
    world.runtime.accept({ op: "link", from: THERE, to });
    expect(world.take()).toEqual([{ op: "linkExit", from: to, to: THERE, reason: Reason.noproc }]);
  });

  test.each([gone, stale, "nobody"])("a monitor of %s fires at once with noproc", (to) => {
    const world = new World();
    world.runtime.accept({ op: "monitor", from: THERE, to, ref });
    expect(world.take()).toEqual([{ op: "down", from: to, to: THERE, ref, reason: Reason.noproc }]);
  });

  test("an unlink is acknowledged all the same", () => {
    const world = new World();
    world.runtime.accept({ op: "unlink", from: THERE, to: gone, id: 2n ** 40n });
    expect(world.take()).toEqual([{ op: "unlinkAck", from: gone, to: THERE, id: 2n ** 40n }]);
  });

  test("messages, exits and demonitors are dropped", () => {
    const world = new World();
    world.runtime.accept({ op: "send", from: THERE, to: stale, message: 1 });
    world.runtime.accept({ op: "sendName", from: THERE, to: "nobody", message: 1 });
    world.runtime.accept({ op: "sendAlias", from: THERE, to: ref, message: 1, priority: false });
    world.runtime.accept({ op: "exit", from: THERE, to: gone, reason: 1 });
    world.runtime.accept({ op: "linkExit", from: THERE, to: gone, reason: 1 });
    world.runtime.accept({ op: "demonitor", from: THERE, to: gone, ref });
    expect(world.take()).toEqual([]);
  });
});

describe("a node that goes down", () => {
  test("ends every link and monitor across it once, with noconnection", async () => {
    const world = new World();
    world.user.trapExit = true;
    world.user.link(THERE);
    const byPid = world.user.monitor(THERE);
    const byName = world.user.monitor({ name: "shop", node: "there@host" });
    world.user.monitor({ name: "shop", node: "other@host" });
    world.runtime.accept({ op: "monitor", from: THERE, to: world.user.pid, ref: new Ref("there@host", 9, [1]) });

    world.runtime.nodeDown("there@host");
    world.runtime.nodeDown("there@host");
    await world.settle();

    const down = (ref: Ref, object: object) => tuple(atom("DOWN"), ref, atom("process"), object, Reason.noconnection);
    expect(world.inbox).toEqual([
      tuple(atom("EXIT"), THERE, Reason.noconnection),
      down(byPid, THERE),
      down(byName, tuple(atom("shop"), atom("there@host"))),
    ]);
    expect(world.runtime.counts()).toMatchObject({ watches: 0, ties: 1 });
  });
});

describe("local messages", () => {
  test("are fixed when send returns, and look as if they had been sent", async () => {
    const world = new World();
    const message = { list: [1, undefined], when: tuple(atom("at"), 2n) };
    void world.process.send(world.user.pid, message);
    message.list.push(3);
    await world.settle();

    expect(world.inbox).toEqual([{ list: [1, null], when: tuple(atom("at"), 2) }]);
    expect(() => world.process.send(world.user.pid, { at: new Date() })).toThrow(
      expect.objectContaining({ code: "ETF_UNSUPPORTED", path: "at" }),
    );
  });

  test("are handed over as they are when they may be shared", async () => {
    const world = new World({ localMessages: "share" });
    const message = { when: new Date() };
    void world.process.send(world.user.pid, message);
    await world.settle();

    expect(world.inbox[0]).toBe(message);
  });
});

describe("the scheduler", () => {
  test("gives sockets and timers their turn while processes keep each other busy", async () => {
    const world = new World();
    let handled = 0;
    const busy = world.spawn(() => {
      handled++;
      void busy.send(busy.pid, "again", false);
    });
    void busy.send(busy.pid, "go", false);
    await Promise.resolve();
    const first = handled;
    expect(first).toBeGreaterThan(100);
    expect(world.clock.pendingDeferred).toBe(2);

    busy.exit(Reason.normal);
    await world.settle();
    expect(handled).toBe(first);
  });

  test("lets the event loop go on while code awaits one local call after the other", async () => {
    const world = new World();
    const server = world.spawn((message) => {
      const gen = readGen(server, message);
      if (gen.kind === "call") gen.from.reply(1);
    });
    let calls = 0;
    const loop = (async () => {
      for (; calls < 5_000; calls++) await world.process.call(server.pid, 1);
    })();
    for (let i = 0; i < 100_000 && world.clock.pendingDeferred < 2; i++) await Promise.resolve();

    const first = calls;
    expect(first).toBeGreaterThan(100);
    expect(first).toBeLessThan(3_000);
    await world.settle();
    await loop;
    expect(calls).toBe(5_000);
  });

  test("gives each process its share of a turn", async () => {
    const world = new World();
    const order: string[] = [];
    const one = world.spawn(() => void order.push("one"));
    const two = world.spawn(() => void order.push("two"));
    for (let i = 0; i < 250; i++) one.deliver(i);
    two.deliver(0);
    await world.settle();

    expect(order.indexOf("two")).toBe(100);
    expect(order).toHaveLength(251);
  });
});

describe("the loss of a node", () => {
  test("ends what there was, not what those who are told begin anew", async () => {
    const world = new World();
    const other = world.spawn();
    let downs = 0;
    const again = () => {
      downs++;
      world.user.monitor(THERE, again);
      other.monitor(THERE, () => expect.unreachable());
    };
    world.user.monitor(THERE, again);
    other.link(THERE);
    other.trapExit = true;

    world.runtime.nodeDown("there@host");

    expect(downs).toBe(1);
    expect([world.user.monitors.size, other.monitors.size]).toEqual([1, 1]);
    other.exit(Reason.normal);
    world.user.exit(Reason.normal);
    expect(world.runtime.counts()).toMatchObject({ watches: 0, ties: 0 });
  });
});

test("a monitor or link that cannot be sent is none", () => {
  const world = new World();
  world.transmit = () => {
    throw new TiebeamError("NODE_STOPPED", "no way");
  };

  expect(() => world.user.monitor(THERE)).toThrow("no way");
  expect(() => world.user.link(THERE)).toThrow("no way");

  expect([world.user.monitors.size, world.user.links.peers()]).toEqual([0, []]);
});

test("a monitor is ended by its holder only", () => {
  const world = new World();
  const ref = new Ref("there@host", 9, [1, 2, 3]);
  const stranger = new Pid("elsewhere@host", 1, 0, 1);
  world.runtime.accept({ op: "monitor", from: THERE, to: world.user.pid, ref });

  world.runtime.accept({ op: "demonitor", from: stranger, to: world.user.pid, ref });
  expect(world.runtime.counts().watches).toBe(1);
  world.runtime.accept({ op: "demonitor", from: THERE, to: world.user.pid, ref });

  expect(world.runtime.counts().watches).toBe(0);
});

test("onDown comes in its place: behind what was sent before, and while no other callback runs", async () => {
  const world = new World();
  const seen: unknown[] = [];
  let goOn = () => {};
  const held = world.spawn((message) => {
    seen.push(message);
    return new Promise<void>((resolve) => {
      goOn = resolve;
    });
  });
  new Process(held).monitor(THERE, ({ reason }) => void seen.push(reason));
  const [{ ref }] = [...held.monitors.values()] as [Monitoring];
  for (const message of ["one", "two"]) world.runtime.accept({ op: "send", from: THERE, to: held.pid, message });
  world.runtime.accept({ op: "down", from: THERE, to: held.pid, ref, reason: KABOOM });

  await world.settle();
  expect(seen).toEqual(["one"]);
  goOn();
  await world.settle();
  expect(seen).toEqual(["one", "two"]);
  goOn();
  await world.settle();
  expect(seen).toEqual(["one", "two", KABOOM]);
});

describe("an alias", () => {
  test("is an address of its process until it is taken back", async () => {
    const world = new World();
    const alias = world.process.alias();
    const send = (message: string) =>
      world.runtime.accept({ op: "sendAlias", from: THERE, to: alias, message, priority: false });
    send("heard");
    world.process.unalias(alias);
    send("lost");
    await world.settle();
    expect(world.inbox).toEqual(["heard"]);
    expect(world.runtime.counts().aliases).toBe(0);
  });

  test("of another node takes messages and exits, with priority if that is asked for", () => {
    const world = new World();
    const to = new Ref("there@host", 9, [1, 2, 3, 4, 5]);
    void world.process.send(to, "plain");
    void world.process.send(to, "first", { priority: true });
    world.process.exit(to, KABOOM, { priority: true });
    const from = world.user.pid;
    expect(world.take()).toEqual([
      { op: "sendAlias", from, to, message: "plain", priority: false },
      { op: "sendAlias", from, to, message: "first", priority: true },
      { op: "exitAlias", from, to, reason: KABOOM, priority: true },
    ]);
    expect(() => world.process.send(THERE, 1, { priority: true })).toThrow(expect.objectContaining({ code: "BADARG" }));
  });
});

test("a group leader is given to a process of another node, and taken by one of ours", () => {
  const world = new World();
  world.process.setGroupLeader(THERE, world.user.pid);
  world.process.setGroupLeader(world.user.pid, THERE);
  expect(world.take()).toEqual([{ op: "groupLeader", from: world.user.pid, to: THERE }]);
  expect(world.user.groupLeader).toBe(THERE);
});
