import { expect, test } from "vitest";
import { type LogFacts, silentLogger } from "../../src/base/index.ts";
import { Cluster } from "../support/cluster.ts";

test("a peer that is refused is logged with the code of why, and without the cookie", async () => {
  const cluster = new Cluster();
  const lines: { message: string; facts: LogFacts | undefined }[] = [];
  const logger = {
    ...silentLogger,
    warn: (message: string, facts?: LogFacts) => void lines.push({ message, facts }),
  };
  const a = await cluster.start("a@127.0.0.1", { cookie: "one cookie" });
  await cluster.start("b@127.0.0.1", { cookie: "another cookie", logger });

  expect(await cluster.outcome(a.connect("b@127.0.0.1"))).toMatchObject({ code: "HANDSHAKE_COOKIE" });

  expect(lines).toMatchObject([{ facts: { code: "HANDSHAKE_COOKIE" } }]);
  expect(JSON.stringify(lines)).not.toMatch(/one cookie|another cookie/);
});
