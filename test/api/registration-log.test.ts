import { expect, test } from "vitest";
import { type LogFacts, silentLogger } from "../../src/base/index.ts";
import { EpmdClient, startEpmd } from "../../src/epmd/index.ts";
import { Cluster } from "../support/cluster.ts";

test("a name that was taken while the epmd was away is told of once, and again when it is back", async () => {
  const cluster = new Cluster();
  const around = { port: 4369, transport: cluster.network, clock: cluster.clock };
  const lines: [string, string, LogFacts | undefined][] = [];
  const logger = {
    ...silentLogger,
    info: (message: string) => void lines.push(["info", message, undefined]),
    warn: (message: string, facts?: LogFacts) => void lines.push(["warn", message, facts]),
  };
  const settled = async <T>(promise: Promise<T>) => (await Promise.all([promise, cluster.clock.settle()]))[0];
  const before = await settled(startEpmd(around));
  await cluster.start("a@127.0.0.1", { epmd: "require", epmdPort: 4369, logger });

  await settled(before.close());
  await settled(startEpmd(around));
  const taken = await settled(new EpmdClient(around).register({ name: "a", port: 1 }));
  await cluster.clock.advance(60_000);
  await settled(taken.close());
  await cluster.clock.advance(60_000);

  expect(lines).toEqual([
    ["info", expect.stringContaining("is gone"), undefined],
    ["warn", expect.stringContaining("a@127.0.0.1 could not be registered again"), { code: "EPMD_NAME_TAKEN" }],
    ["info", "a@127.0.0.1 is registered again", undefined],
  ]);
});
