import { connect, createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { EpmdClient, startEpmd } from "../../src/epmd/index.ts";
import { fixedPortResolver, type Node, startNode } from "../../src/index.ts";
import { type Beam, describePeers, freePort, startBeam, uniqueName } from "../harness/index.ts";
import { Echo, KeptLog, nodeBeside } from "../support/our-node.ts";

const ping = (node: string) => `:net_adm.ping(:"${node}")`;
const CONNECTED = ":erlang.nodes(:connected)";

describePeers("simultaneous connect", { otp: ["25", "29"] }, (release) => {
  test.each(["a", "z"])(
    "ends with exactly one connection 50 times out of 50, our name before or after: %s",
    async (prefix) => {
      await using beam = await startBeam(release, { name: uniqueName("m") });
      await using node = await nodeBeside(beam, { name: `${uniqueName(prefix)}@127.0.0.1` });
      await node.start(Echo, { name: "echo" });
      let bothDialled = 0;

      for (let round = 0; round < 50; round++) {
        const dials = node.stats().dials;
        const at = Date.now() + 25;
        const [theirs] = await Promise.all([
          beam.eval<boolean>(connectAt(node.name, at)),
          connectAtOnce(node, beam, at),
        ]);
        const links = await beam.eval<number>("length(:erlang.system_info(:dist_ctrl))");
        const echoed = await beam.eval<number>(`GenServer.call({:echo, :"${node.name}"}, {:echo, ${round}})`);

        expect({ theirs, links, echoed }).toEqual({ theirs: true, links: 1, echoed: round });
        expect({ peers: node.peers(), connecting: node.stats().connecting }).toEqual({
          peers: [beam.name],
          connecting: 0,
        });
        if (node.stats().dials > dials) bothDialled++;
        node.disconnect(beam.name);
        await beam.until(`${CONNECTED} == []`);
      }

      expect(bothDialled).toBeGreaterThan(25);
    },
  );
});

describePeers("dynamic node names", { otp: ["25", "27", "29"] }, (release) => {
  test("a BEAM gives us one, and we stop when the connection to it is gone", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam, { name: { from: beam.name } });
    await node.start(Echo, { name: "echo" });

    expect(node.name).toMatch(/^[0-9A-Z]{1,13}@127\.0\.0\.1$/);
    expect(await beam.inspect(CONNECTED)).toBe(`[:"${node.name}"]`);
    expect(await beam.eval(`GenServer.call({:echo, :"${node.name}"}, {:echo, 7})`)).toBe(7);
    expect(await beam.inspect(`:erpc.call(node(), :erlang, :node, [])`)).toBe(`:"${beam.name}"`);
    await beam.eval(`:erlang.disconnect_node(:"${node.name}")`);

    expect(await node.closed).toBe("name_lost");
  });

  test("we give BEAM nodes theirs, each its own, and take them back", async () => {
    await using ours = await startNode({
      ...besideEpmd(),
      name: `${uniqueName("ours")}@localhost`,
      cookie: "c",
    });
    const options = { dynamicName: true, cookie: "c", epmdPort: Number(process.env.ERL_EPMD_PORT) };
    await using one = await startBeam(release, options);
    await using two = await startBeam(release, options);

    expect(await one.inspect("node()")).toBe(":nonode@nohost");
    for (const beam of [one, two]) expect(await beam.inspect(`:net_kernel.connect_node(:"${ours.name}")`)).toBe("true");
    const names = [await one.eval<string>("node()"), await two.eval<string>("node()")];
    expect(ours.peers()).toEqual(names);
    expect(new Set(names).size).toBe(2);
    await one.eval(`:erlang.disconnect_node(:"${ours.name}")`);
    await one.until("node() == :nonode@nohost");
    expect(await one.inspect(`:net_kernel.connect_node(:"${ours.name}")`)).toBe("true");

    expect(await one.eval("node()")).toBe(names[0]);
    expect(await one.inspect(ping(ours.name))).toBe(":pong");
  });
});

describePeers("IPv6", { otp: ["25", "29"] }, (release) => {
  test("nodes at ::1 connect, both ways, through an epmd there", async () => {
    await using epmd = await startEpmd({ port: 0, addresses: ["::1", "127.0.0.1"] });
    const args = ["-proto_dist", "inet6_tcp"];
    await using beam = await startBeam(release, { host: "::1", epmdPort: epmd.port, args });
    await using node = await nodeBeside(beam, { name: `${uniqueName("ours")}@::1` });

    await node.connect(beam.name);
    node.disconnect(beam.name);
    await beam.until(`${CONNECTED} == []`);

    expect(await beam.inspect(ping(node.name))).toBe(":pong");
    expect(node.peers()).toEqual([beam.name]);
  });
});

describePeers("two nodes of the same name", { otp: ["25", "29"] }, (release) => {
  test("of ours: the later one takes the connection to a BEAM over", async () => {
    await using beam = await startBeam(release);
    await using first = await nodeBeside(beam);
    await using second = await nodeBeside(beam, { name: first.name, epmd: "none" });
    await first.connect(beam.name);
    const lost = new Promise((resolve) => first.monitorNodes(({ type, reason }) => resolve({ type, reason })));

    await second.connect(beam.name);

    expect(await lost).toEqual({ type: "nodedown", reason: "connection_closed" });
    expect([first.peers(), second.peers()]).toEqual([[], [beam.name]]);
    expect(await beam.eval("length(:erlang.system_info(:dist_ctrl))")).toBe(1);
  });

  test("of the BEAM: the later one takes the connection to us over", async () => {
    await using elsewhere = await startEpmd({ port: 0, addresses: ["127.0.0.1"] });
    await using first = await startBeam(release);
    const [name] = first.name.split("@");
    await using second = await startBeam(release, { name: name!, cookie: first.cookie, epmdPort: elsewhere.port });
    await using node = await nodeBeside(first);
    const [ours] = node.name.split("@");
    await using _ = await new EpmdClient({ port: elsewhere.port }).register({ name: ours!, port: node.port! });
    expect(await first.inspect(ping(node.name))).toBe(":pong");
    const lost = new Promise((resolve) => node.monitorNodes(({ type, reason }) => resolve({ type, reason })));

    expect(await second.inspect(ping(node.name))).toBe(":pong");

    expect(await lost).toEqual({ type: "nodedown", reason: "replaced" });
    await first.until(`${CONNECTED} == []`);
    expect(node.peers()).toEqual([second.name]);
  });
});

describePeers("where a node listens", { otp: ["25", "29"] }, (release) => {
  test("behind a translated port, which is what it registers", async () => {
    const target = { port: 0 };
    await using gateway = await forwarder(target);
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam, { advertisedPort: gateway.port });
    target.port = node.port!;

    expect(await beam.inspect(ping(node.name))).toBe(":pong");
    expect(gateway.connections).toBe(1);
  });

  test("at several places at once, with the first one registered", async () => {
    await using beam = await startBeam(release);
    const second = await freePort();
    await using node = await nodeBeside(beam, { listen: [{ host: "127.0.0.1" }, { host: "127.0.0.2", port: second }] });
    const entry = await new EpmdClient({ port: beam.epmdPort }).lookup(node.name.split("@")[0]!);
    await using other = await nodeBeside(beam, { resolve: () => ({ host: "127.0.0.2", port: second }) });

    await other.connect(node.name);

    expect(entry?.port).toBe(node.port);
    expect(await beam.inspect(ping(node.name))).toBe(":pong");
    expect(node.peers().sort()).toEqual([beam.name, other.name].sort());
  });

  test("at the port where everybody does, without any epmd", async () => {
    const port = await freePort();
    await using beam = await startBeam(release, { args: ["-erl_epmd_port", String(port)] });
    await using node = await nodeBeside(beam, {
      name: `${uniqueName("ours")}@127.0.0.2`,
      epmd: "none",
      listen: { port },
      resolve: fixedPortResolver(port),
    });

    await node.connect(beam.name);
    node.disconnect(beam.name);
    await beam.until(`${CONNECTED} == []`);

    expect(await beam.inspect(ping(node.name))).toBe(":pong");
  });
});

describePeers("short and long names", { otp: ["25"] }, (release) => {
  test("nodes with short names connect; a long and a short one are told apart before anything is sent", async () => {
    await using beam = await startBeam(release, { host: "localhost" });
    await using short = await nodeBeside(beam, { name: `${uniqueName("ours")}@localhost` });
    await using long = await nodeBeside(beam);

    await short.connect(beam.name);

    expect(await beam.inspect(ping(short.name))).toBe(":pong");
    await expect(long.connect(beam.name)).rejects.toMatchObject({ code: "NODE_NAME_KIND", node: beam.name });
    expect(await beam.inspect(ping(long.name))).toBe(":pang");
  });
});

describe("keeping connected", () => {
  describePeers("to a BEAM that crashes and comes back", { otp: ["25", "29"] }, (release) => {
    test("connects again without being asked", async () => {
      const beam = await startBeam(release);
      await using node = await nodeBeside(beam, {
        keepConnected: [beam.name],
        reconnect: { minDelayMs: 20, maxDelayMs: 100 },
      });
      await beam.until(`${CONNECTED} == [:"${node.name}"]`);
      await beam[Symbol.asyncDispose]();

      const { cookie, name, epmdPort } = beam;
      await using again = await startBeam(release, { name: name.split("@")[0]!, cookie, epmdPort });

      await again.until(`${CONNECTED} == [:"${node.name}"]`);
      expect(node.peers()).toEqual([name]);
    });
  });
});

/** Waits, to the microsecond, for a moment that both sides agree on. */
function connectAt(node: string, at: number): string {
  return `
    Process.sleep(max(0, ${at} - 3 - System.os_time(:millisecond)))
    spin = fn spin -> if System.os_time(:microsecond) < ${at * 1000}, do: spin.(spin) end
    spin.(spin)
    :net_kernel.connect_node(:"${node}")`;
}

async function connectAtOnce(node: Node, beam: Beam, at: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, at - 3 - Date.now()));
  while (Date.now() < at);
  await node.connect(beam.name);
}

/** Options of a node at the stock epmd of the run. */
function besideEpmd() {
  return { epmd: "require", epmdPort: Number(process.env.ERL_EPMD_PORT), logger: new KeptLog() } as const;
}

/** What a container's host does: passes connections on from a port of its own. */
async function forwarder(target: { readonly port: number }) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    connections++;
    const far = connect(target.port, "127.0.0.1");
    for (const socket of [near, far]) sockets.add(socket.on("error", () => {}));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
