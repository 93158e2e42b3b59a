import { afterAll, beforeAll, expect, test } from "vitest";
import { ourFlags } from "../../src/dist/index.ts";
import { decode, encode } from "../../src/etf/index.ts";
import {
  atom,
  GenServer,
  type Node,
  type NodeOptions,
  type PeerRules,
  Pid,
  type Term,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam, uniqueName } from "../harness/index.ts";
import { Echo, KeptLog, nodeBeside } from "../support/our-node.ts";
import { RawPeer } from "../support/raw-peer.ts";
import { until } from "../support/until.ts";

const MB = 1_000_000;

describePeers("what a peer may do and hold", { otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;

  beforeAll(async () => {
    beam = await startBeam(release);
  });

  afterAll(async () => {
    await beam[Symbol.asyncDispose]();
  });

  /** A node that holds the BEAM to limits, with an echo, a process that keeps what it gets, and a log. `node` on the BEAM. */
  async function limited(options: Partial<NodeOptions>) {
    const log = new KeptLog();
    const received: Term[] = [];
    const downs: unknown[] = [];
    const node = await nodeBeside(beam, {
      logger: log,
      onMessage: (message) => void received.push(message),
      ...options,
    });
    await node.start(Echo, { name: "echo" });
    node.register("inbox");
    node.monitorNodes(({ type, reason }) => type === "nodedown" && downs.push(reason));
    await beam.eval(`
      node = :"${node.name}"
      probe = Fixtures.Probe.start()
      run = fn work -> Fixtures.Probe.run(probe, work) end
      :pong = Node.ping(node)
      nil
    `);
    return { node, received, downs, log, codes: () => log.lines.map(({ facts }) => facts.code) };
  }

  const held = (rules: PeerRules) => limited({ rules: (peer) => (peer === beam.name ? rules : undefined) });

  /** Nothing was closed, and the BEAM still calls and is called. */
  async function expectConnected(node: Node, downs: unknown[]): Promise<void> {
    expect(await beam.eval("GenServer.call({:echo, node}, {:echo, 1})")).toBe(1);
    expect(await beam.eval("node in Node.list(:hidden)")).toBe(true);
    expect([node.peers(), downs]).toEqual([[beam.name], []]);
  }

  test("a flood is read no faster than it is handled: hardly anything waits in the mailbox", async () => {
    const { node } = await limited({});
    await using _ = node;
    const FLOOD = 300_000;
    let [count, longest] = [0, 0];
    class Sink extends GenServer {
      override handleInfo() {
        count++;
        longest = Math.max(longest, node.processInfo(this.process.pid)!.messageQueueLength);
      }
    }
    await node.start(Sink, { name: "sink" });

    await beam.eval(`run.(fn -> for i <- 1..${FLOOD}, do: send({:sink, node}, {:number, i}) end); nil`);
    await until(() => count === FLOOD, 30_000);

    expect(longest).toBeLessThan(FLOOD / 20);
  });

  test("a message that is too long is refused, the link stays, and what follows it arrives", async () => {
    const { node, received, downs, codes } = await held({ maxMessageBytes: MB });
    await using _ = node;
    await beam.eval(`
      five = :crypto.strong_rand_bytes(5 * ${MB})
      atoms = for i <- 1..400, do: :"some_atom_#{i}"
      rows = fn count -> for i <- 1..count, do: {Enum.at(atoms, rem(i, 200)), i} end
      packed = :erlang.term_to_binary(:binary.copy("x", 5 * ${MB}), [:compressed])
      inbox = {:inbox, node}
      run.(fn ->
        send(inbox, {:before, 1})
        send(inbox, five)
        send(inbox, {:between, atoms})
        send(inbox, {:too_many, rows.(200_000)})
        send(inbox, {:in_short, rows.(60_000)})
        send(inbox, {:packed, byte_size(packed), packed})
        send(inbox, hd(atoms))
        send(inbox, {:after, 3})
      end)
    `);

    await until(() => received.length >= 6);
    await expectConnected(node, downs);
    // What counts are the bytes that come: those of names in the atom cache do not.
    expect(await beam.eval("byte_size(:erlang.term_to_binary(rows.(60_000))) > 1_000_000")).toBe(true);
    expect(received.map((term) => (term as { tag: string }).tag)).toEqual([
      "before",
      "between",
      "in_short",
      "packed",
      "some_atom_1",
      "after",
    ]);
    expect(codes()).toEqual([]);
  });

  test("of many at once only those that are too long are refused", async () => {
    const { node, received, downs } = await held({ maxMessageBytes: MB });
    await using _ = node;
    await beam.eval(`
      inbox = {:inbox, node}
      tasks = for i <- 1..20 do
        Task.async(fn -> send(inbox, {i, :binary.copy("x", if(rem(i, 2) == 0, do: 3 * ${MB}, else: 900_000))}) end)
      end
      Task.await_many(tasks, 30_000)
      nil
    `);
    await until(() => received.length >= 10);
    await expectConnected(node, downs);

    const arrived = received.map((message) => message as unknown as [number, string]);
    expect(arrived.map(([i]) => i).sort((a, b) => a - b)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    expect(arrived.every(([, bytes]) => bytes.length === 900_000)).toBe(true);
  });

  test("spawns, exits and ends that are too long are answered as if they were not allowed, and nothing hangs", async () => {
    const { node, downs } = await held({ maxMessageBytes: MB });
    await using _ = node;
    node.expose("m", { size: (bytes: string) => bytes.length });
    const target = decode(await beam.evalBytes("probe")) as Pid;
    const ends: unknown[] = [];
    node.monitor(target, ({ reason }) => ends.push(reason));

    expect(await beam.eval(`:erpc.call(node, :m, :size, [:binary.copy("x", 900_000)])`)).toBe(900_000);
    const refused = await beam.inspect(`
      try do
        :erpc.call(node, :m, :size, [:binary.copy("x", 5 * ${MB})])
      catch
        kind, reason -> {kind, reason}
      end
    `);
    await beam.eval(`Fixtures.Probe.stop(probe, :binary.copy("x", 5 * ${MB}))`);

    expect(refused).toBe("{:error, {:erpc, :notsup}}");
    await until(() => ends.length > 0);
    expect(ends).toEqual([atom("reason_too_long")]);
    await expectConnected(node, downs);
  });

  test("names and operations that it may not use do not exist for it", async () => {
    const { node, received, downs } = await held({ names: ["echo"], operations: ["send"] });
    await using _ = node;
    node.expose("m", { f: () => 1 });

    const seen = await beam.inspect(`
      send({:inbox, node}, :by_name)
      exit_of = fn work -> try do work.() catch kind, reason -> {kind, reason} end end
      ref = Process.monitor({:echo, node})
      down = receive do {:DOWN, ^ref, :process, _, reason} -> reason end
      {down,
       exit_of.(fn -> GenServer.call({:inbox, node}, 1) end) |> elem(1) |> elem(0),
       exit_of.(fn -> :erpc.call(node, :m, :f, []) end),
       Node.ping(node)}
    `);

    expect(seen).toBe("{:noproc, :noproc, {:error, {:erpc, :notsup}}, :pong}");
    expect(received).toEqual([]);
    expect([node.peers(), downs]).toEqual([[beam.name], []]);
  });

  test("one that sends faster than it may loses its connection, and can come back", async () => {
    const { node, downs, codes } = await limited({ rules: () => ({ maxSignalsPerSecond: 1_000 }) });
    await using _ = node;

    await beam.eval("for i <- 1..1_200, do: send({:inbox, node}, i); nil");

    await until(() => downs.length > 0);
    expect([downs, codes()]).toEqual([["rate_limit"], ["PEER_RATE_LIMIT"]]);
    // The BEAM may not have noticed yet.
    const call = "try do GenServer.call({:echo, node}, {:echo, 2}) catch :exit, _ -> :lost end";
    await until(async () => (await beam.inspect(call)) === "2");
  });

  test("one that asks on and on and does not read the answers loses its connection, and nobody else does", async () => {
    const { node, downs, codes } = await limited({ connectionLimits: { maxUnreadBytes: MB } });
    await using _ = node;
    const peer = await RawPeer.dial(node.port!);
    const name = `${uniqueName("raw")}@127.0.0.1`;
    await peer.shakeHandsAsDialler(name, ourFlags(), beam.cookie);
    const closed = peer.closed.catch(() => {}); // a reset, since it has not read
    peer.socket.pause();
    // UNLINK_ID is answered whatever it is about.
    const unlink = encode(tuple(35, 1, new Pid(name, 1, 0, 7), node.pid)).subarray(1);
    const frame = Buffer.concat([Buffer.alloc(4), Buffer.of(131, 68, 0), unlink]);
    frame.writeUInt32BE(frame.length - 4);
    const flood = Buffer.concat(Array(10_000).fill(frame));

    const asking = async () => {
      while (downs.length === 0 && !peer.socket.destroyed) {
        await new Promise<void>((resolve) => peer.socket.write(flood, () => resolve()));
      }
    };
    await Promise.all([asking(), until(() => downs.length > 0)]);

    expect([downs, codes()]).toEqual([["unread_limit"], ["DIST_LIMIT"]]);
    expect(node.peers()).toEqual([beam.name]);
    peer.socket.destroy();
    await closed;
  });

  test.each([
    ["monitors", "Process.monitor({:inbox, node})", "{:DOWN, _, :process, _, :noconnection}"],
    ["monitors of a pid", "Process.monitor(inbox)", "{:DOWN, _, :process, ^inbox, :noconnection}"],
    ["links", "spawn_link(fn -> Process.link(inbox); Process.sleep(:infinity) end)", "{:EXIT, _, :noconnection}"],
  ])("one that makes too many %s loses its connection, and hears of the end of each", async (_what, make, told) => {
    const { node, downs, codes } = await limited({ maxTiesPerPeer: 1_000 });
    await using _ = node;
    await beam.eval("inbox = :erlang.binary_to_term(input); nil", { input: encode(node.pid) });

    await beam.eval(`run.(fn -> for _ <- 1..1_000, do: ${make} end); nil`);
    await until(() => node.stats().monitored + node.processInfo(node.pid)!.links.length === 1_000);
    expect([node.peers(), downs]).toEqual([[beam.name], []]);
    await beam.eval(`run.(fn -> ${make} end); nil`);

    await until(() => downs.length > 0);
    const ends = await beam.eval(`Fixtures.Probe.await(probe, 1_001) |> Enum.count(&match?(${told}, &1))`);
    expect(ends).toBe(1_001);
    expect([downs, codes()]).toEqual([["tie_limit"], ["PEER_TIE_LIMIT"]]);
    expect([node.stats().monitored, node.processInfo(node.pid)!.links]).toEqual([0, []]);
    expect(await beam.eval("GenServer.call({:echo, node}, {:echo, 2})")).toBe(2);
  });
});
