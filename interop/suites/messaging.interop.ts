import { afterAll, beforeAll, expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import {
  atom,
  type Destination,
  ExitError,
  equals,
  inspect,
  type Node,
  type Pid,
  type ProcessInfo,
  type StartedServer,
  type Term,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { Puppet, type PuppetApi } from "../support/puppet.ts";
import { until } from "../support/until.ts";

describePeers("messaging", {}, (release) => {
  let beam: Beam;
  let node: Node;
  let puppet: StartedServer<PuppetApi>;
  /** What was sent to the node's own pid. */
  const received: Term[] = [];
  const started: StartedServer<PuppetApi>[] = [];
  const onBeam = (name: string): Destination => ({ name: atom(name), node: beam.name });

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam, { onMessage: (message) => received.push(message) });
    puppet = await node.start(Puppet, { name: "puppet" });
    node.expose("puppets", {
      start: async () => {
        const puppet = await node.start(Puppet);
        started.push(puppet);
        return puppet.pid;
      },
    });
    await beam.eval(`
      node = :"${node.name}"
      puppet = {:puppet, node}
      start = fn -> :erpc.call(node, :puppets, :start, []) end
      Fixtures.Echo.start(name: :echo)
      nil
    `);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test("net_adm:ping is answered, in both directions, over one hidden connection", async () => {
    expect(await beam.inspect(":net_adm.ping(node)")).toBe(":pong");
    expect(await node.call(onBeam("net_kernel"), tuple(atom("is_auth"), atom(node.name)))).toBe(atom("yes"));

    expect(await beam.eval("{Node.list(), Node.list(:hidden)}")).toEqual([[], [node.name]]);
    expect(node.peers()).toEqual([beam.name]);
  });

  test("GenServer.call gets the reply of a server of ours: at once, deferred, by name, by pid, and with its last breath", async () => {
    const results = await beam.inspect(`
      pid = start.()
      Process.monitor(pid)
      [
        GenServer.call(puppet, {:echo, 1}),
        GenServer.call(puppet, {:deferred, 20, %{"late" => 1.5}}),
        GenServer.call(pid, {:echo, [pid]}) == [pid],
        GenServer.call(pid, {:stop_with_reply, {:shutdown, :done}, :bye}),
        receive do {:DOWN, _, :process, ^pid, reason} -> reason after 1_000 -> :no_down end
      ]
    `);

    expect(results).toBe('[1, %{"late" => 1.5}, true, :bye, {:shutdown, :done}]');
  });

  test("GenServer.call of the BEAM exits as in Erlang when the server of ours stops, exits, throws, is unknown, or silent", async () => {
    const exits = await beam.eval<string[]>(`
      for request <- [{:stop, :why}, {:exit, {:gone, 1}}, {:raise, "no such thing"}, :unknown, {:silent}],
          target = (if request == :unknown, do: {:nobody, node}, else: start.()) do
        try do
          GenServer.call(target, (if request == {:silent}, do: :silent, else: request), 100)
        catch
          :exit, {reason, {GenServer, :call, [^target, _, 100]}} -> Exception.format_exit(reason)
        end
      end
    `);

    expect(exits.slice(0, 2)).toEqual([":why", "{:gone, 1}"]);
    expect(exits[2]).toContain("(RuntimeError) TypeError: no such thing");
    expect(exits[2]).toMatch(/puppet\.ts:\d+: .*raise/);
    expect(exits[3]).toContain("no process");
    expect(exits[4]).toContain("time out");
  });

  test("calls from here get the reply of a GenServer of the BEAM, or reject by code", async () => {
    await beam.eval("Fixtures.Odd.start(name: :odd); nil");
    const odd = node.server(onBeam("odd"));
    const deferred = tuple(atom("deferred"), 20, ["later"]);

    expect(await odd.call(deferred)).toEqual(["later"]);
    expect(await odd.call(tuple(atom("reply_twice"), 2))).toBe(2);
    await expect(odd.call(atom("silent"), { timeoutMs: 30 })).rejects.toMatchObject({ code: "EXIT_TIMEOUT" });
    expect(await odd.call(tuple(atom("stop_with_reply"), atom("normal"), "bye"))).toBe("bye");
    await beam.until("Process.whereis(:odd) == nil");
    await expect(odd.call(1)).rejects.toMatchObject({ code: "EXIT_NOPROC" });
    for (const [request, why] of [
      [tuple(atom("stop"), tuple(atom("shutdown"), 1)), "{:shutdown, 1}"],
      [tuple(atom("exit"), "text"), '"text"'],
      [tuple(atom("throw"), 3), "{:bad_return_value, 3}"],
      [atom("raise"), "{%RuntimeError{"],
      [atom("unknown"), "{:function_clause, ["],
    ] as const) {
      await beam.eval("Fixtures.Odd.start(name: :odd); nil");
      const error = await odd.call(request).catch((error: unknown) => error);
      expect(error).toMatchObject({ code: "EXIT_OTHER" });
      expect(inspect((error as ExitError).reason)).toContain(`{${why}`);
      await beam.until("Process.whereis(:odd) == nil");
    }
  });

  test("a late reply of a GenServer of the BEAM, and a second one, are dropped here", async () => {
    await beam.eval("Fixtures.Odd.start(name: :late); nil");
    const late = node.server(onBeam("late"));

    await expect(late.call(tuple(atom("deferred"), 60, "late"), { timeoutMs: 20 })).rejects.toThrow(ExitError);
    await late.call(tuple(atom("reply_twice"), "again"));
    await late.call(tuple(atom("sleep"), 100));
    await beam.eval(`send(:erlang.binary_to_term(input), :end)`, { input: encode(node.pid) });
    await until(() => received.includes(atom("end")));

    expect(received).toEqual([atom("end")]);
    expect(node.processInfo(node.pid)).toMatchObject({ monitors: [], messageQueueLength: 0 });
    expect(node.stats().aliases).toBe(0);
  });

  test("casts and sends arrive in order, by name and by pid, in both directions", async () => {
    const echo = onBeam("echo");
    await beam.eval(`
      pid = start.()
      for i <- 1..100, do: (if rem(i, 2) == 0, do: GenServer.cast(pid, i), else: send(pid, i))
      send(puppet, {:by, :name})
    `);
    const pid = await node.call<Pid>(echo, tuple(atom("echo"), node.pid));
    for (let i = 1; i <= 100; i++) {
      if (i % 2 === 0) await node.cast(echo, i);
      else await node.send(echo, i);
    }
    await node.call(echo, tuple(atom("echo"), "all before this have arrived"));

    const seenHere = await node.call<Term[]>(started.at(-1)!.pid, atom("seen"));
    const seenThere = await beam.inspect(`
      GenServer.call(:echo, :seen) == Enum.map(1..100, &(if rem(&1, 2) == 0, do: {:cast, &1}, else: {:info, &1}))
    `);

    expect(pid).toEqual(node.pid);
    expect(seenHere.map((message) => inspect(message))).toEqual(
      Array.from({ length: 100 }, (_, i) => ((i + 1) % 2 === 0 ? `{:cast, ${i + 1}}` : `${i + 1}`)),
    );
    expect(seenThere).toBe("true");
    expect(await puppet.call(atom("seen"))).toContainEqual(tuple(atom("by"), atom("name")));
  });

  test("Process.monitor sees the end of a process of ours by pid and by name, and noproc where there is none", async () => {
    const named = await node.start(Puppet, { name: "named" });
    await beam.eval(
      `
      probe = Fixtures.Probe.start()
      pid = GenServer.call({:named, node}, {:echo, :erlang.binary_to_term(input)})
      refs = Fixtures.Probe.run(probe, fn ->
        [Process.monitor({:nobody, node}), Process.monitor({:named, node}), Process.monitor(pid)]
      end)
      Fixtures.Probe.await(probe, 1)
      nil`,
      { input: encode(named.pid) },
    );
    const watched = node.processInfo(named.pid)?.monitoredBy.length;
    await beam.eval("GenServer.cast(pid, {:exit, {:over, 1}})");

    const downs = await beam.inspect(`
      messages = Fixtures.Probe.await(probe, 3)
      [nobody, name, by_pid] = refs
      Enum.sort(messages) == Enum.sort([
        {:DOWN, nobody, :process, {:nobody, node}, :noproc},
        {:DOWN, name, :process, {:named, node}, {:over, 1}},
        {:DOWN, by_pid, :process, pid, {:over, 1}}
      ])
    `);
    const again = await beam.inspect(`
      ref = Process.monitor(pid)
      receive do {:DOWN, ^ref, :process, ^pid, reason} -> reason after 1_000 -> :no_down end
    `);

    expect(watched).toBe(2);
    expect(downs).toBe("true");
    expect(again).toBe(":noproc");
    expect(node.stats().monitored).toBe(0);
  });

  test("monitors held here see the end of a process of the BEAM by pid and by name, and noproc where there is none", async () => {
    const bytes = await beam.evalBytes("victim = Fixtures.Probe.start(name: :victim); victim");
    const victim = decode(bytes) as Pid;
    const downs: string[] = [];
    const watch = (label: string, to: Destination) =>
      node.monitor(to, ({ reason }) => downs.push(`${label} ${inspect(reason)}`));

    watch("nobody", onBeam("nobody"));
    watch("name", onBeam("victim"));
    watch("pid", victim);
    watch("given up", victim).demonitor();
    await until(() => downs.length === 1);
    const before = await beam.eval("length(Fixtures.Probe.info(victim).monitored_by)");
    await beam.eval("Fixtures.Probe.stop(victim, {:over, 1})");
    await until(() => downs.length === 3);
    watch("dead", victim);
    await until(() => downs.length === 4);

    expect(before).toBe(2);
    expect(downs[0]).toBe("nobody :noproc");
    expect(downs.slice(1, 3).sort()).toEqual(["name {:over, 1}", "pid {:over, 1}"]);
    expect(downs[3]).toBe("dead :noproc");
    expect(node.processInfo(node.pid)?.monitors).toEqual([]);
  });

  test("links and monitors bring exit reasons of any shape, in both directions", async () => {
    await beam.eval("reasons = Fixtures.Exits.reasons(); nil");
    const before = started.length;

    expect(await beam.inspect("Fixtures.Exits.of_puppets(reasons, start)")).toBe("[]");
    const puppets = started.length;
    expect(await beam.inspect("Fixtures.Exits.of_processes(reasons, start)")).toBe("[]");

    const reasons = decode(await beam.evalBytes("reasons")) as Term[];
    const seen = await Promise.all(started.slice(puppets).map(({ pid }) => node.call<Term[][]>(pid, atom("seen"))));
    expect(puppets - before).toBe(reasons.length);
    expect(seen.map((messages) => messages.map((message) => message.at(-1)))).toSatisfy((pairs: Term[][]) =>
      pairs.every((pair, index) => pair.length === 2 && pair.every((reason) => equals(reason, reasons[index]))),
    );
    expect(node.stats().monitored).toBe(0);
  });

  test("a process that does not trap exits dies with the one it is linked to, in both directions, but not of normal", async () => {
    const exits = await beam.inspect(`
      end_of = fn pid, reason ->
        ref = Process.monitor(pid)
        receive do {:DOWN, ^ref, _, _, ^reason} -> :ended; {:DOWN, ^ref, _, _, other} -> other after 300 -> :alive end
      end
      linked = fn reason ->
        puppet = start.()
        process = spawn(fn -> Process.link(puppet); receive do: (:go -> exit(reason)) end)
        GenServer.call(puppet, {:link, process})
        {puppet, process}
      end
      {theirs, process} = linked.(:boom)
      send(process, :go)
      {survivor, process} = linked.(:normal)
      send(process, :go)
      {puppet, ours} = linked.(:unused)
      GenServer.cast(puppet, {:exit, {:bang, 1}})
      {puppet, left} = linked.(:unused)
      GenServer.cast(puppet, {:exit, :normal})
      [end_of.(theirs, :noproc), end_of.(survivor, :boom), end_of.(ours, :noproc), end_of.(left, :bang)]
    `);

    expect(exits).toBe("[:ended, :alive, :ended, :alive]");
  });

  test("exit/2 ends processes of the other side, is a message to those that trap, and kill spares nobody", async () => {
    const ours = await beam.inspect(`
      [ordinary, trapping, killed] = for _ <- 1..3, do: start.()
      for pid <- [trapping, killed], do: GenServer.call(pid, {:trap, true})
      probe = Fixtures.Probe.start()
      Fixtures.Probe.run(probe, fn -> for pid <- [ordinary, trapping, killed], do: Process.monitor(pid) end)
      Process.exit(ordinary, {:stop, "it"})
      Process.exit(trapping, :stop)
      Process.exit(killed, :kill)
      messages = Fixtures.Probe.await(probe, 2)
      seen = GenServer.call(trapping, :seen)
      {Enum.map(messages, fn {:DOWN, _, _, pid, reason} -> {pid == ordinary, pid == killed, reason} end) |> Enum.sort(),
       match?([{:EXIT, from, :stop}] when is_pid(from), seen)}
    `);
    const bytes = await beam.evalBytes(
      "[Fixtures.Probe.start(trap_exit: false), Fixtures.Probe.start(name: :traps), Fixtures.Probe.start()]",
    );
    const [ordinary, trapping, killed] = decode(bytes) as Pid[];
    const downs: string[] = [];
    node.monitor(ordinary!, ({ reason }) => downs.push(`ordinary ${inspect(reason)}`));
    node.monitor(killed!, ({ reason }) => downs.push(`killed ${inspect(reason)}`));
    node.exit(ordinary!, tuple(atom("stop"), "it"));
    node.exit(trapping!, atom("stop"));
    node.exit(killed!, atom("kill"));
    await until(() => downs.length === 2);

    expect(ours).toBe('{[{false, true, :killed}, {true, false, {:stop, "it"}}], true}');
    expect(downs.sort()).toEqual(["killed :killed", 'ordinary {:stop, "it"}']);
    expect(
      await beam.inspect("match?([{:EXIT, from, :stop}] when node(from) == node, Fixtures.Probe.await(:traps, 1))"),
    ).toBe("true");
  });

  test("links, monitors and monitored_by of Process.info equal our tables at rest, and are gone when taken back", async () => {
    const peer = await node.start(Puppet);
    const bytes = await beam.evalBytes("probe = Fixtures.Probe.start(); probe");
    const probe = decode(bytes) as Pid;
    await beam.eval("peer = :erlang.binary_to_term(input); nil", { input: encode(peer.pid) });
    const tables = async (there: string, here: { links: Pid[]; monitors: Pid[]; monitoredBy: Pid[] }) => {
      const info = "(fn -> info = Fixtures.Probe.info(probe); {info.links, info.monitors, info.monitored_by} end).()";
      await beam.until(`${info} == ${there}`);
      await until(() => equals(pick(node.processInfo(peer.pid)!), here));
    };

    await beam.eval("ref = Fixtures.Probe.run(probe, fn -> Process.link(peer); Process.monitor(peer) end)");
    await peer.call(tuple(atom("monitor"), probe));
    await tables("{[peer], [process: peer], [peer]}", { links: [probe], monitors: [probe], monitoredBy: [probe] });

    await beam.eval("Fixtures.Probe.run(probe, fn -> Process.demonitor(ref); Process.unlink(peer) end)");
    await peer.call(atom("demonitor"));
    await tables("{[], [], []}", { links: [], monitors: [], monitoredBy: [] });

    await peer.call(tuple(atom("link"), probe));
    await tables("{[peer], [], []}", { links: [probe], monitors: [], monitoredBy: [] });
    await peer.call(tuple(atom("unlink"), probe));
    await tables("{[], [], []}", { links: [], monitors: [], monitoredBy: [] });
  });

  test("nodeup and nodedown are told on the BEAM, and a lost connection ends each link and monitor once, on both sides", async () => {
    const other = await nodeBeside(beam);
    const eventsHere: string[] = [];
    other.monitorNodes(({ type, node, reason }) => eventsHere.push(`${type} ${node} ${reason ?? ""}`));
    const holder = await other.start(Puppet, { name: "holder" });
    await holder.call(tuple(atom("trap"), true));
    await beam.eval(`
      watcher = Fixtures.Probe.start()
      Fixtures.Probe.run(watcher, fn -> :net_kernel.monitor_nodes(true, node_type: :all) end)
      nil
    `);
    const ends = async (cut: () => unknown) => {
      const bytes = await beam.evalBytes("probe = Fixtures.Probe.start(); probe");
      const probe = decode(bytes) as Pid;
      await other.call(onBeam("echo"), tuple(atom("echo"), 1));
      await beam.eval(
        `
        other = :"${other.name}"
        Fixtures.Probe.run(probe, fn ->
          Process.monitor({:holder, other})
          Process.link(:erlang.binary_to_term(input))
        end)
        nil`,
        { input: encode(holder.pid) },
      );
      await holder.call(tuple(atom("monitor"), probe));
      await until(() => other.processInfo(holder.pid)?.links.length === 1);
      await cut();
      const messages = await beam.inspect(`
        Fixtures.Probe.await(probe, 2) |> Enum.map(&{elem(&1, 0), elem(&1, tuple_size(&1) - 1)}) |> Enum.sort()
      `);
      await until(async () => (await holder.call(atom("seen"))).length % 2 === 0);
      return messages;
    };

    const first = await ends(() => other.disconnect(beam.name));
    await until(() => other.peers().length === 0);
    const second = await ends(() => beam.eval(`:erlang.disconnect_node(:"${other.name}")`));
    await until(() => other.peers().length === 0);
    const seenHere = (await holder.call(atom("seen"))) as Term[][];
    const events = await beam.inspect(`
      other = :"${other.name}"
      for {event, ^other, _info} <- Fixtures.Probe.await(watcher, 4), do: event
    `);

    expect([first, second]).toEqual(Array(2).fill("[DOWN: :noconnection, EXIT: :noconnection]"));
    expect(seenHere.map((message) => `${inspect(message[0])} ${inspect(message.at(-1))}`).sort()).toEqual([
      ":DOWN :noconnection",
      ":DOWN :noconnection",
      ":EXIT :noconnection",
      ":EXIT :noconnection",
    ]);
    expect(events).toBe("[:nodeup, :nodedown, :nodeup, :nodedown]");
    expect(eventsHere).toEqual([
      `nodeup ${beam.name} `,
      `nodedown ${beam.name} disconnect`,
      `nodeup ${beam.name} `,
      `nodedown ${beam.name} connection_closed`,
    ]);
    expect(other.processInfo(holder.pid)).toMatchObject({ links: [], monitors: [], monitoredBy: [] });
    await other.stop();
  });
});

// OTP 23 has no aliases: a late reply reaches its caller's mailbox there, whoever sends it.
describePeers("aliases", { otp: ["25", "27", "29"] }, (release) => {
  test("a reply after a timeout of the BEAM's caller is dropped: its mailbox stays empty", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    await node.start(Puppet, { name: "puppet" });

    const seen = await beam.inspect(`
      probe = Fixtures.Probe.start()
      puppet = {:puppet, :"${node.name}"}
      reason = Fixtures.Probe.run(probe, fn ->
        try do
          GenServer.call(puppet, {:deferred, 60, :late}, 20)
        catch
          :exit, {reason, _call} -> reason
        end
      end)
      GenServer.call(puppet, {:deferred, 150, :later})
      GenServer.call(puppet, {:send, probe, :end})
      {reason, Fixtures.Probe.await(probe, 1)}
    `);

    expect(seen).toBe("{:timeout, [:end]}");
  });

  test("messages to an alias of the BEAM arrive until it is taken back, replies to one once", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    await node.start(Puppet, { name: "puppet" });

    const seen = await beam.inspect(`
      puppet = {:puppet, :"${node.name}"}
      probe = Fixtures.Probe.start()
      {plain, reply} = Fixtures.Probe.run(probe, fn ->
        {:erlang.alias(), :erlang.monitor(:process, puppet, alias: :reply_demonitor)}
      end)
      GenServer.call(puppet, {:send, plain, 1})
      GenServer.call(puppet, {:send, plain, 2})
      Fixtures.Probe.run(probe, fn -> :erlang.unalias(plain) end)
      GenServer.call(puppet, {:send, plain, 3})
      GenServer.call(puppet, {:send, reply, 4})
      GenServer.call(puppet, {:send, reply, 5})
      GenServer.call(puppet, {:send, probe, :end})
      Fixtures.Probe.await(probe, 4)
    `);

    expect(seen).toBe("[1, 2, 4, :end]");
    expect(node.stats().monitored).toBe(0);
  });
});

const pick = ({ links, monitors, monitoredBy }: ProcessInfo) => ({ links, monitors, monitoredBy });
