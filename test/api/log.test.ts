import { describe, expect, test } from "vitest";
import { type LogFacts, silentLogger } from "../../src/base/index.ts";
import { GenServer } from "../../src/index.ts";
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

describe("a logger that fails", () => {
  class Crashing extends GenServer {
    override handleCall(): never {
      throw new Error("boom");
    }
  }

  const FAILING: readonly (readonly [how: string, fail: () => void])[] = [
    [
      "throws",
      () => {
        throw new Error("the disk is full");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the disk is full")) as never],
  ];

  test.each(FAILING)("by that it %s leaves no call unsettled, and is nobody's error", async (_, fail) => {
    const uncaught: unknown[] = [];
    const note = (error: unknown) => void uncaught.push(error);
    process.on("uncaughtException", note).on("unhandledRejection", note);
    const cluster = new Cluster();
    const a = await cluster.start("a@sim", { logger: { debug: fail, info: fail, warn: fail, error: fail } });
    const server = await a.start(Crashing);

    const outcome = await cluster.outcome(server.call(1, { timeoutMs: 100 }));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("uncaughtException", note).off("unhandledRejection", note);

    expect(outcome).toMatchObject({ code: "EXIT_OTHER" });
    expect(uncaught).toEqual([]);
    expect(a.stats().processes).toBe((await cluster.start("b@sim")).stats().processes);
  });

  test("on the facts of a line gets the line without them", async () => {
    const lines: string[] = [];
    const error = (message: string, facts?: LogFacts) => {
      if (facts) throw new Error("cannot be printed");
      lines.push(message);
    };
    const cluster = new Cluster();
    const a = await cluster.start("a@sim", { logger: { ...silentLogger, error } });
    const server = await a.start(Crashing);

    await cluster.outcome(server.call(1));

    expect(lines).toEqual([expect.stringContaining("terminating: Error: boom")]);
  });
});
