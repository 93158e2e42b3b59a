import { expect, test } from "vitest";
import { NodeType } from "../../src/epmd/index.ts";
import { REGISTER_H1N1, World } from "./world.ts";

const KILL = "00016b";
const DUMP = "000164";
const NAMES = "00016e";
const STOP_H1N1 = "00057368316e31";

test("a node registers, is looked up and listed, and is gone with its connection", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const client = world.client();
  const extra = Uint8Array.of(1, 2);
  const registration = await world.settled(
    client.register({ name: "shop", port: 4_711, nodeType: NodeType.Hidden, extra }),
  );

  const found = await world.settled(client.lookup("shop"));
  const names = await world.settled(client.names());
  expect(found).toEqual({ name: "shop", port: 4_711, nodeType: 72, protocol: 0, highest: 6, lowest: 5, extra });
  expect(names).toEqual([{ name: "shop", port: 4_711 }]);
  expect(await world.settled(client.lookup("other"))).toBeUndefined();
  expect([epmd.names, epmd.connections]).toEqual([1, 1]);

  await world.settled(registration.close());
  expect(await world.settled(client.lookup("shop"))).toBeUndefined();
  expect(await world.settled(client.dump())).toEqual([{ name: "shop", port: 4_711, active: false, fd: 1 }]);
  await world.settled(epmd.close());
});

test("creations start at the time in seconds and count up for each registration of a name", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const seconds = Math.floor(world.clock.wallTime() / 1_000);
  const creations: number[] = [];

  for (const name of ["a", "a", "b", "a"]) {
    const registration = await world.settled(world.client().register({ name, port: 1 }));
    creations.push(registration.creation);
    await world.settled(registration.close());
  }

  expect(creations).toEqual([seconds, seconds + 1, seconds, seconds + 2]);
  await world.settled(epmd.close());
});

test("requests are taken in pieces of one byte", async () => {
  const world = new World(1);
  const epmd = await world.startEpmd();
  const registration = await world.settled(world.client().register({ name: "shop", port: 1 }));

  expect(await world.settled(world.client().names())).toEqual([{ name: "shop", port: 1 }]);
  await world.settled(registration.close());
  await world.settled(epmd.close());
});

test.each([
  ["a registration", REGISTER_H1N1],
  ["DUMP", DUMP],
  ["KILL", KILL],
  ["STOP", STOP_H1N1],
])("%s from another machine is closed without a reply", async (_, request) => {
  const world = new World();
  const epmd = await world.startEpmd({ relaxed: true });
  const raw = await world.raw("10.0.0.9");

  raw.send(request);
  await world.clock.settle();

  expect([raw.hex, raw.closed, epmd.role]).toEqual(["", true, "server"]);
  await world.settled(epmd.close());
});

test("look-ups and listings are answered to other machines", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const registration = await world.settled(world.client().register({ name: "shop", port: 1 }));
  const elsewhere = world.client("10.0.0.9");

  expect(await world.settled(elsewhere.lookup("shop"))).toMatchObject({ port: 1 });
  expect(await world.settled(elsewhere.names())).toHaveLength(1);
  await world.settled(registration.close());
  await world.settled(epmd.close());
});

test("a connection without a name is closed after 60 s, also one that was refused or sends byte by byte", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const [silent, slow, owner, refused] = await Promise.all([world.raw(), world.raw(), world.raw(), world.raw()]);
  owner.send(REGISTER_H1N1);
  await world.clock.settle();
  refused.send(REGISTER_H1N1);
  slow.send("0005");
  await world.clock.advance(59_000);
  slow.send("7a");
  expect(epmd.connections).toBe(4);

  await world.clock.advance(1_000);

  expect([silent.closed, slow.closed, refused.closed, owner.closed]).toEqual([true, true, true, false]);
  expect([epmd.connections, epmd.names, world.clock.pendingTimers]).toEqual([1, 1, 0]);
  owner.stream.close();
  await world.settled(epmd.close());
});

test("any byte on the connection of a node unregisters it", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const raw = await world.raw();
  raw.send(REGISTER_H1N1);
  await world.clock.settle();
  expect(epmd.names).toBe(1);

  raw.send("00");
  await world.clock.settle();

  expect([epmd.names, raw.closed]).toEqual([0, true]);
  await world.settled(epmd.close());
});

test("KILL is refused while a node is registered and obeyed when none is", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const registration = await world.settled(world.client().register({ name: "shop", port: 1 }));
  expect(await world.settled(world.client().kill())).toBe(false);
  await world.settled(registration.close());

  expect(await world.settled(world.client().kill())).toBe(true);

  await world.settled(epmd.closed);
  expect([world.transport.listeners, world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0, 0]);
});

test("a relaxed epmd obeys STOP, and the connection of the stopped node is closed", async () => {
  const world = new World();
  const epmd = await world.startEpmd({ relaxed: true });
  const raw = await world.raw();
  raw.send(REGISTER_H1N1);
  await world.clock.settle();

  expect(await world.settled(world.client().stop("h1n1"))).toBe(true);
  expect(await world.settled(world.client().stop("h1n1"))).toBe(false);

  await world.clock.settle();
  expect(raw.closed).toBe(true);
  await world.settled(epmd.close());
});

test("a name that was stopped and taken by another node survives the end of the first one's connection", async () => {
  const world = new World();
  const epmd = await world.startEpmd({ relaxed: true });
  const [first, stop, second] = await Promise.all([world.raw(), world.raw(), world.raw()]);
  first.send(REGISTER_H1N1);
  await world.clock.settle();

  stop.send(STOP_H1N1);
  second.send(REGISTER_H1N1);
  await world.clock.settle();

  expect([first.closed, second.closed, epmd.names]).toEqual([true, false, 1]);
  await world.settled(epmd.close());
});

test("connections over the limit are closed, and those from elsewhere leave room for this machine", async () => {
  const world = new World();
  const epmd = await world.startEpmd({ limits: { remoteConnections: 2, localConnections: 1 } });
  const remote = [await world.raw("10.0.0.9"), await world.raw("10.0.0.9"), await world.raw("10.0.0.9")];
  const local = [await world.raw(), await world.raw()];
  await world.clock.settle();

  expect(remote.map((raw) => raw.closed)).toEqual([false, false, true]);
  expect(local.map((raw) => raw.closed)).toEqual([false, true]);
  remote[0]!.stream.close();
  await world.clock.settle();
  const next = await world.raw("10.0.0.9");
  next.send(NAMES);
  await world.clock.settle();
  expect(next.hex).toBe("00001111");
  await world.settled(epmd.close());
});

test("thousands of idle connections and listings to peers that take none leave nothing when they are over", async () => {
  const world = new World();
  const epmd = await world.startEpmd({ limits: { remoteConnections: 5_000 } });
  const peers = await Promise.all(Array.from({ length: 5_000 }, () => world.raw("10.0.0.9")));
  for (const peer of peers.slice(0, 1_000)) {
    peer.stream.pause();
    peer.send(NAMES);
  }
  await world.clock.settle();
  expect(await world.settled(world.client().names())).toEqual([]);

  await world.clock.advance(60_000);

  expect([epmd.connections, world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0, 0]);
  await world.settled(epmd.close());
});

test("closing ends registered nodes' connections and leaves no timer, stream or listener", async () => {
  const world = new World();
  const epmd = await world.startEpmd();
  const [owner, idle] = [await world.raw(), await world.raw()];
  owner.send(REGISTER_H1N1);
  await world.clock.settle();

  await world.settled(epmd.close());

  expect([owner.closed, idle.closed, epmd.role]).toEqual([true, true, "client"]);
  expect([world.transport.listeners, world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0, 0]);
});
