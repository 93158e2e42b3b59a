import { expect, test } from "vitest";
import { DEFAULT_MAX_DEPTH } from "../../src/etf/index.ts";
import { GenServer, reply } from "../../src/otp/index.ts";
import { atom, type Pid, type Term, tuple } from "../../src/term/index.ts";
import { SimulatedCluster } from "../../src/testing/index.ts";
import { MemoryLogger } from "../support/world.ts";

const A = "a@sim";
const B = "b@sim";

/** As deep as a term may be where it is the part of a message that wraps it in a few levels more. */
function deep(kind: "lists" | "tuples" | "maps"): unknown {
  let term: unknown = "x";
  for (let i = 0; i < DEFAULT_MAX_DEPTH - 10; i++) {
    if (kind === "lists") term = [term];
    else term = kind === "tuples" ? tuple(term as object) : { a: term };
  }
  return term;
}

class Echo extends GenServer {
  override handleCall(request: Term) {
    return request === atom("ping") ? reply("pong") : reply(request);
  }
  override handleCast(request: Term) {
    throw new Error(String(request));
  }
}

test.each(["lists", "tuples", "maps"] as const)("%s nested to the limit do a node no harm", async (kind) => {
  const logger = new MemoryLogger();
  const cluster = new SimulatedCluster({ nodes: { logger } });
  const a = await cluster.start(A);
  const b = await cluster.start(B);
  const start = async (name: string) => (await cluster.until(b.start(Echo, { name }))).pid as Pid;
  const term = deep(kind);
  const echo = { name: "echo", node: B };
  await start("echo");

  const echoed = await cluster.until(a.call(echo, term).then(Boolean, String));
  a.cast(await start("crashes"), term);
  a.cast({ name: "no_such_function", node: B }, term);
  a.exit(await start("exits"), term);
  a.link(await start("linked"));
  a.exit(await start("exits_too"), tuple(atom("shutdown"), term as object));
  void a.send({ name: "net_kernel", node: B }, term);
  void a.send({ name: "rex", node: B }, term);
  void a.send(b.pid, term);
  await cluster.advance(1_000);

  expect(echoed).toBe(true);
  expect(await cluster.until(a.call(echo, atom("ping")))).toBe("pong");
  expect([a.stats().dials, b.peers()]).toEqual([1, [A]]);
  await cluster[Symbol.asyncDispose]();
});
