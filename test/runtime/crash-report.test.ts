import { expect, test } from "vitest";
import type { LogFacts, Logger } from "../../src/base/index.ts";
import { GenServer, startServer, stop } from "../../src/otp/index.ts";
import { Exit } from "../../src/runtime/index.ts";
import { atom, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

class KeptLog implements Logger {
  readonly reports: (readonly [message: string, facts: LogFacts | undefined])[] = [];
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(message: string, facts?: LogFacts): void {
    this.reports.push([message, facts]);
  }
}

class Cart extends GenServer {
  override handleCast(request: Term) {
    if (request === atom("exit")) throw new Exit(tuple(atom("no_luck"), 7));
    if (request === atom("shutdown")) throw new Exit(atom("shutdown"));
    if (request === atom("stop")) return stop(atom("tired"));
    throw new RangeError("no such sku");
  }
}

/** What is logged when a server called `cart` gets this cast. */
async function reportOf(request: string) {
  const logger = new KeptLog();
  const world = new World({ logger });
  const starting = startServer(world.user, Cart, { name: "cart" });
  await world.settle();
  const cart = await starting;
  await cart.cast(atom(request));
  await world.settle();
  return { pid: cart.pid, reports: logger.reports };
}

test("an error is reported with process, behaviour, last message, reason and the error itself", async () => {
  const { pid, reports } = await reportOf("add");

  expect(reports).toEqual([
    [
      `GenServer Cart ${pid} (cart) terminating: RangeError: no such sku`,
      {
        node: "here@host",
        pid: String(pid),
        behaviour: "GenServer Cart",
        name: "cart",
        lastMessage: '{:"$gen_cast", :add}',
        reason: "RangeError: no such sku",
        error: expect.objectContaining({ stack: expect.stringContaining("crash-report.test.ts") }),
      },
    ],
  ]);
});

test("a reason that was chosen is reported as the term that it is", async () => {
  const thrown = await reportOf("exit");
  const stopped = await reportOf("stop");

  expect(thrown.reports[0]?.[0]).toMatch(/terminating: {:no_luck, 7}$/);
  expect(thrown.reports[0]?.[1]).toMatchObject({ reason: "{:no_luck, 7}", lastMessage: '{:"$gen_cast", :exit}' });
  expect(stopped.reports[0]?.[1]).toMatchObject({ reason: ":tired" });
});

test("an end in order is no crash", async () => {
  expect((await reportOf("shutdown")).reports).toEqual([]);
});
