import { expect, test } from "vitest";
import { type CallResult, GenServer, reply, SysClient, startServer } from "../../src/otp/index.ts";
import { atom, Export, type Term, tuple } from "../../src/term/index.ts";
import { World } from "../support/world.ts";

class Counter extends GenServer {
  count = 0;
  override handleCall(): CallResult {
    return reply(++this.count);
  }
}

async function started() {
  const world = new World();
  const [{ pid }] = await Promise.all([startServer(world.user, Counter, { name: "counter" }), world.settle()]);
  const settled = async <T>(result: Promise<T>): Promise<T> => (await Promise.all([result, world.settle()]))[0];
  return { world, pid, settled, sys: new SysClient(world.process) };
}

test("the state of a server of this node is seen and replaced", async () => {
  const { world, pid, settled, sys } = await started();
  world.exposed.add("m", { "hundred/1": () => ({ count: 100 }) });
  expect(await settled(sys.getState("counter"))).toEqual({ count: 0 });
  expect(await settled(sys.replaceState(pid, new Export("m", "hundred", 1)))).toEqual({ count: 100 });
  expect(await settled(sys.getStatus(pid))).toMatchObject({ pid, module: "gen_server", state: "running", debug: [] });
});

test("a state that looks like an answer of a later release is given as it is", async () => {
  class Ok extends GenServer {
    override inspectState(): Term {
      return tuple(atom("ok"), 1);
    }
  }
  const { world, settled, sys } = await started();
  const [{ pid }] = await Promise.all([startServer(world.user, Ok, {}), world.settle()]);
  expect(await settled(sys.getState(pid))).toEqual(tuple(atom("ok"), 1));
});

test("events are counted and kept while that is switched on", async () => {
  const { world, settled, sys } = await started();
  expect(await settled(sys.getStatistics("counter"))).toBeUndefined();
  await settled(sys.statistics("counter", true));
  await settled(sys.log("counter", 1));
  await settled(world.process.call("counter", 1));
  expect(await settled(sys.getStatistics("counter"))).toMatchObject({ messagesIn: 1, messagesOut: 1 });
  expect(await settled(sys.getLog("counter"))).toMatchObject([[atom("out"), 1, {}, { count: 1 }]]);
  await settled(sys.noDebug("counter"));
  expect(await settled(sys.getLog("counter"))).toEqual([]);
});

test("a suspended server goes on when it is resumed", async () => {
  const { world, settled, sys } = await started();
  await settled(sys.suspend("counter"));
  const answer = world.process.call("counter", 1);
  expect((await settled(sys.getStatus("counter"))).state).toBe("suspended");
  await settled(sys.resume("counter"));
  expect(await settled(answer)).toBe(1);
});

test.each<[string, (sys: SysClient) => Promise<unknown>]>([
  ["SYS_FAILED", (sys) => sys.replaceState("counter", new Export("m", "nothing", 1))],
  ["SYS_FAILED", (sys) => sys.install("counter", { fun: new Export("m", "nothing", 3), state: 0 })],
  ["SYS_REFUSED", (sys) => sys.changeCode("counter", { module: "m", oldVersion: 1, extra: [] })],
  ["EXIT_NOPROC", (sys) => sys.getState("nobody")],
])("%s is the code of what cannot be done", async (code, request) => {
  const { settled, sys } = await started();
  await expect(settled(request(sys))).rejects.toMatchObject({ code });
});

test("the reason of a request that failed names it as Erlang does", async () => {
  const { settled, sys } = await started();
  await expect(settled(sys.trace("nobody", true))).rejects.toMatchObject({
    reason: [atom("noproc"), [atom("sys"), atom("trace"), [tuple(atom("nobody"), atom("here@host")), true]]],
  });
});
