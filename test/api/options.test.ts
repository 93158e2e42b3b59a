import process from "node:process";
import { describe, expect, test } from "vitest";
import { type NodeOptions, startNode } from "../../src/index.ts";
import { Cluster } from "../support/cluster.ts";

/** As code without types would give them, each named by the option that is wrong. */
const IMPOSSIBLE: readonly (readonly [option: string, values: readonly unknown[]])[] = [
  ["name", [undefined, null, 5, "", "a", "a@", "a@b@c", {}, { from: 5 }, { from: "shop" }]],
  ["cookie", ["", 5, null, "\u0100", "x".repeat(256)]],
  ["cookieFile", [5, ""]],
  ["cookies", [5, null, { "b@sim": 5 }, { "b@sim": "" }, { b: "secret" }]],
  ["listen", [5, true, null, "127.0.0.1:80", [null], { port: "80" }, { port: -1 }, { port: 1.5 }, { host: 5 }]],
  ["advertisedPort", [0, -1, "5", 70_000]],
  ["tls", [5, true, null]],
  ["keepConnected", ["b@sim", 5, ["b"], [5]]],
  ["reconnect", [5, { minDelayMs: -1 }]],
  ["epmd", [true, "no"]],
  ["epmdPort", [0, "4369", 70_000]],
  ["visible", [true, "yes"]],
  ["netTickTimeMs", [0, -1, Number.NaN, "60000"]],
  ["setupTimeoutMs", [0, -1, Number.NaN, "7000"]],
  ["rules", [{}, ["cart"]]],
  ["otp", ["none"]],
  ["stopOn", ["SIGTERM", ["TERM"], ["SIGTERM", "SIGKILL"], [15]]],
  ["localMessages", ["shared"]],
  ["atomBudget", [-1, "10"]],
  ["decodeLimits", [5, { maxDepth: "deep" }, { maxDepth: Number.NaN }]],
  ["connectionLimits", [{ maxFrameBytes: -1 }]],
  ["maxQueuedBytesPerPeer", [Number.NaN, -1]],
  ["logger", [{}, 5]],
  ["random", [{}, 5]],
  ["floats", ["all"]],
];

describe("options of a node that cannot be", () => {
  test.each(IMPOSSIBLE)("%s is refused with BADARG, and nothing is left behind", async (argument, values) => {
    for (const value of values) {
      const cluster = new Cluster();

      const failure = cluster.start("a@sim", { [argument]: value } as Partial<NodeOptions>);

      await expect(failure, String(value)).rejects.toMatchObject({ code: "BADARG", argument });
    }
    expect(process.listenerCount("SIGTERM")).toBe(0);
  });

  test.each([undefined, null, 5, "a@sim"])("%s in place of options is refused", async (options) => {
    await expect(startNode(options as never)).rejects.toMatchObject({ code: "BADARG", argument: "options" });
  });
});

test("an option that is undefined is as one that is left out", async () => {
  const cluster = new Cluster();
  const left = Object.fromEntries(IMPOSSIBLE.slice(3).map(([option]) => [option, undefined]));

  const node = await cluster.start("a@sim", { ...left, epmd: "none" } as Partial<NodeOptions>);

  expect(node.name).toBe("a@sim");
  await node.stop();
});
