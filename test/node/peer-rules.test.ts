import { describe, expect, test } from "vitest";
import type { PeerRules } from "../../src/node/index.ts";
import { GenServer, reply } from "../../src/otp/index.ts";
import type { AnyApi, Server } from "../../src/runtime/index.ts";
import { atom, type Pid, type Term, tuple } from "../../src/term/index.ts";
import { Cluster } from "../support/cluster.ts";

const A = "a@127.0.0.1";
const B = "b@127.0.0.1";

class Echo extends GenServer {
  override handleCall(request: Term) {
    return reply(request);
  }
}

/** A node `b` that holds `a` to rules, with an echo that it may and one that it may not reach, whatever the rules say. */
async function held(rules: PeerRules) {
  const cluster = new Cluster();
  const a = await cluster.start(A);
  const received: Term[] = [];
  const b = await cluster.start(B, {
    rules: (node) => (node === A ? rules : undefined),
    onMessage: (message) => received.push(message),
  });
  await cluster.outcome(Promise.all([b.start(Echo, { name: "open" }), b.start(Echo, { name: "closed" })]));
  const call = (name: string, request: unknown) => cluster.outcome(a.call({ name, node: B }, request));
  return { cluster, a, b, received, call };
}

describe("a peer under rules", () => {
  test("reaches the names that it may, others do not exist for it, and it can always ping", async () => {
    const { call } = await held({ names: ["open"] });
    expect(await call("open", 1)).toBe(1);
    expect(await call("closed", 1)).toMatchObject({ code: "EXIT_NOPROC" });
    expect(await call("net_kernel", tuple(atom("is_auth"), atom(A)))).toBe(atom("yes"));
  });

  test("is answered as the BEAM would what it may not do", async () => {
    const { cluster, a, b, received } = await held({ operations: ["monitor"] });
    a.monitor(b.pid);
    a.link(b.pid);
    void a.send(b.pid, "dropped");
    a.exit(b.pid, atom("shutdown"));
    const spawned = await cluster.outcome(a.spawnRemote(B, "m", "f", []));

    expect(spawned).toMatchObject({ code: "SPAWN_REFUSED", reason: "notsup" });
    expect(received).toEqual([]);
    expect(b.processInfo(b.pid)).toMatchObject({ links: [], monitoredBy: [a.pid] });
    expect(a.processInfo(a.pid)?.links).toEqual([]);
  });

  test("still gets through what it answers", async () => {
    const { cluster, a, b } = await held({ operations: [] });
    await cluster.outcome(a.start(Echo, { name: "echo" }));
    expect(await cluster.outcome(b.call({ name: "echo", node: A }, "question"))).toBe("question");
  });

  test.each([2_000, 3_000_000])("has messages that are too large dropped: %i bytes", async (bytes) => {
    const { cluster, a, b, received, call } = await held({ maxMessageBytes: 1000 });
    void a.send(b.pid, "x".repeat(bytes));
    void a.send(b.pid, "small");
    a.exit(b.pid, "x".repeat(bytes));
    await cluster.clock.settle();
    expect(received).toEqual(["small"]);
    expect(await call("open", 1)).toBe(1);
  });

  test.each([2_000, 3_000_000])("is told that spawns of too many bytes are not served: %i bytes", async (bytes) => {
    const { cluster, a } = await held({ maxMessageBytes: 1000 });
    const spawned = await cluster.outcome(a.spawnRemote(B, "m", "f", ["x".repeat(bytes)]));
    expect(spawned).toMatchObject({ code: "SPAWN_REFUSED", reason: "notsup" });
  });

  test.each([2_000, 3_000_000])("ends links and monitors also with a reason of %i bytes", async (bytes) => {
    const { cluster, a, b } = await held({ maxMessageBytes: 1000 });
    const server = (await cluster.outcome(a.start(Echo, { name: "echo" }))) as Server<AnyApi>;
    const downs: unknown[] = [];
    b.monitor({ name: "echo", node: A }, ({ reason }) => downs.push(reason));
    await cluster.clock.settle();

    a.exit(server.target as Pid, "x".repeat(bytes));
    await cluster.clock.settle();

    expect(downs).toEqual([atom("reason_too_long")]);
  });

  test("loses its connection when it sends too much in a second", async () => {
    const { cluster, a, b, received } = await held({ maxSignalsPerSecond: 10 });
    const reasons: unknown[] = [];
    b.monitorNodes(({ type, reason }) => type === "nodedown" && reasons.push(reason));
    for (let i = 0; i < 10; i++) void a.send(b.pid, i);
    await cluster.clock.advance(1000);
    for (let i = 0; i < 11; i++) void a.send(b.pid, i);
    await cluster.clock.settle();
    expect(received).toHaveLength(20);
    expect(reasons).toEqual(["rate_limit"]);
  });

  test.each<[PeerRules, string]>([
    [{ names: [] }, "names"],
    [{ operations: [] }, "operations"],
    [{ maxMessageBytes: 10 }, "maxMessageBytes"],
    [{ maxSignalsPerSecond: 0 }, "maxSignalsPerSecond"],
  ])("has nothing decoded that they refuse: %o", async (rules) => {
    const cluster = new Cluster();
    const a = await cluster.start(A);
    const limits = { maxDepth: 5 };
    const b = await cluster.start(B, { rules: () => rules, decodeLimits: limits });
    const reasons: unknown[] = [];
    b.monitorNodes(({ type, reason }) => type === "nodedown" && reasons.push(reason));

    void a.send({ name: "anything", node: B }, [[[[[[[[[[1]]]]]]]]]]);
    await cluster.clock.settle();

    expect(reasons).toEqual(rules.maxSignalsPerSecond === 0 ? ["rate_limit"] : []);
    expect(a.peers()).toEqual(rules.maxSignalsPerSecond === 0 ? [] : [B]);
  });
});

describe("rules that cannot be told", () => {
  const WRONG: readonly (readonly [what: string, rules: () => unknown])[] = [
    [
      "a function that throws",
      () => {
        throw new Error("no table of rules");
      },
    ],
    ["a promise", async () => ({ names: [] })],
    ["a promise that rejects", () => Promise.reject(new Error("no table of rules"))],
    ["null", () => null],
    ["a number", () => 5],
    ["a text in place of a list", () => ({ names: "cart" })],
    ["an operation that there is not", () => ({ operations: ["read"] })],
    ["a rule that there is not", () => ({ name: ["cart"] })],
    ["a bound that is none", () => ({ maxMessageBytes: Number.NaN })],
  ];

  test.each(WRONG)("let nobody in: %s", async (_, rules) => {
    const cluster = new Cluster();
    const a = await cluster.start(A);
    const b = await cluster.start(B, { rules: rules as () => PeerRules });
    const open = b.start(Echo, { name: "open" });
    await cluster.outcome(open);

    expect(await cluster.outcome(b.connect(A))).toBeInstanceOf(Error);
    expect(await cluster.outcome(a.call({ name: "open", node: B }, 1))).toMatchObject({ code: "NODEDOWN" });
    expect([a.peers(), b.peers(), b.stats().connecting]).toEqual([[], [], 0]);
  });
});
