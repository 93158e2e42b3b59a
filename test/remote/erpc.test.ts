import { describe, expect, expectTypeOf, test } from "vitest";
import type { SpawnRequestSignal } from "../../src/dist/index.ts";
import { Spawner } from "../../src/node/index.ts";
import { Erpc, Rpc, type RpcError, type RpcResult, serveErpc } from "../../src/remote/index.ts";
import { Exit, Reason } from "../../src/runtime/index.ts";
import { atom, mod, Pid, type Ref, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

const NODE = "there@host";
const CHILD = new Pid(NODE, 40, 2, 9);
const STACK = [tuple(atom("m"), atom("f"), 1, [])] as unknown as Term[];

/** A call to another node under way: `end` ends the process that runs it there, with a reason made of the call's reference. */
function calling(kind: "erpc" | "rpc" = "erpc", options = {}) {
  const world = new World();
  const client = kind === "erpc" ? new Erpc(world.user) : new Rpc(world.user);
  const result = client.call(NODE, mod("Shop"), "price", ["sku-1"], options);
  const settled = result.then(
    (value: Term) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const [request] = world.take() as [SpawnRequestSignal];
  const { ref } = request;
  const to = world.user.pid;
  const started = () => world.runtime.accept({ op: "spawnReply", ref, to, flags: 2, result: CHILD });
  return {
    world,
    request,
    settled,
    started,
    refuse: (reason: string) => world.runtime.accept({ op: "spawnReply", ref, to, flags: 0, result: atom(reason) }),
    end(reason: (result: Ref) => unknown) {
      started();
      const why = reason((request.args as Term[])[0] as Ref);
      world.runtime.accept({ op: "down", from: CHILD, to, ref, reason: why as Term });
      return settled;
    },
  };
}

describe("erpc.call", () => {
  test("asks for erpc:execute_call/4 under a monitor", () => {
    const { request } = calling();
    expect(request).toMatchObject({ module: "erpc", function: "execute_call", arity: 4, options: [atom("monitor")] });
    expect((request.args as Term[]).slice(1)).toEqual([atom("Elixir.Shop"), atom("price"), ["sku-1"]]);
  });

  test("gives the value", async () => {
    expect(await calling().end((ref) => tuple(ref, atom("return"), 42))).toEqual({ value: 42 });
  });

  test.each<[string, (ref: Ref) => unknown, object]>([
    ["a throw", (ref) => tuple(ref, atom("throw"), "ball"), { code: "RPC_THROW", class: "throw", reason: "ball" }],
    ["an exit", (ref) => tuple(ref, atom("exit"), "bye"), { code: "RPC_EXIT", class: "exit", reason: "bye" }],
    [
      "an error",
      (ref) => tuple(ref, atom("error"), atom("badarith"), STACK),
      { code: "RPC_ERROR", class: "error", reason: atom("badarith"), stacktrace: STACK },
    ],
    [
      "a refusal",
      (ref) => tuple(ref, atom("error"), tuple(atom("erpc"), atom("system_limit"))),
      { code: "RPC_REFUSED", class: "error", reason: atom("system_limit") },
    ],
    ["a signal", () => atom("killed"), { code: "RPC_SIGNAL", class: "exit", reason: atom("killed") }],
    ["a lost node", () => Reason.noconnection, { code: "NODEDOWN", node: NODE }],
  ])("rejects for %s", async (_, reason, error) => {
    expect(await calling().end(reason)).toEqual({ error: expect.objectContaining(error) });
  });

  test("takes a reason with the reference of another call for a signal", async () => {
    const other = calling().request.ref;
    const settled = await calling().end(() => tuple(other, atom("return"), 42));
    expect(settled).toMatchObject({ error: { code: "RPC_SIGNAL" } });
  });

  test("rejects when the node refuses the spawn, or is lost before it answers", async () => {
    const refused = calling();
    refused.refuse("notsup");
    expect(await refused.settled).toMatchObject({ error: { code: "RPC_REFUSED", reason: atom("notsup") } });
    const lost = calling();
    lost.world.runtime.nodeDown(NODE);
    expect(await lost.settled).toMatchObject({ error: { code: "NODEDOWN" } });
  });

  test("gives up when the time is up, and takes the monitor back as soon as it can", async () => {
    const { world, settled, started } = calling("erpc", { timeoutMs: 100 });
    await world.clock.advance(100);
    expect(await settled).toMatchObject({ error: { code: "RPC_TIMEOUT", reason: atom("timeout"), class: "error" } });
    started();
    await world.settle();
    expect(world.take()).toMatchObject([{ op: "demonitor", to: CHILD }]);
    expect(world.user.monitors.size).toBe(0);
  });

  test("gives up when it is aborted, with the signal's reason", async () => {
    const controller = new AbortController();
    const { world, settled, started } = calling("erpc", { signal: controller.signal });
    started();
    await world.settle();
    controller.abort("enough");
    expect(await settled).toEqual({ error: "enough" });
    await world.settle();
    expect(world.take()).toMatchObject([{ op: "demonitor" }]);
  });

  test("ends with the process that waits for it", async () => {
    const { world, settled, started } = calling();
    started();
    world.user.exit(Reason.shutdown);
    expect(await settled).toMatchObject({ error: { reason: Reason.shutdown } });
  });

  test("says in its error what was called, where, and how it ended", async () => {
    const { error } = (await calling().end((ref) => tuple(ref, atom("exit"), atom("bye")))) as { error: Error };
    expect(error.message).toBe("Shop.price/1 on there@host exited with :bye");
  });
});

describe("rpc.call", () => {
  test.each<[string, (ref: Ref) => unknown, object]>([
    ["a throw gives what was thrown", (ref) => tuple(ref, atom("throw"), "ball"), { value: "ball" }],
    [
      "a thrown badrpc is one",
      (ref) => tuple(ref, atom("throw"), tuple(atom("badrpc"), atom("timeout"))),
      { error: { code: "RPC_TIMEOUT" } },
    ],
    [
      "a returned badrpc is one",
      (ref) => tuple(ref, atom("return"), tuple(atom("badrpc"), atom("nodedown"))),
      { error: { code: "NODEDOWN" } },
    ],
    [
      "a returned 'EXIT' is one",
      (ref) => tuple(ref, atom("return"), tuple(atom("EXIT"), atom("oops"))),
      { error: { code: "RPC_EXIT", reason: atom("oops") } },
    ],
    [
      "a returned 'EXIT' with a stack is an error",
      (ref) => tuple(ref, atom("return"), tuple(atom("EXIT"), tuple(atom("undef"), STACK))),
      { error: { code: "RPC_ERROR", reason: atom("undef"), stacktrace: STACK } },
    ],
    ["an exit is one", (ref) => tuple(ref, atom("exit"), "bye"), { error: { code: "RPC_EXIT", reason: "bye" } }],
  ])("%s", async (_, reason, settled) => {
    expect(await calling("rpc").end(reason)).toMatchObject(settled);
  });
});

test("a cast asks for erpc:execute_cast/3 and waits for nothing", () => {
  const world = new World();
  void new Erpc(world.user).cast(NODE, "m", "f", [1]);
  expect(world.take()).toMatchObject([
    { op: "spawnRequest", module: "erpc", function: "execute_cast", options: [], args: [atom("m"), atom("f"), [1]] },
  ]);
  expect(world.runtime.spawns.size).toBe(0);
});

describe("the node itself can be called", () => {
  function here() {
    const world = new World();
    serveErpc(world.runtime, new Spawner(world.runtime, world.exposed), world.exposed);
    world.exposed.add("m", {
      double: (n: number) => 2 * n,
      throws: () => {
        throw atom("ball");
      },
      exits: () => {
        throw new Exit(atom("bye"));
      },
    });
    return { world, erpc: new Erpc(world.user), rpc: new Rpc(world.user) };
  }

  test("for what is exposed", async () => {
    const { world, erpc } = here();
    const value = erpc.call<number>("here@host", "m", "double", [21]);
    await world.settle();
    expectTypeOf(value).toEqualTypeOf<Promise<number>>();
    expect(await value).toBe(42);
    expect(world.runtime.counts()).toMatchObject({ processes: 1, watches: 0 });
  });

  test("and everything else is undef", async () => {
    const { world, erpc } = here();
    const result = erpc.call("here@host", "os", "cmd", ["ls"]).catch((error) => error);
    await world.settle();
    expect(await result).toMatchObject({ code: "RPC_ERROR", reason: atom("undef") });
    const untyped = () => erpc.call("here@host", "os", "cmd");
    expectTypeOf(untyped).returns.resolves.toEqualTypeOf<Term>();
  });

  test("among several: each result in its place, and rpc keeps the bad nodes apart", async () => {
    const { world, erpc, rpc } = here();
    const nodes = ["here@host", NODE];
    const results = erpc.multicall<number>(nodes, "m", "exits");
    const older = rpc.multicall(nodes, "m", "throws");
    await world.settle();
    world.runtime.nodeDown(NODE);

    expectTypeOf(results).resolves.toEqualTypeOf<RpcResult<number>[]>();
    expect(await results).toMatchObject([
      { node: "here@host", ok: false, error: { code: "RPC_EXIT", reason: atom("bye") } },
      { node: NODE, ok: false, error: { code: "NODEDOWN" } },
    ]);
    expect(await older).toEqual({ results: [atom("ball")], badNodes: [NODE] });
  });
});

test("an RpcError narrows by its code", () => {
  expectTypeOf<RpcError["class"]>().toEqualTypeOf<"throw" | "exit" | "error">();
  expectTypeOf<RpcError["code"]>().extract<"RPC_THROW">().toEqualTypeOf<"RPC_THROW">();
});
