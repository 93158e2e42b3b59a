import { describe, expect, test } from "vitest";
import { GenServer, reply } from "../../src/otp/index.ts";
import type { Term } from "../../src/term/index.ts";
import { Cluster } from "../support/cluster.ts";

const A = "a@127.0.0.1";
const B = "b@127.0.0.1";

class Echo extends GenServer {
  override handleCall(request: Term) {
    return reply(request);
  }
}

describe("a node that asks another one for its name", () => {
  /** `b`, and a node that has its name from it. */
  async function granted() {
    const cluster = new Cluster();
    const b = await cluster.start(B);
    const a = await cluster.start("nameless", { name: { from: B } });
    return { cluster, a, b };
  }

  test("has it, is connected, and both sides can call each other", async () => {
    const { cluster, a, b } = await granted();
    await cluster.outcome(a.start(Echo, { name: "echo" }));
    await cluster.outcome(b.start(Echo, { name: "echo" }));

    expect(a.name).toMatch(/^[0-9A-Z]{1,13}@127\.0\.0\.1$/);
    expect([a.peers(), b.peers()]).toEqual([[B], [a.name]]);
    expect(await cluster.outcome(a.call({ name: "echo", node: B }, 1))).toBe(1);
    expect(await cluster.outcome(b.call({ name: "echo", node: a.name }, 2))).toBe(2);
    expect(a.creation).toBeGreaterThan(3);
  });

  test("does not listen", async () => {
    const { a } = await granted();
    expect(a.port).toBeUndefined();
  });

  test("connects to others under that name", async () => {
    const { cluster, a } = await granted();
    const c = await cluster.start("c@127.0.0.1");
    await cluster.outcome(a.connect(c.name));
    expect(c.peers()).toEqual([a.name]);
  });

  test("stops with name_lost when the connection to it is gone, and leaves nothing", async () => {
    const { cluster, a, b } = await granted();
    cluster.network.cut();
    await cluster.clock.settle();

    expect(await a.closed).toBe("name_lost");
    await cluster.outcome(b.stop());
    expect([cluster.clock.pendingTimers, cluster.network.openStreams, b.stats().connecting]).toEqual([0, 0, 0]);
  });

  test("gets another creation than the peer that had the name before", async () => {
    const { cluster, a } = await granted();
    await cluster.outcome(a.stop());
    const again = await cluster.start("nameless", { name: { from: B } });
    expect({ name: again.name, creation: again.creation }).toEqual({ name: a.name, creation: a.creation + 1 });
  });

  test.each([
    ["nobody there", { name: { from: "c@127.0.0.1" } }, "ECONNREFUSED"],
    ["another cookie", { name: { from: B }, cookie: "another" }, "HANDSHAKE_COOKIE"],
    ["no name of a node", { name: { from: "b" } }, "BADARG"],
    ["a host that is none", { name: { from: B, host: "x@y" } }, "BADARG"],
    ["a place to listen at", { name: { from: B }, listen: { port: 7_001 } }, "BADARG"],
    ["waits that cannot be", { name: { from: B }, reconnect: { minDelayMs: -1 } }, "BADARG"],
    ["a host of the other kind", { name: { from: B, host: "box" } }, "NODE_NAME_KIND"],
  ])("does not start with %s", async (_, options, code) => {
    const cluster = new Cluster();
    const b = await cluster.start(B);
    expect(await cluster.outcome(cluster.start("nameless", options))).toMatchObject({ code });
    await cluster.outcome(b.stop());
    expect([cluster.clock.pendingTimers, cluster.network.openStreams]).toEqual([0, 0]);
  });
});

describe("short and long names", () => {
  test("do not connect: the call's error has NODE_NAME_KIND as its cause, and nothing is dialled", async () => {
    const cluster = new Cluster();
    const a = await cluster.start("a@box");
    await cluster.start("b@box.example");

    expect(await cluster.outcome(a.call({ name: "echo", node: "b@box.example" }, 1))).toMatchObject({
      code: "NODEDOWN",
      cause: { code: "NODE_NAME_KIND" },
    });
    expect([cluster.network.openStreams, a.stats().connecting]).toEqual([0, 0]);
  });
});

describe("where a node listens", () => {
  test("can be several places, all of which are gone when it stops", async () => {
    const cluster = new Cluster();
    const ports: number[] = [];
    const a = await cluster.start(A, { listen: [{ port: 7_001 }, { port: 7_002 }] });
    for (const port of [7_001, 7_002]) {
      const peer = await cluster.start(`peer-${port}@127.0.0.1`, { resolve: () => ({ host: "127.0.0.1", port }) });
      await cluster.outcome(peer.connect(A));
      ports.push(port);
      expect(a.peers()).toEqual(ports.map((known) => `peer-${known}@127.0.0.1`));
    }

    expect(a.port).toBe(7_001);
    const before = cluster.network.listeners;
    await cluster.outcome(a.stop());
    expect(cluster.network.listeners).toBe(before - 2);
  });

  test("is given up when one of several places cannot be had", async () => {
    const cluster = new Cluster();
    await expect(cluster.start(A, { listen: [{ port: 7_001 }, { port: 7_001 }] })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    expect(cluster.network.listeners).toBe(0);
  });
});

describe("a node that is kept connected", () => {
  const reconnect = { minDelayMs: 100, maxDelayMs: 1_000, jitter: 0 };

  test("is connected to at the start, and again after a loss and after failures", async () => {
    const cluster = new Cluster();
    const b = await cluster.start(B);
    const a = await cluster.start(A, { keepConnected: [B], reconnect });
    await cluster.clock.settle();
    expect(a.peers()).toEqual([B]);

    cluster.network.cut();
    await cluster.clock.advance(100);
    expect(a.peers()).toEqual([B]);

    await cluster.outcome(b.stop());
    await cluster.clock.advance(5_000);
    expect(a.peers()).toEqual([]);
    const dials = a.stats().dials;
    await cluster.start(B);
    await cluster.clock.advance(1_000);

    expect(a.peers()).toEqual([B]);
    expect(dials).toBe(2 + 7); // two that connected, then after 100, 300, 700, 1500, 2500, 3500 and 4500 ms
  });

  test("is not any more once the function that was given is called, nor when the node stops", async () => {
    const cluster = new Cluster();
    await cluster.start(B);
    const a = await cluster.start(A, { reconnect });
    const forget = a.keepConnected(B);
    await cluster.clock.settle();

    forget();
    expect(a.peers()).toEqual([B]);
    a.disconnect(B);
    await cluster.clock.advance(10_000);
    expect(a.peers()).toEqual([]);

    a.keepConnected("nobody@127.0.0.1");
    await cluster.outcome(a.stop());
    await cluster.clock.settle();
    expect(a.stats().connecting).toBe(0);
  });

  test("has to have a node name", async () => {
    const cluster = new Cluster();
    const a = await cluster.start(A);
    expect(() => a.keepConnected("nobody")).toThrow(expect.objectContaining({ code: "BADARG" }));
    await expect(cluster.start(B, { keepConnected: ["nobody"] })).rejects.toMatchObject({ code: "BADARG" });
  });
});

test("connecting to oneself is done at once", async () => {
  const cluster = new Cluster();
  const a = await cluster.start(A);
  await a.connect(A);
  expect([a.peers(), a.stats().dials]).toEqual([[], 0]);
});
