import { describe, expect, test } from "vitest";
import {
  Application,
  atom,
  Exit,
  GenServer,
  inspect,
  type Node,
  type NodeOptions,
  reply,
  type Term,
} from "../../src/index.ts";
import { Cluster } from "../support/cluster.ts";

class Server extends GenServer {
  override handleCall() {
    return reply(atom("ok"));
  }
}

class NoServer extends Application {
  load() {
    return { name: "app" };
  }
}

/** What code without types can get wrong; each names the argument. */
const MISTAKES: readonly (readonly [what: string, argument: string, attempt: (node: Node) => unknown])[] = [
  ["an atom as a node to connect to", "node", (node) => node.connect(atom("b@sim") as never)],
  ["nothing as a node to connect to", "node", (node) => node.connect(undefined as never)],
  ["a number as a node to keep", "node", (node) => node.keepConnected(5 as never)],
  ["an object as a node to spawn on", "node", (node) => node.spawnRemote({} as never, "m", "f", [])],
  ["a link to a name", "pid", (node) => node.link("server" as never)],
  ["an exit of a name", "pid", (node) => node.exit("server" as never, atom("kill"))],
  ["an exit of nothing", "pid", (node) => node.exit(undefined as never, atom("kill"))],
  ["a start of no class", "server", (node) => node.start(undefined as never)],
  ["a start of an instance", "server", (node) => node.start(new Server() as never)],
  ["a start of an application", "server", (node) => node.start(NoServer as never)],
  ["one node in place of a list, to call", "nodes", (node) => node.multiCall("b@sim" as never, "server", 1)],
  ["one node in place of a list, to cast", "nodes", (node) => node.abcast("b@sim" as never, "server", 1)],
  ["one node in place of a list, for erpc", "nodes", (node) => node.erpc.multicall("b@sim" as never, "m", "f")],
  ["no nodes at all, for rpc", "nodes", (node) => node.rpc.multicall(undefined as never, "m", "f")],
  ["no options of a call", "options", (node) => node.call("server", 1, null as never)],
  ["no options of a stop", "options", (node) => node.server("server").stop(undefined, null as never)],
  ["no options of a stream", "options", (node) => node.stream("producer", null as never)],
  ["no options of erpc", "options", (node) => node.erpc.call("b@sim", "m", "f", [], null as never)],
  ["no options of a blocking call", "options", (node) => node.rpc.blockCall("b@sim", "m", "f", [], null as never)],
  ["a number as the signal of a call", "signal", (node) => node.call("server", 1, { signal: 5 as never })],
  ["null as the signal of a call", "signal", (node) => node.call("server", 1, { signal: null as never })],
  ["a number as the signal of a stop", "signal", (node) => node.server("s").stop(1, { signal: 5 as never })],
  ["a number as the signal of a stream", "signal", (node) => node.stream("producer", { signal: 5 as never })],
  ["a number as the signal of erpc", "signal", (node) => node.erpc.call("b@sim", "m", "f", [], { signal: 5 as never })],
  ["a bigint as the time of a call", "timeoutMs", (node) => node.call("server", 1, { timeoutMs: 5n as never })],
  ["a text as the time of a call", "timeoutMs", (node) => node.call("server", 1, { timeoutMs: "5" as never })],
  ["a registry that looks nothing up", "via", (node) => node.call({ via: {}, name: 1 } as never, 1)],
  ["a start under such a registry", "via", (node) => node.start(Server, { name: { via: {}, name: 1 } as never })],
];

describe("a mistake in the calling code", () => {
  test.each(MISTAKES)("is BADARG, and nothing comes of it: %s", async (_, argument, attempt) => {
    const cluster = new Cluster();
    const node = await cluster.start("a@sim");
    const before = node.stats();

    const outcome = await cluster.outcome((async () => attempt(node))());

    expect(outcome).toMatchObject({ code: "BADARG", argument });
    expect(node.stats()).toEqual(before);
  });
});

test("a stopped node starts nothing", async () => {
  const cluster = new Cluster();
  const node = await cluster.start("a@sim");
  await cluster.outcome(node.stop());

  expect(await cluster.outcome(node.start(Server))).toMatchObject({ code: "EXIT_OTHER", reason: atom("shutdown") });
  expect(node.stats().processes).toBe((await stoppedAtOnce(cluster)).stats().processes);
});

async function stoppedAtOnce(cluster: Cluster): Promise<Node> {
  const node = await cluster.start("b@sim");
  await cluster.outcome(node.stop());
  return node;
}

describe("an onMessage that is asynchronous", () => {
  async function hosted(onMessage: (message: Term) => Promise<void>) {
    const logged: string[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (text: string) => void logged.push(text) };
    const cluster = new Cluster();
    const options: Partial<NodeOptions> = { onMessage, logger };
    return { cluster, logged, node: await cluster.start("a@sim", options) };
  }

  test("has its failure logged, and the node goes on", async () => {
    const seen: Term[] = [];
    const { cluster, logged, node } = await hosted(async (message) => {
      seen.push(message);
      if (message === 1) throw new Error("not this one");
    });

    node.send(node.pid, 1);
    node.send(node.pid, 2);
    await cluster.clock.settle();

    expect(seen).toEqual([1, 2]);
    expect(logged).toEqual([expect.stringContaining("not this one")]);
  });

  test("gets one message after the other", async () => {
    const steps: string[] = [];
    const { cluster, node } = await hosted(async (message) => {
      steps.push(`begin ${message}`);
      await Promise.resolve();
      steps.push(`end ${message}`);
    });

    node.send(node.pid, 1);
    node.send(node.pid, 2);
    await cluster.clock.settle();

    expect(steps).toEqual(["begin 1", "end 1", "begin 2", "end 2"]);
  });
});

describe("an exposed function that throws what is no term", () => {
  test.each([
    [
      "a function",
      () => {
        throw () => 1;
      },
      'threw "() => 1"',
    ],
    [
      "a symbol",
      () => {
        throw Symbol("odd");
      },
      'threw "Symbol(odd)"',
    ],
    [
      "a revoked proxy",
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        throw proxy;
      },
      'threw "a value without a text"',
    ],
    [
      "an Exit with a date",
      () => {
        throw new Exit(new Map([[1, new WeakMap()]]));
      },
      'exited with "[object Map]"',
    ],
  ])("ends as any other throw of it: %s", async (_, run, said) => {
    const cluster = new Cluster();
    const a = await cluster.start("a@sim");
    const b = await cluster.start("b@sim");
    b.expose("m", { run });

    const outcome = await cluster.outcome(a.erpc.call("b@sim", "m", "run"));

    expect(outcome).toBeInstanceOf(Error);
    expect(inspect((outcome as Error).message)).toContain(said.replaceAll('"', '\\"'));
  });
});

describe("a resolver that does not answer", () => {
  test("is given the time of a step of connecting", async () => {
    const cluster = new Cluster();
    let told: AbortSignal | undefined;
    const resolve = (_: string, signal: AbortSignal) => {
      told = signal;
      return new Promise<never>(() => {});
    };
    const node = await cluster.start("a@sim", { resolve, setupTimeoutMs: 300 });
    const call = node.erpc.call("b@sim", "m", "f").catch((error: unknown) => error);

    const connecting = node.connect("b@sim").catch((error: unknown) => error);
    await cluster.clock.advance(300);

    expect(await connecting).toMatchObject({ code: "HANDSHAKE_TIMEOUT", peer: "b@sim", step: "connect" });
    expect(await call).toMatchObject({ code: "NODEDOWN" });
    expect([told?.aborted, node.stats().connecting]).toEqual([true, 0]);
  });

  test("is told when the node stops, and leaves no timer", async () => {
    const cluster = new Cluster();
    const node = await cluster.start("a@sim", { resolve: () => new Promise<never>(() => {}) });
    const connecting = node.connect("b@sim").catch((error: unknown) => error);

    await cluster.outcome(node.stop());

    expect(await connecting).toMatchObject({ code: "NODE_STOPPED" });
    expect(cluster.clock.pendingTimers).toBe(0);
  });
});
