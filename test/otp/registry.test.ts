import { beforeEach, describe, expect, test } from "vitest";
import {
  child,
  GenServer,
  Registry,
  type RegistryClient,
  type RegistryOptions,
  Supervisor,
  startServer,
} from "../../src/otp/index.ts";
import { Process, type ProcessCore, Reason } from "../../src/runtime/index.ts";
import { atom, float, parse, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

let world: World;
let cart: ProcessCore;
let other: ProcessCore;

beforeEach(() => {
  world = new World();
  cart = world.spawn();
  other = world.spawn();
});

async function started(options: Partial<RegistryOptions> = {}): Promise<ProcessCore> {
  const args: RegistryOptions = { keys: "unique", ...options };
  const [{ pid }] = await Promise.all([startServer(world.user, Registry, { name: "carts", args }), world.settle()]);
  return world.runtime.find(pid)!;
}

function of<K = unknown, V = unknown>(core: ProcessCore): RegistryClient<K, V> {
  return Registry.at<K, V>(new Process(core), "carts");
}

describe("unique keys", () => {
  test("have one process each, which others find with its value", async () => {
    await started();

    of(cart).register("ann", { since: 1 });

    expect(of(other).lookup("ann")).toEqual([{ pid: cart.pid, value: { since: 1 } }]);
    expect(of(other).lookup("bob")).toEqual([]);
    expect(of(other).keys(cart.pid)).toEqual(["ann"]);
    expect(of(other).values("ann", cart.pid)).toEqual([{ since: 1 }]);
    expect(of(other).values("ann", other.pid)).toEqual([]);
    expect(of(other).count()).toBe(1);
  });

  test("that are taken are refused, also to the one that has it", async () => {
    await started();
    of(cart).register("ann", null);

    const reason = tuple(atom("already_registered"), cart.pid);
    expect(() => of(other).register("ann", null)).toThrow(expect.objectContaining({ reason }));
    expect(() => of(cart).register("ann", null)).toThrow(expect.objectContaining({ reason }));
    expect(of(cart).count()).toBe(1);
  });

  test("are told apart as terms are", async () => {
    await started();
    of(cart).register(1, "integer");
    of(cart).register(float(1), "float");
    of(cart).register(parse("{:user, 7}"), "tuple");

    expect(of(other).lookup(parse("{:user, 7}"))).toEqual([{ pid: cart.pid, value: "tuple" }]);
    expect(of(other).lookup(1n)).toEqual([{ pid: cart.pid, value: "integer" }]);
    expect(of(other).count()).toBe(3);
  });

  test("have values that only their process changes", async () => {
    await started();
    of<string, number>(cart).register("ann", 1);

    expect(of<string, number>(cart).updateValue("ann", (n) => n + 1)).toEqual([2, 1]);
    expect(of<string, number>(other).updateValue("ann", (n) => n + 1)).toBeUndefined();
    expect(of(other).lookup("ann")).toEqual([{ pid: cart.pid, value: 2 }]);
    expect(of(other).values("ann", cart.pid)).toEqual([2]);
  });
});

describe("duplicate keys", () => {
  beforeEach(async () => {
    await started({ keys: "duplicate" });
    of(cart).register("topic", 1);
    of(other).register("topic", 2);
    of(cart).register("topic", 3);
  });

  test("have any number of entries, in their order", () => {
    const entries = [
      { pid: cart.pid, value: 1 },
      { pid: other.pid, value: 2 },
      { pid: cart.pid, value: 3 },
    ];
    expect(of(other).lookup("topic")).toEqual(entries);
    expect(of(other).keys(cart.pid)).toEqual(["topic", "topic"]);
    expect(of<string, number>(other).match("topic", (value) => value > 1)).toEqual(entries.slice(1));
    expect(of<string, number>(other).select(({ key, value }) => (value > 1 ? `${key}${value}` : undefined))).toEqual([
      "topic2",
      "topic3",
    ]);
  });

  test("are dispatched to in the process that asks, unless nobody is there", () => {
    const seen: unknown[] = [];
    of(other).dispatch("topic", (entries) => void seen.push(entries.map(({ value }) => value)));
    of(other).dispatch("nothing", () => void seen.push("never"));
    expect(seen).toEqual([[1, 2, 3]]);
  });

  test("are given up by process, or by value", () => {
    of<string, number>(cart).unregisterMatch("topic", (value) => value === 3);
    expect(of(other).values("topic", cart.pid)).toEqual([1]);
    of(cart).unregister("topic");
    expect(of(other).lookup("topic")).toEqual([{ pid: other.pid, value: 2 }]);
  });

  test("are no names, and have no value that could be changed", () => {
    expect(() => world.process.send(of(other).via("topic"), 1)).toThrow(expect.objectContaining({ code: "BADARG" }));
    expect(() => of(cart).updateValue("topic", (value) => value)).toThrow(expect.objectContaining({ code: "BADARG" }));
  });
});

describe("the end of a process", () => {
  test("takes its entries along at once", async () => {
    await started();
    of(cart).register("ann", 1);
    of(cart).register("bob", 1);

    cart.exit(Reason.normal);

    expect(of(other).count()).toBe(0);
    of(other).register("ann", 2);
    expect(of(other).lookup("ann")).toEqual([{ pid: other.pid, value: 2 }]);
  });

  test("that is the registry is theirs too, unless they trap exits", async () => {
    const registry = await started();
    other.trapExit = true;
    of(cart).register("ann", 1);
    of(other).register("bob", 1);

    registry.exit(atom("crashed"));
    await world.settle();

    expect(cart.exitReason).toBe(atom("crashed"));
    expect(other.alive).toBe(true);
    expect(() => of(other).count()).toThrow(expect.objectContaining({ code: "BADARG" }));
  });

  test("has nothing to do with the registry once it has no entry there", async () => {
    const registry = await started();
    of(cart).register("ann", 1);
    of(cart).unregister("ann");
    registry.exit(atom("crashed"));
    await world.settle();
    expect(cart.alive).toBe(true);
  });
});

test("a listener hears of every entry that comes and goes", async () => {
  world.runtime.names.register("listener", world.user);
  await started({ listeners: ["listener", "nobody"] });
  of(cart).register("ann", 1);
  of(cart).unregister("ann");
  of(cart).register("bob", 2);
  cart.exit(Reason.kill);
  await world.settle();
  const carts = atom("carts");
  expect(world.inbox).toEqual([
    tuple(atom("register"), carts, "ann", cart.pid, 1),
    tuple(atom("unregister"), carts, "ann", cart.pid),
    tuple(atom("register"), carts, "bob", cart.pid, 2),
    tuple(atom("unregister"), carts, "bob", cart.pid),
  ]);
});

test("a key is a name to start a server under, and to send to", async () => {
  await started();
  class Cart extends GenServer {}
  const name = of(world.user).via("ann", "first");
  const [server] = await Promise.all([startServer(world.user, Cart, { name }), world.settle()]);

  expect(of(other).lookup("ann")).toEqual([{ pid: server.pid, value: "first" }]);
  const again = startServer(world.user, Cart, { name });
  await expect(again).rejects.toMatchObject({ reason: tuple(atom("already_started"), server.pid) });

  const stopped = Promise.all([world.process.server(name).stop(), world.settle()]);
  await stopped;
  expect(of(other).lookup("ann")).toEqual([]);
});

test("a name whose server does not start is free when that is known", async () => {
  await started();
  class Failing extends GenServer {
    override init() {
      throw new Error("no luck");
    }
  }
  const starting = startServer(world.user, Failing, { name: of(world.user).via("ann") });
  await expect(Promise.all([starting, world.settle()])).rejects.toMatchObject({ code: "EXIT_OTHER" });
  expect(of(other).lookup("ann")).toEqual([]);
});

test("what the registry itself knows is put there at its start or later", async () => {
  await started({ meta: [[atom("limit"), 10]] });
  expect(of(cart).meta(atom("limit"))).toBe(10);
  of(cart).putMeta(parse("{:limit, 1}"), [1, 2]);
  expect(of(other).meta(parse("{:limit, 1}"))).toEqual([1, 2]);
  of(other).deleteMeta(atom("limit"));
  expect(of(cart).meta(atom("limit"))).toBeUndefined();
});

test("a value is a copy, on its way in and out", async () => {
  await started();
  const value = [1];
  of(cart).register("ann", value);
  value.push(2);
  const [found] = of<string, number[]>(other).lookup("ann");
  found?.value.push(3);
  expect(of(other).lookup("ann")).toEqual([{ pid: cart.pid, value: [1] }]);
});

test("no request of another process ends a registry", async () => {
  const registry = await started();
  const answer = world.process.call(registry.pid, atom("which_children"));
  void world.process.cast(registry.pid, 1);
  void world.process.send(registry.pid, 1);
  await world.settle();
  expect(await answer).toEqual(parse("{:error, {:bad_call, :which_children}}"));
  expect(registry.alive).toBe(true);
});

test("starts as a child, under a name only, with a kind of keys", async () => {
  const tree = Supervisor.of([child(Registry, { name: "carts", args: { keys: "unique" } })]);
  await Promise.all([startServer(world.user, tree, {}), world.settle()]);
  of(cart).register("ann", 1);
  expect(of(other).count()).toBe(1);
  const nameless = startServer(world.user, Registry, { args: { keys: "unique" } });
  await expect(Promise.all([nameless, world.settle()])).rejects.toThrow("a registry needs one");
  const odd = startServer(world.user, Registry, { name: "odd", args: { keys: "both" as "unique" } });
  await expect(Promise.all([odd, world.settle()])).rejects.toThrow("must be unique or duplicate");
  expect(world.runtime.names.find("odd")).toBeUndefined();
});
