import { describe, expect, test } from "vitest";
import { type From, Process, Reason, readGen } from "../../src/runtime/index.ts";
import { atom, ImproperList, Pid, Ref, type Tuple, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const THERE = new Pid("there@host", 40, 2, 9);

/** The parts of a `$gen_call` that left, and of the monitor before it. */
function sentCall(world: World) {
  const [monitor, send] = world.take();
  if (monitor?.op !== "monitor" || send?.op !== "send") throw new Error("no call was sent");
  const [, from, request] = send.message as readonly [unknown, Tuple<[Pid, ImproperList]>, unknown];
  return { monitor, send, from, request, alias: from[1].tail as Ref };
}

describe("a call", () => {
  test("monitors, then asks with the monitor's reference as alias, and takes the reply", async () => {
    const world = new World();
    const reply = world.process.call(THERE, atom("hello"));
    const { monitor, from, request, alias } = sentCall(world);

    expect(alias.key).toBe(monitor.ref.key);
    expect(from[0]).toBe(world.user.pid);
    expect(request).toBe(atom("hello"));

    const message = tuple(from[1], 42);
    world.runtime.accept({ op: "sendAlias", from: THERE, to: alias, message, priority: false });
    expect(await reply).toBe(42);
    expect(world.take()).toMatchObject([{ op: "demonitor", ref: monitor.ref }]);
    expect(world.runtime.counts().aliases).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  test("takes a reply that comes to its pid, as OTP 23 sends it", async () => {
    const world = new World();
    const reply = world.process.call(THERE, 1);
    const { from } = sentCall(world);
    world.runtime.accept({ op: "send", from: THERE, to: world.user.pid, message: tuple(from[1], "late or not") });
    expect(await reply).toBe("late or not");
  });

  test("that timed out drops its late reply, whichever way it comes", async () => {
    const world = new World();
    const reply = world.process.call(THERE, 1, { timeoutMs: 50 });
    const { from, alias } = sentCall(world);
    const failed = expect(reply).rejects.toMatchObject({ code: "EXIT_TIMEOUT", target: THERE });
    await world.clock.advance(50);
    await failed;

    const message = tuple(from[1], 42);
    world.runtime.accept({ op: "sendAlias", from: THERE, to: alias, message, priority: false });
    world.runtime.accept({ op: "send", from: THERE, to: world.user.pid, message });
    await world.settle();
    expect(world.inbox).toEqual([]);
  });

  test.each([
    [Reason.noproc, "EXIT_NOPROC"],
    [tuple(atom("kaboom"), 1), "EXIT_OTHER"],
    [Reason.noconnection, "NODEDOWN"],
  ])("fails with the end of the server: %s gives %s", async (reason, code) => {
    const world = new World();
    const reply = world.process.call({ name: "shop", node: "there@host" }, 1);
    const [monitor] = world.take();
    if (monitor?.op !== "monitor") throw new Error("no monitor");
    world.runtime.accept({ op: "down", from: "shop", to: world.user.pid, ref: monitor.ref, reason });
    await expect(reply).rejects.toMatchObject({ code });
  });

  test("carries the reason of Elixir's GenServer.call", async () => {
    const world = new World();
    await expect(world.process.call("nobody", atom("hello"))).rejects.toMatchObject({
      reason: tuple(
        Reason.noproc,
        tuple(atom("Elixir.GenServer"), atom("call"), [tuple(atom("nobody"), atom("here@host")), atom("hello"), 5000]),
      ),
    });
  });

  test("to itself is refused", async () => {
    const world = new World();
    await expect(world.process.call(world.user.pid, 1)).rejects.toMatchObject({ code: "EXIT_CALLING_SELF" });
  });

  test("is given up by an AbortSignal, before and during", async () => {
    const world = new World();
    const reason = new Error("enough");
    const abort = new AbortController();
    const reply = world.process.call(THERE, 1, { signal: abort.signal });
    abort.abort(reason);
    await expect(reply).rejects.toBe(reason);
    expect(world.take().at(-1)?.op).toBe("demonitor");

    await expect(world.process.call(THERE, 1, { signal: abort.signal })).rejects.toBe(reason);
    expect(world.take()).toEqual([]);
  });

  test("leaves nothing behind when the request is no term", async () => {
    const world = new World();
    const server = world.spawn();
    await expect(world.process.call(server.pid, new Date())).rejects.toMatchObject({ code: "ETF_UNSUPPORTED" });
    expect(world.runtime.counts()).toMatchObject({ aliases: 0, watches: 0 });
    expect(world.clock.pendingTimers).toBe(0);
  });

  test("of a process that ends is rejected, and its monitor goes", async () => {
    const world = new World();
    const reply = world.process.call(THERE, 1);
    world.take();
    world.user.exit(Reason.shutdown);
    await expect(reply).rejects.toMatchObject({ code: "EXIT_OTHER", reason: Reason.shutdown });
    expect(world.take()).toMatchObject([{ op: "demonitor" }]);
  });
});

describe("a reply", () => {
  const alias = new Ref("there@host", 9, [1, 2, 3, 4, 5]);
  const monitorRef = new Ref("there@host", 9, [9, 9, 9]);
  const aliased = new ImproperList([atom("alias")], alias);

  // gen.md 1.1: every form of tag that was seen on OTP 23 to 29
  test.each([
    { tag: aliased, to: alias, op: "sendAlias" },
    { tag: new ImproperList([aliased], monitorRef), to: alias, op: "sendAlias" },
    { tag: monitorRef, to: THERE, op: "send" },
    { tag: tuple(monitorRef, atom("there@host")), to: THERE, op: "send" },
    { tag: "anything", to: THERE, op: "send" },
  ])("with tag $tag goes to $to, the tag unchanged, and never dials", async ({ tag, to, op }) => {
    const world = new World();
    const gen = readGen(world.user, tuple(atom("$gen_call"), tuple(THERE, tag), 1));
    (gen as { from: From }).from.reply("done");

    const [sent] = world.sent;
    expect(sent).toMatchObject({ node: "there@host", dial: false, signal: { op, to } });
    expect((sent!.signal as { message: Tuple }).message[0]).toBe(tag);
  });

  test("can be given by another process, to a from that was sent on", async () => {
    const world = new World();
    const helper = world.spawn((message) => {
      new Process(helper).reply(message as Tuple, "by the helper");
    });
    const server = world.spawn((message) => {
      const gen = readGen(server, message);
      if (gen.kind === "call") void server.send(helper.pid, gen.from, false);
    });
    const reply = world.process.call(server.pid, 1);
    await world.settle();
    expect(await reply).toBe("by the helper");
  });
});
