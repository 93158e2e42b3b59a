import { expect, test } from "vitest";
import { atom, Export, GenServer, type Node, tuple } from "../../src/index.ts";
import { Cluster } from "../support/cluster.ts";

const BUSINESS = { name: "server", node: "host@sim" };

class Server extends GenServer {
  count = 0;

  override handleCall(): never {
    throw new Error("not called here");
  }
}

/** Who asks for what, and what it comes to. `node.sys` asks a node for its release first, which is no function here. */
const ATTEMPTS: readonly [what: string, attempt: (peer: Node, host: Node) => unknown, refused: number][] = [
  ["a function that is not exposed", (peer) => peer.erpc.call("host@sim", "os", "cmd", ["ls"]), 1],
  ["one that is exposed to others", (peer) => peer.erpc.call("host@sim", "mine", "secret"), 1],
  ["one that is exposed", (peer) => peer.erpc.call("host@sim", "mine", "open"), 0],
  [
    "a call of a name that nobody has: the monitor, and the request",
    (peer) => peer.call({ name: "init", node: "host@sim" }, 1),
    2,
  ],
  ["a message to a name that nobody has", (peer) => peer.send({ name: "init", node: "host@sim" }, atom("stop")), 1],
  ["an exit signal to the host process", (peer, host) => peer.exit(host.pid, atom("kill")), 1],
  ["an exit signal to rex", (peer, host) => peer.exit(host.whereis("rex") as never, atom("kill")), 1],
  ["another group leader for the host process", (peer, host) => peer.setGroupLeader(host.pid, peer.pid), 1],
  ["a request that net_kernel does not know", (peer) => peer.send({ name: "net_kernel", node: "host@sim" }, 1), 1],
  [
    "a ping",
    (peer) => peer.call({ name: "net_kernel", node: "host@sim" }, tuple(atom("is_auth"), atom("peer@sim"))),
    0,
  ],
  ["a state from a function that is not there", (peer) => peer.sys.replaceState(BUSINESS, new Export("m", "f", 1)), 2],
  ["a state", (peer) => peer.sys.getState(BUSINESS), 1],
];

test.each(ATTEMPTS)("refused counts what a peer does not get: %s", async (_what, attempt, refused) => {
  const cluster = new Cluster();
  const host = await cluster.start("host@sim");
  const peer = await cluster.start("peer@sim");
  await cluster.outcome(host.start(Server, { name: "server" }));
  host.expose("mine", { open: () => 1 });
  host.expose("mine", { secret: () => 1 }, { peers: ["friend@sim"] });
  await cluster.outcome(peer.connect("host@sim"));

  await cluster.outcome(Promise.resolve(attempt(peer, host)));
  await cluster.clock.settle();

  expect(host.stats().refused).toBe(refused);
  expect(peer.stats().refused).toBe(0);
  await Promise.all([host.stop(), peer.stop()]);
});

test("what the node does with itself is not counted", async () => {
  const cluster = new Cluster();
  const host = await cluster.start("host@sim");

  host.send("nobody", 1);
  await cluster.outcome(host.call("nobody", 1));

  expect(host.stats().refused).toBe(0);
  await host.stop();
});
