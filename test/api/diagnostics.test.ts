import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, expect, test } from "vitest";
import { atom, type CallResult, GenServer, GenStage, type Node, reply, type Term } from "../../src/index.ts";
import { Cluster } from "../support/cluster.ts";

type Told = Record<string, unknown>;

const subscriptions: (() => void)[] = [];

/** What is told on channels, in its order, from now on. */
function listen(...names: string[]): [name: string, message: Told][] {
  const told: [string, Told][] = [];
  for (const name of names) {
    const onMessage = (message: unknown) => void told.push([name, message as Told]);
    subscribe(`tiebeam:${name}`, onMessage);
    subscriptions.push(() => unsubscribe(`tiebeam:${name}`, onMessage));
  }
  return told;
}

afterEach(() => {
  for (const undo of subscriptions.splice(0)) undo();
});

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const events: T[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

class Worker extends GenServer {
  override handleCall(request: Term): CallResult {
    if (request === atom("fail")) throw new Error("no");
    return reply(request);
  }
}

test("a process is told of when it starts, crashes and ends", async () => {
  const cluster = new Cluster();
  const node = await cluster.start("a@sim");
  const told = listen("process:start", "process:crash", "process:exit");

  const { pid } = (await cluster.outcome(node.start(Worker, { name: "worker" }))) as { pid: unknown };
  await cluster.outcome(node.call("worker", atom("fail")));

  const facts = { node: "a@sim", pid, label: "GenServer Worker" };
  const lastMessage = expect.stringContaining("$gen_call");
  expect(told).toMatchObject([
    ["process:start", facts],
    ["process:crash", { ...facts, name: "worker", error: { message: "no" }, lastMessage }],
    ["process:exit", { ...facts, reason: told[1]![1].reason }],
  ]);
  await node.stop();
});

test("a link is told of when it is up and when it is lost, on both sides", async () => {
  const cluster = new Cluster();
  const a = await cluster.start("a@sim");
  const b = await cluster.start("b@sim");
  const told = listen("link:up", "link:down");

  await cluster.outcome(a.connect("b@sim"));
  a.disconnect("b@sim");
  await cluster.clock.settle();

  expect(told.map(([name, { node, peer }]) => `${name} ${node} ${peer}`).sort()).toEqual([
    "link:down a@sim b@sim",
    "link:down b@sim a@sim",
    "link:up a@sim b@sim",
    "link:up b@sim a@sim",
  ]);
  expect(told.find(([name, { node }]) => name === "link:down" && node === "a@sim")?.[1].reason).toBe("disconnect");
  await Promise.all([a.stop(), b.stop()]);
});

test("a call is told of when it starts, and either of its end or of its failure, with how long it took", async () => {
  const cluster = new Cluster();
  const a = await cluster.start("a@sim");
  const b = await cluster.start("b@sim");
  await cluster.outcome(b.start(Worker, { name: "worker" }));
  b.expose("math", { double: (n: number) => 2 * n });
  const told = listen("call:start", "call:end", "call:error");

  await cluster.outcome(a.call({ name: "worker", node: "b@sim" }, atom("ok")));
  await cluster.outcome(a.call({ name: "nobody", node: "b@sim" }, atom("ok")));
  await cluster.outcome(a.erpc.call("b@sim", "math", "double", [2]));

  expect(told.map(([name]) => name)).toEqual([
    "call:start",
    "call:end",
    "call:start",
    "call:error",
    "call:start",
    "call:end",
  ]);
  const [start, end, , failed, remote] = told.map(([, message]) => message);
  expect(start).toMatchObject({
    node: "a@sim",
    caller: a.pid,
    kind: "call",
    target: { name: "worker" },
    request: atom("ok"),
  });
  expect(end).toMatchObject({ ref: start?.ref, durationMs: expect.any(Number) });
  expect(failed).toMatchObject({ error: { code: "EXIT_NOPROC" }, durationMs: expect.any(Number) });
  expect(remote).toMatchObject({ kind: "erpc", target: "b@sim" });
  await Promise.all([a.stop(), b.stop()]);
});

test("what a subscriber binds to a message that is handled reaches the callback", async () => {
  const cluster = new Cluster();
  const node = await cluster.start("a@sim");
  const handling = new AsyncLocalStorage<Told>();
  const receive = channel("tiebeam:process:receive");
  receive.bindStore(handling, (message) => message as Told);
  subscriptions.push(() => receive.unbindStore(handling));
  const seen: unknown[] = [];
  class Reader extends GenServer {
    override async handleCall() {
      await Promise.resolve();
      seen.push(handling.getStore()?.label);
      return reply(null);
    }
  }

  await cluster.outcome(node.start(Reader, { name: "reader" }));
  await cluster.outcome(node.call("reader", atom("question")));

  expect(seen).toEqual(["GenServer Reader"]);
  await node.stop();
});

test("without subscribers nothing is put together", async () => {
  const cluster = new Cluster();
  const node = await cluster.start("a@sim");

  expect(
    ["process:start", "call:start", "link:up", "stage:events"].map((name) => channel(`tiebeam:${name}`).hasSubscribers),
  ).toEqual([false, false, false, false]);
  await node.stop();
});

test("the reference of a call is told where its server handles it, on another node too", async () => {
  const cluster = new Cluster();
  const a = await cluster.start("a@sim");
  const b = await cluster.start("b@sim");
  await cluster.outcome(b.start(Worker, { name: "worker" }));
  const told = listen("call:start", "process:receive");

  await cluster.outcome(a.call({ name: "worker", node: "b@sim" }, atom("question")));

  const handled = told.filter(([name, { label }]) => name === "process:receive" && label === "GenServer Worker");
  expect(handled.map(([, { call }]) => call)).toEqual([told[0]![1].ref]);
  await Promise.all([a.stop(), b.stop()]);
});

test("what a stream and its producer on another node tell of a batch equals what their nodes' figures are then", async () => {
  const cluster = new Cluster();
  const nodes: Record<string, Node> = { "a@sim": await cluster.start("a@sim"), "b@sim": await cluster.start("b@sim") };
  const { "a@sim": a, "b@sim": b } = nodes as { "a@sim": Node; "b@sim": Node };
  const told = listen("stage:subscribe", "stage:events", "stage:cancel");
  const differing: Told[] = [];
  const compare = (message: unknown) => {
    const { node, role, stats } = message as Told;
    const figures = nodes[node as string]!.stats().stages.flatMap(({ producers, consumers }): readonly unknown[] =>
      role === "consumer" ? producers : consumers,
    );
    if (JSON.stringify(figures) !== JSON.stringify([stats])) differing.push(message as Told);
  };
  subscribe("tiebeam:stage:events", compare);
  subscriptions.push(() => unsubscribe("tiebeam:stage:events", compare));
  await cluster.outcome(
    b.start(
      GenStage.from(() => Array.from({ length: 100 }, (_, i) => i)),
      { name: "numbers" },
    ),
  );

  const got = await cluster.outcome(all(a.stream<number>({ name: "numbers", node: "b@sim" }, { maxDemand: 10 })));

  expect(got).toHaveLength(100);
  expect(differing).toEqual([]);
  const sum = (node: string) =>
    told.reduce(
      (total, [name, one]) => total + (name === "stage:events" && one.node === node ? (one.count as number) : 0),
      0,
    );
  expect([sum("a@sim"), sum("b@sim")]).toEqual([100, 100]);
  const ends = told.filter(([name]) => name === "stage:cancel").map(([, { node, role, kind }]) => [node, role, kind]);
  expect(ends.sort()).toEqual([
    ["a@sim", "consumer", "down"],
    ["b@sim", "producer", "exit"],
  ]);
  await Promise.all([a.stop(), b.stop()]);
});
