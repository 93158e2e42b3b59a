import { expect, test } from "vitest";
import { GenServer, reply } from "../../src/otp/index.ts";
import type { Down } from "../../src/runtime/index.ts";
import { atom, type Term } from "../../src/term/index.ts";
import { SimulatedCluster, type SimulatedClusterOptions } from "../../src/testing/index.ts";

const A = "a@sim";
const B = "b@sim";
const TICK_MS = 4_000;

class Echo extends GenServer {
  override handleCall(request: Term) {
    return reply(request);
  }
}

/** Two nodes that are connected, with an echo on the second. */
async function pair(options: SimulatedClusterOptions = {}) {
  const cluster = new SimulatedCluster({ nodes: { netTickTimeMs: TICK_MS }, ...options });
  const a = await cluster.start(A);
  const b = await cluster.start(B);
  await cluster.until(b.start(Echo, { name: "echo" }));
  const echo = a.server({ name: "echo", node: B });
  await cluster.until(echo.call("hello"));
  return { cluster, a, b, echo };
}

const settled = (cluster: SimulatedCluster, promise: Promise<unknown>) =>
  cluster.until(promise.catch((error: unknown) => error));

test("a call takes as long as its way there and back", async () => {
  const { cluster, echo } = await pair();
  cluster.setSpeed(A, B, { delayMs: 30 });
  cluster.setSpeed(B, A, { delayMs: [5, 10] });
  const start = cluster.clock.now();

  expect(await cluster.until(echo.call("x"))).toBe("x");

  const took = cluster.clock.now() - start;
  expect(took).toBeGreaterThanOrEqual(35);
  expect(took).toBeLessThanOrEqual(40);
});

test("a slow link takes its time for every byte", async () => {
  const { cluster, echo } = await pair();
  cluster.setSpeed(A, B, { bytesPerSecond: 10_000 });
  const start = cluster.clock.now();

  await cluster.until(echo.call("x".repeat(20_000)));

  expect(cluster.clock.now() - start).toBeGreaterThanOrEqual(2_000);
  expect(cluster.clock.now() - start).toBeLessThan(2_100);
});

test("a cut is noticed at once on both sides, and the next call connects again", async () => {
  const { cluster, a, b, echo } = await pair();

  cluster.cut(A, B);
  await cluster.advance(0);

  expect([a.peers(), b.peers()]).toEqual([[], []]);
  expect(await cluster.until(echo.call("again"))).toBe("again");
});

test("the deaf side of a half-open link gives the peer up after the tick time, and both are told", async () => {
  const { cluster, a, b } = await pair();
  const downs: Down[] = [];
  a.monitor({ name: "echo", node: B }, (down) => void downs.push(down));
  await cluster.advance(1);

  cluster.block(A, B);
  await cluster.advance(0.75 * TICK_MS - 1);
  expect([a.peers(), b.peers()]).toEqual([[B], [A]]);
  await cluster.advance(0.5 * TICK_MS + 1);

  expect([a.peers(), b.peers()]).toEqual([[], []]);
  expect(downs).toMatchObject([{ reason: atom("noconnection") }]);
});

test("a short split is no loss: what waited arrives when it is over", async () => {
  const { cluster, echo } = await pair();

  cluster.split(A, B);
  const call = echo.call("patience");
  await cluster.advance(TICK_MS / 4);
  cluster.heal();

  expect(await cluster.until(call)).toBe("patience");
});

test("a crashed node is missed after the tick time", async () => {
  const { cluster, a } = await pair();

  await cluster.crash(B);
  await cluster.advance(TICK_MS / 2);
  expect([a.peers(), cluster.nodes]).toEqual([[B], [a]]);
  await cluster.advance(TICK_MS);

  expect(a.peers()).toEqual([]);
});

test("a restarted node is another life of its name, and replaces the connection that its peer still has", async () => {
  const { cluster, a, b } = await pair();
  const downs: Down[] = [];
  a.monitor({ name: "echo", node: B }, (down) => void downs.push(down));
  await cluster.advance(1);

  await cluster.crash(B);
  const again = await cluster.restart(B);
  await cluster.until(again.start(Echo, { name: "echo" }));
  await cluster.until(again.connect(A));

  expect(again.creation).not.toBe(b.creation);
  expect(downs).toMatchObject([{ reason: atom("noconnection") }]);
  expect(a.peers()).toEqual([B]);
  expect(await cluster.until(a.call({ name: "echo", node: B }, 1))).toBe(1);
});

test("a connection of an earlier life is reset when it is used", async () => {
  const { cluster, echo } = await pair();

  await cluster.crash(B);
  const again = await cluster.restart(B);
  await cluster.until(again.start(Echo, { name: "echo" }));

  expect(await settled(cluster, echo.call(1))).toMatchObject({ code: "NODEDOWN" });
  expect(await cluster.until(echo.call(2))).toBe(2);
});

test("nothing is left when the cluster is disposed of", async () => {
  const { cluster, a, b } = await pair({ speed: { delayMs: [1, 9] } });

  await cluster[Symbol.asyncDispose]();
  await cluster.advance(10);

  expect([await a.closed, await b.closed]).toEqual(["stopped", "stopped"]);
  expect([cluster.nodes, cluster.openStreams, cluster.listeners]).toEqual([[], 0, 0]);
  expect(cluster.clock.pendingTimers).toBe(0);
});

test("what cannot be done says so", async () => {
  const { cluster } = await pair();

  expect(() => cluster.start(A)).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(() => cluster.restart(A)).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(() => cluster.restart("c@sim")).toThrow(expect.objectContaining({ code: "BADARG" }));
  await expect(cluster.crash("c@sim")).rejects.toMatchObject({ code: "BADARG" });
  expect(() => cluster.setSpeed(A, B, { delayMs: -1 })).toThrow(expect.objectContaining({ code: "BADARG" }));
  await expect(cluster.until(new Promise(() => {}), 1_000)).rejects.toThrow("still pending");
});
