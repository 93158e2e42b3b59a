import { describe, expect, test } from "vitest";
import { Reason } from "../../src/runtime/index.ts";
import { atom, type Ref, type Tuple, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const NODES = ["a@host", "b@host", "c@host"];

/** The calls that left: of each node, the monitor's reference and the caller's tag. */
function callsOf(world: World): Map<string, { ref: Ref; tag: object }> {
  const calls = new Map<string, { ref: Ref; tag: object }>();
  for (const { node, signal } of world.sent.splice(0)) {
    if (signal.op === "monitor") calls.set(node, { ref: signal.ref, tag: {} });
    if (signal.op === "sendName") calls.get(node)!.tag = ((signal.message as Tuple)[1] as Tuple)[1] as object;
  }
  return calls;
}

describe("multiCall", () => {
  test("asks all nodes at once and tells the replies from the nodes that are bad", async () => {
    const world = new World();
    const outcome = world.process.multiCall(NODES, "shop", atom("stock"));
    const calls = callsOf(world);
    expect([...calls.keys()]).toEqual(NODES);

    const { ref, tag } = calls.get("c@host")!;
    world.runtime.accept({ op: "sendAlias", from: world.user.pid, to: ref, message: tuple(tag, 3), priority: false });
    const noproc = { op: "down", from: "shop", to: world.user.pid, ref: calls.get("b@host")!.ref } as const;
    world.runtime.accept({ ...noproc, reason: Reason.noproc });
    world.runtime.nodeDown("a@host");

    expect(await outcome).toEqual({ replies: [{ node: "c@host", reply: 3 }], badNodes: ["a@host", "b@host"] });
    expect(world.runtime.counts()).toMatchObject({ aliases: 0 });
  });

  test("gives up on those that do not answer in time, and drops what they say later", async () => {
    const world = new World();
    const outcome = world.process.multiCall(["a@host"], "shop", 1, { timeoutMs: 50 });
    const { ref, tag } = callsOf(world).get("a@host")!;
    await world.clock.advance(50);
    expect(await outcome).toEqual({ replies: [], badNodes: ["a@host"] });

    const late = tuple(tag, 1);
    world.runtime.accept({ op: "sendAlias", from: world.user.pid, to: ref, message: late, priority: false });
    world.runtime.accept({ op: "send", from: world.user.pid, to: world.user.pid, message: late });
    await world.settle();
    expect(world.inbox).toEqual([]);
  });

  test("rejects for a request that is no term, and when it is given up", async () => {
    const world = new World();
    world.spawn().runtime.names.register("shop", world.spawn());
    await expect(world.process.multiCall(["here@host"], "shop", new Date())).rejects.toMatchObject({
      code: "ETF_UNSUPPORTED",
    });
    const abort = new AbortController();
    const outcome = world.process.multiCall(NODES, "shop", 1, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(outcome).rejects.toThrow("enough");
    expect(world.runtime.counts()).toMatchObject({ aliases: 0 });
  });

  test("of no nodes is empty", async () => {
    expect(await new World().process.multiCall([], "shop", 1)).toEqual({ replies: [], badNodes: [] });
  });
});

describe("abcast", () => {
  test("casts to the name on each node", () => {
    const world = new World();
    expect(world.process.abcast(NODES, "shop", atom("reload"))).toBeUndefined();
    const message = tuple(atom("$gen_cast"), atom("reload"));
    expect(world.sent).toMatchObject(NODES.map((node) => ({ node, signal: { op: "sendName", to: "shop", message } })));
  });

  test("reaches the other nodes when one cannot be sent to, and then says so", () => {
    const world = new World();
    const transmit = world.transmit.bind(world);
    world.transmit = (node, signal, dial) => {
      if (node === "a@host") throw new Error("too much is queued");
      return transmit(node, signal, dial);
    };
    expect(() => world.process.abcast(NODES, "shop", 1)).toThrow("too much");
    expect(world.sent.map(({ node }) => node)).toEqual(["b@host", "c@host"]);
  });
});

describe("whereis", () => {
  test("finds names of this node and of registries, and gives those of others back", () => {
    const world = new World();
    const { pid } = world.user;
    world.process.register("me");
    const via = { whereis: (name: unknown) => (name === 7 ? pid : undefined) };

    expect(world.process.whereis("me")).toBe(pid);
    expect(world.process.whereis({ name: "me", node: "here@host" })).toBe(pid);
    expect(world.process.whereis("nobody")).toBeUndefined();
    expect(world.process.whereis({ via, name: 7 })).toBe(pid);
    expect(world.process.whereis({ via, name: 8 })).toBeUndefined();
    expect(world.process.whereis(pid)).toBe(pid);
    expect(world.process.whereis({ name: "me", node: "a@host" })).toEqual({ name: "me", node: "a@host" });
  });
});
