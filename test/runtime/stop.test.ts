import { describe, expect, test } from "vitest";
import { type ExitError, Reason } from "../../src/runtime/index.ts";
import { atom, type ImproperList, inspect, Pid, type Ref, type Tuple, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const THERE = new Pid("there@host", 40, 2, 9);

/** Stops {@link THERE}: what left, and ways to answer it. */
function stopping(world: World, reason?: unknown, options?: { timeoutMs?: number; signal?: AbortSignal }) {
  const outcome = world.process
    .server(THERE)
    .stop(reason, options)
    .then(
      () => "stopped",
      (error: unknown) => error as ExitError,
    );
  const [first, second, sent] = world.take();
  if (first?.op !== "monitor" || second?.op !== "monitor" || sent?.op !== "send") throw new Error("not as it should");
  const [, from, request] = sent.message as Tuple<[unknown, Tuple<[Pid, ImproperList]>, unknown]>;
  const down = (ref: Ref, why: unknown) =>
    world.runtime.accept({ op: "down", from: THERE, to: world.user.pid, ref, reason: why });
  return {
    outcome,
    request,
    answer(reply: unknown) {
      const message = tuple(from[1], reply as object);
      world.runtime.accept({ op: "sendAlias", from: THERE, to: second.ref, message, priority: false });
    },
    end(why: unknown) {
      down(first.ref, why);
      down(second.ref, why);
    },
  };
}

function gone(world: World): void {
  expect(world.runtime.counts()).toMatchObject({ aliases: 0 });
  expect(world.user.monitors.size).toBe(0);
  expect(world.clock.pendingTimers).toBe(0);
}

describe("stop", () => {
  test("monitors twice, asks by sys, and waits for the end after the answer", async () => {
    const world = new World();
    const { outcome, request, answer, end } = stopping(world);
    expect(request).toEqual(tuple(atom("terminate"), Reason.normal));
    let settled = false;
    void outcome.then(() => (settled = true));
    answer(atom("ok"));
    await world.settle();
    expect(settled).toBe(false);
    end(Reason.normal);
    expect(await outcome).toBe("stopped");
    gone(world);
  });

  test("compares reasons by value", async () => {
    const world = new World();
    const { outcome, answer, end } = stopping(world, tuple(atom("shutdown"), { a: [1] }));
    answer(atom("ok"));
    end(tuple(atom("shutdown"), { a: [1] }));
    expect(await outcome).toBe("stopped");
  });

  test("fails with the reason of any other end, as GenServer.stop exits", async () => {
    const world = new World();
    const { outcome, answer, end } = stopping(world, Reason.shutdown);
    answer(atom("ok"));
    end(atom("kaboom"));
    const error = (await outcome) as ExitError;
    expect(error.code).toBe("EXIT_OTHER");
    expect(inspect(error.reason)).toBe(`{:kaboom, {GenServer, :stop, [${THERE}, :shutdown, 5000]}}`);
    gone(world);
  });

  test.each([
    [Reason.shutdown, "stopped"],
    [Reason.noproc, `{:noproc, {GenServer, :stop, [${THERE}, :shutdown, 5000]}}`],
    [
      atom("kaboom"),
      `{{:kaboom, {:sys, :terminate, [${THERE}, :shutdown, 5000]}}, {GenServer, :stop, [${THERE}, :shutdown, 5000]}}`,
    ],
  ])("of one that ends with %s before it answers gives %s", async (why, expected) => {
    const world = new World();
    const { outcome, end } = stopping(world, Reason.shutdown);
    end(why);
    const result = await outcome;
    expect(result === "stopped" ? result : inspect((result as ExitError).reason)).toBe(expected);
    gone(world);
  });

  test("of one that refuses fails with what it says", async () => {
    const world = new World();
    const { outcome, answer } = stopping(world);
    answer(tuple(atom("error"), atom("not_allowed")));
    expect(await outcome).toMatchObject({ code: "EXIT_OTHER", reason: [[atom("error"), atom("not_allowed")], {}] });
    gone(world);
  });

  test.each([false, true])("gives up when its time is over, answered: %s", async (answered) => {
    const world = new World();
    const { outcome, answer } = stopping(world, undefined, { timeoutMs: 50 });
    if (answered) answer(atom("ok"));
    await world.clock.advance(50);
    expect(await outcome).toMatchObject({ code: "EXIT_TIMEOUT" });
    gone(world);
  });

  test.each([false, true])("is given up by an AbortSignal, answered: %s", async (answered) => {
    const world = new World();
    const abort = new AbortController();
    const { outcome, answer } = stopping(world, undefined, { signal: abort.signal });
    if (answered) answer(atom("ok"));
    await world.settle();
    abort.abort(new Error("enough"));
    expect(await outcome).toMatchObject({ message: "enough" });
    gone(world);
  });

  test.each([false, true])("rejects with NODEDOWN when the node is lost, answered: %s", async (answered) => {
    const world = new World();
    const { outcome, answer } = stopping(world);
    if (answered) answer(atom("ok"));
    world.runtime.nodeDown("there@host");
    expect(await outcome).toMatchObject({ code: "NODEDOWN", node: "there@host" });
    gone(world);
  });

  test("of oneself, an alias, and with what is no reason, is refused", async () => {
    const world = new World();
    const stop = (target: Pid | Ref, reason?: unknown) => world.process.server(target).stop(reason);
    await expect(stop(world.user.pid)).rejects.toMatchObject({ code: "EXIT_OTHER" });
    await expect(stop(world.process.alias())).rejects.toMatchObject({ code: "BADARG" });
    await expect(stop(THERE, new Date())).rejects.toMatchObject({ code: "ETF_UNSUPPORTED" });
    expect(world.sent).toEqual([]);
  });

  test("ends with the process that waits for it", async () => {
    const world = new World();
    const { outcome } = stopping(world);
    world.user.exit(Reason.shutdown);
    expect(await outcome).toMatchObject({ code: "EXIT_OTHER", reason: Reason.shutdown });
    gone(world);
  });
});
