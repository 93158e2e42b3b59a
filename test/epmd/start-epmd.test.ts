import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { EpmdClient, type EpmdRole, startEpmd } from "../../src/epmd/index.ts";
import { World } from "./world.ts";

test.each([0, 10_000])(
  "the second one stands aside, and takes over at once when the first goes after %d ms",
  async (ms) => {
    const world = new World();
    const roles: EpmdRole[] = [];
    const first = await world.startEpmd();
    const second = await world.startEpmd({ onRole: (role) => void roles.push(role) });
    expect([first.role, second.role]).toEqual(["server", "client"]);
    const registration = await world.settled(world.client().register({ name: "shop", port: 1 }));
    await world.clock.advance(ms);

    await world.settled(first.close());
    await world.clock.advance(0);

    expect([second.role, roles]).toEqual(["server", ["server"]]);
    await world.clock.advance(2_000);
    expect([registration.registered, second.names]).toEqual([true, 1]);
    await world.settled(registration.close());
    await world.settled(second.close());
    expect([world.transport.listeners, world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0, 0]);
  },
);

test("of five that wait, one takes over and the rest watch that one", async () => {
  const world = new World();
  const first = await world.startEpmd();
  const others = await Promise.all(Array.from({ length: 5 }, () => world.startEpmd()));
  await world.clock.advance(100_000); // past the idle time, after which watching starts over

  await world.settled(first.close());
  await world.clock.advance(2_000);

  expect(others.map(({ role }) => role).sort()).toEqual(["client", "client", "client", "client", "server"]);
  for (const epmd of others) await world.settled(epmd.close());
  expect([world.transport.listeners, world.transport.openStreams, world.clock.pendingTimers]).toEqual([0, 0, 0]);
});

test("without takeOver it stays a client and holds nothing open", async () => {
  const world = new World();
  const first = await world.startEpmd();
  const second = await world.startEpmd({ takeOver: false });
  expect(first.connections).toBe(0);

  await world.settled(first.close());
  await world.clock.advance(10_000);

  expect(second.role).toBe("client");
  await world.settled(second.close());
  expect(world.clock.pendingTimers).toBe(0);
});

test("something else on the port is EPMD_LISTEN, with the transport's error", async () => {
  const world = new World();
  await world.fakeEpmd((stream) => {
    stream.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"));
    stream.close();
  });

  const failure = world.startEpmd();

  await expect(failure).rejects.toMatchObject({
    code: "EPMD_LISTEN",
    port: world.port,
    cause: expect.objectContaining({ code: "EADDRINUSE" }),
  });
  expect(world.clock.pendingTimers).toBe(0);
});

test("an epmd that closes every connection at once is tried every 2 s, not in a loop", async () => {
  const world = new World();
  const first = await world.startEpmd();
  const second = await world.startEpmd();
  await world.settled(first.close());
  // Before the clock moves something else takes the port, and is no epmd.
  const { streams } = await world.fakeEpmd(() => {});
  const closer = () => {
    for (const stream of streams) stream.close();
  };

  for (let i = 0; i < 100; i++) {
    await world.clock.advance(100);
    closer();
  }

  expect(streams.length).toBeLessThanOrEqual(6);
  expect(second.role).toBe("client");
  await world.settled(second.close());
  expect(world.clock.pendingTimers).toBe(0);
});

test("over TCP it serves IPv4 and IPv6 loopback on one free port, and frees it", async () => {
  const epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
  const four = new EpmdClient({ port: epmd.port });
  const six = new EpmdClient({ port: epmd.port, loopback: "::1" });
  const one = await four.register({ name: "one", port: 1 });
  const two = await six.register({ name: "two", port: 2 });

  expect(await six.names()).toEqual([
    { name: "two", port: 2 },
    { name: "one", port: 1 },
  ]);
  await expect(four.register({ name: "two", port: 3 })).rejects.toMatchObject({ code: "EPMD_NAME_TAKEN" });
  await one.close();
  expect(await four.lookup("one")).toBeUndefined();

  await two.close();
  await epmd.close();
  const again = createServer();
  await new Promise<void>((resolve) => again.listen(epmd.port, "127.0.0.1", resolve));
  again.close();
});

test("over TCP the own address counts as this machine, whatever address that is", async () => {
  await using epmd = await startEpmd({ port: 0, addresses: ["127.0.0.2"] });
  const client = new EpmdClient({ port: epmd.port, loopback: "127.0.0.2" });
  await using registration = await client.register({ name: "shop", port: 1 });

  expect(registration.registered).toBe(true);
});

test("over TCP garbage and half requests of many connections hurt nobody", async () => {
  await using epmd = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
  const client = new EpmdClient({ port: epmd.port });
  await using registration = await client.register({ name: "shop", port: 1 });

  const garbage = ["0000", "ffff", "0001", "000578", "00057a616263", "00017a", "474554202f20485454502f312e310d0a"];
  const sockets = await Promise.all(
    Array.from({ length: 300 }, async (_, i) => {
      const socket = connect(epmd.port, "127.0.0.1");
      socket.on("error", () => {}).resume();
      await new Promise<void>((resolve) => socket.on("connect", resolve));
      socket.write(Buffer.from(garbage[i % garbage.length]!, "hex"));
      return socket;
    }),
  );

  expect(await client.names()).toEqual([{ name: "shop", port: 1 }]);
  for (const socket of sockets) socket.destroy();
  expect(registration.registered).toBe(true);
});
