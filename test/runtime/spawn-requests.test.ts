import { describe, expect, test } from "vitest";
import type { SpawnRequestSignal } from "../../src/dist/index.ts";
import { Reason } from "../../src/runtime/index.ts";
import { atom, Pid, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const NODE = "there@host";
const CHILD = new Pid(NODE, 40, 2, 9);

function spawn(world: World, options = {}) {
  const spawned = world.process.spawnRemote(NODE, "m", "f", [1, "two"], options);
  const [request] = world.take() as [SpawnRequestSignal];
  return { spawned, request };
}

describe("a process spawned on another node", () => {
  test("is asked for with function, arguments and what to set up", () => {
    const world = new World();
    const { request } = spawn(world, { link: true, monitor: true });
    expect(request).toMatchObject({
      op: "spawnRequest",
      from: world.user.pid,
      groupLeader: world.user.pid,
      module: "m",
      function: "f",
      arity: 2,
      options: [atom("link"), atom("monitor")],
      args: [1, "two"],
    });
  });

  test("is linked and monitored as soon as the answer is there, before its first signal", async () => {
    const world = new World();
    const downs: unknown[] = [];
    const { spawned, request } = spawn(world, {
      link: true,
      monitor: ({ reason }: { reason: unknown }) => downs.push(reason),
    });
    world.user.trapExit = true;
    world.runtime.accept({ op: "spawnReply", ref: request.ref, to: world.user.pid, flags: 3, result: CHILD });
    world.runtime.accept({ op: "linkExit", from: CHILD, to: world.user.pid, reason: "over" });
    world.runtime.accept({ op: "down", from: CHILD, to: world.user.pid, ref: request.ref, reason: "over" });
    await world.settle();

    expect(await spawned).toEqual({ pid: CHILD, ref: request.ref });
    expect(world.inbox).toEqual([tuple(atom("EXIT"), CHILD, "over")]);
    expect(downs).toEqual(["over"]);
  });

  test("comes to nothing when the other node refuses or is lost", async () => {
    const world = new World();
    const refused = spawn(world);
    const lost = spawn(world);
    world.runtime.accept({
      op: "spawnReply",
      ref: refused.request.ref,
      to: world.user.pid,
      flags: 0,
      result: atom("notsup"),
    });
    world.runtime.nodeDown(NODE);
    await expect(refused.spawned).rejects.toMatchObject({ code: "SPAWN_REFUSED", reason: "notsup", node: NODE });
    await expect(lost.spawned).rejects.toMatchObject({ code: "NODEDOWN", node: NODE });
    expect(world.runtime.spawns.size).toBe(0);
  });

  test("for a process that has ended meanwhile is told so", async () => {
    const world = new World();
    const { spawned, request } = spawn(world, { link: true, monitor: true });
    const { pid } = world.user;
    world.user.exit(Reason.shutdown);
    await expect(spawned).rejects.toMatchObject({ reason: Reason.shutdown });

    world.runtime.accept({ op: "spawnReply", ref: request.ref, to: pid, flags: 3, result: CHILD });
    expect(world.take()).toEqual([
      { op: "demonitor", from: pid, to: CHILD, ref: request.ref },
      { op: "linkExit", from: pid, to: CHILD, reason: Reason.shutdown },
    ]);
  });
});
