import { describe, expect, test } from "vitest";
import type { Signal } from "../../src/dist/index.ts";
import { Exposed, type ExposedFunction, Spawner } from "../../src/node/index.ts";
import { Reason } from "../../src/runtime/index.ts";
import { atom, inspect, Pid, Ref, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const FROM = new Pid("there@host", 40, 2, 9);
const REF = new Ref("there@host", 9, [1, 2, 3]);

function served(functions: Record<string, ExposedFunction>) {
  const world = new World();
  const exposed = new Exposed();
  exposed.add("m", functions);
  const spawner = new Spawner(world.runtime, exposed);
  const request = async (options: Term[], args: Term = [], name = "f", arity = 0) => {
    const common = { ref: REF, from: FROM, groupLeader: FROM, module: "m" };
    const signal: Signal = { op: "spawnRequest", ...common, function: name, arity, options, args };
    spawner.request(signal, { peer: FROM.node, bytes: 100 });
    await world.settle();
    return world.take();
  };
  return { world, request };
}

const link = atom("link");
const monitor = atom("monitor");

describe("a spawn request", () => {
  test("is answered first, then the process runs, ends with normal, and its link and monitor are told", async () => {
    const { world, request } = served({ f: () => "ignored" });
    const signals = await request([link, monitor, tuple(atom("priority"), atom("high")) as unknown as Term]);
    const pid = (signals[0] as { result: Pid }).result;
    expect(signals).toEqual([
      { op: "spawnReply", ref: REF, to: FROM, flags: 3, result: pid },
      { op: "linkExit", from: pid, to: FROM, reason: Reason.normal },
      { op: "down", from: pid, to: FROM, ref: REF, reason: Reason.normal },
    ]);
    expect(world.runtime.counts()).toMatchObject({ processes: 1, watches: 0 });
  });

  test.each([
    ["what is not exposed", "g", 0, [], tuple(atom("undef"), [tuple(atom("m"), atom("g"), [], [])])],
    ["a wrong number of arguments", "f", 2, [1], tuple(atom("badarg"), [])],
    ["arguments that are no list", "f", 1, "x", tuple(atom("badarg"), [])],
  ])("for %s makes a process that ends for it", async (_, name, arity, args, reason) => {
    const { request } = served({ f: () => 1 });
    const [reply, down] = await request([monitor], args as Term, name, arity);
    expect(reply).toMatchObject({ op: "spawnReply", flags: 2, result: expect.any(Pid) });
    expect(down).toMatchObject({ op: "down", reason });
  });

  test("for a function that throws at once is answered before the end is told", async () => {
    const f = () => {
      throw new Error("at once");
    };
    const { request } = served({ f });

    const signals = await request([monitor]);

    expect(signals.map(({ op }) => op)).toEqual(["spawnReply", "down"]);
    expect(inspect((signals[1] as { reason: Term }).reason)).toContain("at once");
  });

  test("with an unknown option is refused with badopt", async () => {
    const { world, request } = served({ f: () => 1 });
    expect(await request([atom("nonsense")])).toEqual([
      { op: "spawnReply", ref: REF, to: FROM, flags: 0, result: atom("badopt") },
    ]);
    expect(world.runtime.counts().processes).toBe(1);
  });
});
