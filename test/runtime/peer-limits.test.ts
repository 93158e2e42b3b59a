import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Signal } from "../../src/dist/index.ts";
import { Reason } from "../../src/runtime/index.ts";
import { atom, Pid, Ref, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const THERE = "there@host";
const ELSEWHERE = "elsewhere@host";
const pid = (id: number, node = THERE) => new Pid(node, id, 0, 9);
const ref = (id: number, node = THERE) => new Ref(node, 9, [id, 2, 3]);
const KABOOM = atom("kaboom");

describe("a peer that makes more monitors and links than it may loses its connection", () => {
  test.each<[string, (i: number, to: Pid) => Signal]>([
    ["monitors by one process of one name", (i) => ({ op: "monitor", from: pid(1), to: "name", ref: ref(i) })],
    ["links of many processes", (i, to) => ({ op: "link", from: pid(i), to })],
  ])("%s", (_, signal) => {
    const world = new World({ maxTiesPerPeer: 100 });
    const core = world.spawn();
    core.trapExit = true;
    world.runtime.names.register("name", core);

    for (let i = 0; i < 100; i++) world.runtime.accept(signal(i, core.pid), THERE);
    world.runtime.accept({ op: "link", from: pid(1, ELSEWHERE), to: core.pid }, ELSEWHERE);
    expect(world.overLimits).toEqual([]);
    world.runtime.accept(signal(100, core.pid), THERE);

    expect(world.overLimits).toEqual(["PEER_TIE_LIMIT"]);
    expect(world.runtime.peerTies.held(THERE)).toBe(0);
    expect(world.runtime.counts()).toMatchObject({ watches: 0, ties: 1 });
  });

  test("the same one again is none more, and those that this node made are not counted", () => {
    const world = new World({ maxTiesPerPeer: 2 });
    for (let i = 0; i < 10; i++) {
      world.user.link(pid(i));
      world.user.monitor(pid(i));
      world.runtime.accept({ op: "link", from: pid(i), to: world.user.pid }, THERE);
      world.runtime.accept({ op: "link", from: pid(100), to: world.user.pid }, THERE);
      world.runtime.accept({ op: "monitor", from: pid(1), to: world.user.pid, ref: ref(1) }, THERE);
      world.spawn().link(world.user.pid);
      world.spawn().monitor(world.user.pid);
    }
    expect(world.overLimits).toEqual([]);
    expect(world.runtime.peerTies.held(THERE)).toBe(2);

    world.user.exit(Reason.normal);
    const downs = world.take().filter(({ op }) => op === "down");
    expect(downs).toHaveLength(1);
    expect(world.runtime.peerTies.held(THERE)).toBe(0);
  });

  test("none counts any more once all have ended, in whatever order they were made and ended", () => {
    const op = fc.constantFrom("link", "unlink", "linkExit", "unlinkAck", "monitor", "demonitor", "here", "exit");
    const step = fc.tuple(op, fc.nat(1), fc.nat(2));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, nodeDown) => {
        const world = new World();
        const { runtime } = world;
        const cores = [world.spawn(), world.spawn()] as const;
        for (const core of cores) core.trapExit = true;

        for (const [op, at, id] of steps) {
          const core = cores[at]!;
          const [from, to] = [pid(id), core.pid];
          if (op === "exit") core.exit(KABOOM);
          else if (op !== "here")
            runtime.accept({ op, from, to, id: 1, ref: ref(id), reason: KABOOM } as Signal, THERE);
          else if (core.links.peers().length > 1) core.unlink(from);
          else core.link(from);
          // At most every link there can be, and every monitor.
          expect(runtime.peerTies.held(THERE)).toBeLessThanOrEqual(2 * 3 + 3);
          expect(runtime.peerTies.held(THERE)).toBeGreaterThanOrEqual(runtime.counts().watches);
        }
        if (nodeDown) runtime.nodeDown(THERE);
        else for (const core of cores) core.exit(KABOOM);

        expect(runtime.peerTies.held(THERE)).toBe(0);
      }),
    );
  });
});

describe("what a peer has waiting here counts, however it came", () => {
  const from = pid(1);
  const reason = KABOOM;
  const priority = false;
  test.each<[string, (to: Pid, alias: Ref) => Signal[]]>([
    ["to an alias", (_, to) => [{ op: "sendAlias", from, to, message: "x", priority }]],
    ["as exit signals", (to) => [{ op: "exit", from, to, reason }]],
    ["as exit signals to an alias", (_, to) => [{ op: "exitAlias", from, to, reason, priority }]],
    [
      "as ends of links",
      (to) => [
        { op: "link", from, to },
        { op: "linkExit", from, to, reason },
      ],
    ],
  ])("%s", async (_, signals) => {
    const world = new World({ maxQueuedBytesPerPeer: 100_000 });
    const stuck = world.spawn(() => new Promise(() => {}));
    stuck.trapExit = true;
    stuck.deliver("wait");
    await world.settle();
    const alias = stuck.alias();

    const send = () => {
      for (const signal of signals(stuck.pid, alias)) world.runtime.accept(signal, THERE, 10_000);
    };

    for (let i = 0; i < 9; i++) send();
    expect(world.runtime.peerQueues.bytes(THERE)).toBeGreaterThan(90_000);
    expect(world.overLimits).toEqual([]);
    send();

    expect(world.overLimits).toEqual(["PEER_QUEUE_LIMIT"]);
  });
});

describe("another node", () => {
  test("has no say in the end of a monitored process", () => {
    const world = new World();
    const ends: unknown[] = [];
    const monitor = world.user.monitor(pid(1), (reason) => void ends.push(reason));
    const byName = world.user.monitor({ name: "shop", node: THERE }, (reason) => void ends.push(reason));
    const down = (by: string, of: Ref) =>
      world.runtime.accept({ op: "down", from: pid(1), to: world.user.pid, ref: of, reason: KABOOM }, by);

    for (const of of [monitor, byName]) down(ELSEWHERE, of);
    expect(ends).toEqual([]);
    for (const of of [monitor, byName]) down(THERE, of);

    expect(ends).toEqual([KABOOM, KABOOM]);
  });

  test("does not answer for one that was asked to spawn", async () => {
    const world = new World();
    const spawned = world.process.spawnRemote(THERE, "m", "f", []);
    const [request] = world.take();
    const answer = (by: string, id: number) =>
      world.runtime.accept(
        { op: "spawnReply", ref: (request as { ref: Ref }).ref, to: world.user.pid, flags: 0, result: pid(id, by) },
        by,
      );

    answer(ELSEWHERE, 1);
    answer(THERE, 2);

    expect((await spawned).pid).toEqual(pid(2));
  });

  test("cannot answer a call with what is no reply", async () => {
    const world = new World();
    const call = world.process.call(pid(1), "question");
    const [, request] = world.take() as [unknown, { message: [unknown, [Pid, { tail: Ref }]] }];
    const to = request.message[1][1].tail;
    const send = (message: unknown) =>
      world.runtime.accept({ op: "sendAlias", from: pid(1, ELSEWHERE), to, message, priority: false }, ELSEWHERE);

    for (const message of [null, 1, "text", [], tuple(), tuple(1, 2, 3)]) send(message);
    send(tuple(1, "answer"));

    expect(await call).toBe("answer");
  });
});
