import { afterAll, beforeAll, expect, test } from "vitest";
import { decode, encode } from "../../src/etf/index.ts";
import { atom, GenServer, inspect, mod, type Node, type Pid, type Ref, reply, type StartedServer, type Term, tuple } from "../../src/index.ts"; // biome-ignore format: one line
import { type Beam, describePeers, peers, startBeam, uniqueName } from "../harness/index.ts";
import { notOverheard } from "../support/control-table.ts";
import { ControlTap } from "../support/control-tap.ts";
import { Echo, nodeBeside } from "../support/our-node.ts";
import { Puppet, type PuppetApi } from "../support/puppet.ts";
import { until } from "../support/until.ts";

/** What is at hand in one row of the tables. */
interface Stage {
  readonly beam: Beam;
  readonly node: Node;
  /** A process of ours that traps exits; the BEAM knows it as `puppet`, registered as `puppet` too. */
  readonly puppet: StartedServer<PuppetApi>;
  /** A process of the BEAM that traps exits, registered as `probe` there. */
  readonly probe: Pid;
  /** Runs Elixir code inside the probe; it knows `puppet`, and a process of ours that has ended as `gone`. */
  in(code: string): Promise<string>;
  /** Ends the probe with the reason `over`. */
  end(): Promise<unknown>;
  /** What the puppet got, as Elixir writes it; pids and references left out. */
  seenHere(): Promise<string[]>;
  /** What the probe got. */
  seenThere(): Promise<string>;
}

interface Row {
  readonly what: string;
  readonly act: (stage: Stage) => unknown;
  readonly sent?: readonly string[];
  readonly received?: readonly string[];
  /** What our process got of it. */
  readonly here?: readonly string[];
  /** What the BEAM's process got of it. */
  readonly there?: string;
  /** It begins without a connection, which the act opens. */
  readonly unconnected?: boolean;
  readonly otp?: (otp: number) => boolean;
}

const traced = (code: string) => `:seq_trace.set_token(:label, 17); :seq_trace.set_token(:send, true); ${code}; :seq_trace.set_token([])`; // biome-ignore format: one line
/** What we sent before has arrived. */
const arrived = ({ node, beam }: Stage) =>
  node.call({ name: "net_kernel", node: beam.name }, tuple(atom("is_auth"), atom(node.name)));
const monitored = async (stage: Stage) => {
  await stage.puppet.call(tuple(atom("monitor"), stage.probe));
  await arrived(stage);
};
const linked = async (stage: Stage) => {
  await stage.puppet.call(tuple(atom("link"), stage.probe));
  await arrived(stage);
};

/** A call of ours, answered by that code. */
async function replied(stage: Stage, code: string): Promise<void> {
  await stage.beam.eval(`
    caller = self()
    spawn(fn ->
      Process.register(self(), :replier)
      send(caller, :registered)
      receive do {:"$gen_call", from, _request} -> ${code} end
    end)
    receive do :registered -> nil end
  `);
  expect(await stage.node.call({ name: "replier", node: stage.beam.name }, 1)).toBe(atom("ok"));
}

/** The group leader of our process is that of what it spawns. */
async function groupLeader(stage: Stage): Promise<void> {
  const { beam, node, probe, puppet } = stage;
  const leadBy = (leader: Pid) =>
    beam.eval("{leader, pid} = :erlang.binary_to_term(input); :erlang.group_leader(leader, pid); nil", {
      input: encode(tuple(leader, puppet.pid)),
    });
  await leadBy(probe);
  await arrived(stage);
  const pid = await puppet.call(tuple(atom("spawn_remote"), atom(beam.name)));

  const leader = await beam.evalBytes("Process.info(:erlang.binary_to_term(input), :group_leader) |> elem(1)", {
    input: encode(pid),
  });
  expect(decode(leader)).toEqual(probe);
  node.exit(pid, atom("kill"));
  await leadBy(node.pid);
}

async function spawnThere({ node, beam, probe }: Stage): Promise<void> {
  const ends: string[] = [];
  const monitor = ({ reason }: { reason: Term }) => ends.push(inspect(reason));
  await node.spawnRemote(beam.name, "erlang", "send", [probe, atom("spawned")], { link: true, monitor });
  await until(() => ends.length === 1);
  expect(ends).toEqual([":normal"]);
}

/** Our node leads the group of the probe, as the BEAM sees it. */
async function leadProbe(stage: Stage): Promise<void> {
  const { beam, node, probe } = stage;
  node.setGroupLeader(probe, node.pid);
  await arrived(stage);
  const leader = await beam.evalBytes("Process.info(:erlang.binary_to_term(input), :group_leader) |> elem(1)", {
    input: encode(probe),
  });
  expect(decode(leader)).toEqual(node.pid);
}

/** Does something with an alias that the probe has made. */
async function withAlias(stage: Stage, options: string, act: (alias: Ref) => unknown): Promise<void> {
  await stage.in(`send(puppet, :erlang.alias(${options}))`);
  await until(async () => (await stage.puppet.call(atom("seen"))).length > 0);
  const [alias] = await stage.puppet.call(atom("seen"));
  await act(alias as Ref);
}

const upTo27 = (otp: number) => otp < 28;
const from28 = (otp: number) => otp >= 28;

const FROM_THE_BEAM: readonly Row[] = [
  { what: "a message to a pid", act: (s) => s.in("send(puppet, 1)"), received: ["22"], here: ["1"] },
  { what: "a message to a name", act: (s) => s.in("send({:puppet, node(puppet)}, 2)"), received: ["6"], here: ["2"] },
  { what: "a message to no name and to no process", act: (s) => s.in("send({:nobody, node(puppet)}, 2); send(gone, 3)"), received: ["6", "22"], here: [] },
  { what: "a link, and its exit", act: (s) => s.in("Process.link(puppet)").then(() => s.end()), received: ["1", "24"], here: ["{:EXIT, P, :over}"] },
  { what: "a link to no process", act: (s) => s.in("Process.link(gone)"), received: ["1"], sent: ["24"], there: "[{:EXIT, P, :noproc}]" },
  { what: "a link that is taken back", act: (s) => s.in("Process.link(puppet); Process.unlink(puppet)"), received: ["1", "35"], sent: ["36"], here: [] },
  { what: "a monitor by pid, and the end", act: (s) => s.in("Process.monitor(puppet); GenServer.cast(puppet, {:exit, 1})"), received: ["19"], sent: ["28"], there: "[{:DOWN, R, :process, P, 1}]" },
  { what: "a monitor by name, and the end", act: (s) => s.in("Process.monitor({:puppet, node(puppet)}); GenServer.cast(puppet, {:exit, 1})"), received: ["19"], sent: ["28"], there: "[{:DOWN, R, :process, {:puppet, N}, 1}]" },
  { what: "a monitor that is taken back", act: (s) => s.in("Process.demonitor(Process.monitor(puppet))"), received: ["19", "20"], there: "[]" },
  { what: "exit/2", act: (s) => s.in("Process.exit(puppet, {:why, 1})"), received: ["26"], here: ["{:EXIT, P, {:why, 1}}"] },
  // What opens a connection is encoded before its flags are known, in the oldest form.
  { what: "a message that opens the connection", unconnected: true, act: (s) => s.in("send(puppet, 1)"), received: ["2"], here: ["1"] },
  { what: "exit/2 that opens the connection", unconnected: true, act: (s) => s.in("Process.exit(puppet, :why)"), received: ["8"], here: ["{:EXIT, P, :why}"] },
  { what: "a link that opens the connection, and its exit", unconnected: true, act: (s) => s.in("Process.link(puppet)").then(() => s.end()), received: ["1"], here: ["{:EXIT, P, :over}"] },
  { what: "a group leader", act: groupLeader, received: ["7"], here: [] },
  { what: "a spawn request", act: (s) => s.in("Node.spawn(node(puppet), Billing, :quote, [self(), 1])"), received: ["29"], sent: ["31"], there: "[quote: 1]" },
  { what: "a spawn request with a link", act: (s) => s.in("Node.spawn_link(node(puppet), Billing, :quote, [self(), 1])"), received: ["29"], sent: ["22", "24", "31"], there: "[{:quote, 1}, {:EXIT, P, :normal}]" },
  { what: "a spawn request with a monitor", act: (s) => s.in(":erlang.spawn_opt(node(puppet), Billing, :quote, [self(), 1], [:monitor])"), received: ["29"], sent: ["22", "28", "31"], there: "[{:quote, 1}, {:DOWN, R, :process, P, :normal}]" },
  { what: "spawn_request, with both", act: (s) => s.in(":erlang.spawn_request(node(puppet), Billing, :quote, [self(), 1], [:link, :monitor])"), received: ["29"], sent: ["22", "24", "28", "31"], there: "[{:quote, 1}, {:EXIT, P, :normal}, {:spawn_reply, R, :ok, P}, {:DOWN, R, :process, P, :normal}]" },
  { what: "spawn_request with an option that nobody knows", act: (s) => s.in(":erlang.spawn_request(node(puppet), Billing, :quote, [self(), 1], [:nonsense])"), received: ["29"], sent: ["31"], there: "[{:spawn_reply, R, :error, :badopt}]" },
  { what: "a traced message to a pid and to a name", act: (s) => s.in(traced("send(puppet, 1); send({:puppet, node(puppet)}, 2)")), received: ["16", "23"], here: ["1", "2"] },
  { what: "exit/2 of a traced process, which carries no token", act: (s) => s.in(traced("Process.exit(puppet, :why)")), received: ["26"], here: ["{:EXIT, P, :why}"] },
  { what: "a traced end of a link", act: (s) => s.in(`spawn(fn -> Process.link(puppet); ${traced("exit(:over)")} end)`), received: ["1", "25"], here: ["{:EXIT, P, :over}"] },
  { what: "a traced spawn request", act: (s) => s.in(traced("Node.spawn(node(puppet), Billing, :quote, [self(), 1])")), received: ["30"], sent: ["31"], there: "[quote: 1]" },
  { what: "a reply to an alias of ours", act: (s) => replied(s, "GenServer.reply(from, :ok)"), received: ["33"], otp: upTo27 },
  { what: "a reply to an alias of ours", act: (s) => replied(s, "GenServer.reply(from, :ok)"), received: ["37/4"], otp: from28 },
  { what: "a traced reply to an alias of ours", act: (s) => replied(s, traced("GenServer.reply(from, :ok)")), received: ["34"], otp: upTo27 },
  { what: "a traced reply to an alias of ours", act: (s) => replied(s, traced("GenServer.reply(from, :ok)")), received: ["37/6"], otp: from28 },
  { what: "a priority reply to an alias of ours", act: (s) => replied(s, "{_pid, [:alias | ref] = tag} = from; :erlang.send(ref, {tag, :ok}, [:priority])"), received: ["37/5"], otp: from28 },
  { what: "a priority exit to an alias of ours", act: (s) => replied(s, "{_pid, [:alias | ref]} = from; :erlang.exit(ref, :why, [:priority]); GenServer.reply(from, :ok)"), received: ["37/4", "37/21"], otp: from28 },
]; // biome-ignore format: a table

const FROM_US: readonly Row[] = [
  { what: "a message to a pid", act: (s) => s.puppet.call(tuple(atom("send"), s.probe, 1)), sent: ["22"], there: "[1]" },
  { what: "a message to a name", act: (s) => s.node.send({ name: "probe", node: s.beam.name }, 2), sent: ["6"], there: "[2]" },
  { what: "a message to no name", act: (s) => s.node.send({ name: "nobody", node: s.beam.name }, 2), sent: ["6"], there: "[]" },
  { what: "a link, and its exit", act: (s) => linked(s).then(() => s.node.cast(s.puppet.pid, tuple(atom("exit"), atom("over")))), sent: ["1", "24"], there: "[{:EXIT, P, :over}]" },
  { what: "a link that is taken back", act: (s) => linked(s).then(() => s.puppet.call(tuple(atom("unlink"), s.probe))), sent: ["1", "35"], received: ["36"], there: "[]" },
  { what: "a monitor, and the end", act: (s) => monitored(s).then(() => s.end()), sent: ["19"], received: ["28"], here: ["{:DOWN, R, :process, P, :over}"] },
  { what: "a monitor that is taken back", act: (s) => monitored(s).then(() => s.puppet.call(atom("demonitor"))), sent: ["19", "20"], here: [] },
  { what: "a monitor by name", act: (s) => void s.node.monitor({ name: "probe", node: s.beam.name }, () => {}).demonitor(), sent: ["19", "20"], there: "[]" },
  { what: "exit/2", act: (s) => s.node.exit(s.probe, atom("why")), sent: ["26"], there: "[{:EXIT, P, :why}]" },
  { what: "a spawn request, with link and monitor", act: spawnThere, sent: ["29"], received: ["24", "28", "31"], there: "[:spawned]" },
  { what: "a group leader", act: leadProbe, sent: ["7"] },
  { what: "a message to an alias of the BEAM, with priority", act: (s) => withAlias(s, "[]", (alias) => s.node.send(alias, atom("urgent"), { priority: true })), sent: ["33"], there: "[:urgent]", otp: upTo27 },
  { what: "a message to an alias of the BEAM, with priority", act: (s) => withAlias(s, "[:priority]", (alias) => s.node.send(alias, atom("urgent"), { priority: true })), sent: ["37/5"], there: "[:urgent]", otp: from28 },
  { what: "an exit to an alias of the BEAM, with priority", act: (s) => withAlias(s, "[:priority]", (alias) => s.node.exit(alias, atom("why"), { priority: true })), sent: ["37/21"], there: "[{:EXIT, P, :why}]", otp: from28 },
  { what: "a reply to an alias", act: (s) => s.in("GenServer.call(puppet, {:echo, 1})"), sent: ["33"], otp: upTo27 },
  { what: "a reply to an alias", act: (s) => s.in("GenServer.call(puppet, {:echo, 1})"), sent: ["37/4"], otp: from28 },
]; // biome-ignore format: a table

describePeers("control messages", { otp: ["25", "27", "29"] }, (release) => {
  const tap = new ControlTap();
  let beam: Beam;
  let node: Node;

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam, { transport: tap });
    node.expose(mod("Billing"), {
      quote: async (to: Term, value: Term) => void node.send(to as Pid, tuple(atom("quote"), value as number)),
    });
    await node.connect(beam.name);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  const applies = ({ otp = () => true }: Row) => otp(Number(release.otp));

  test.each(FROM_THE_BEAM.filter(applies))("from the BEAM: $what", (row) => play(row));
  test.each(FROM_US.filter(applies))("from us: $what", (row) => play(row));

  test("every control message of the table that a node of ours sends or is sent went over the wire", () => {
    expect(notOverheard(tap.all, "node", Number(release.otp))).toEqual([]);
  });

  async function play(row: Row): Promise<void> {
    const stage = await setStage(beam, node);
    try {
      await stage.in("nil");
      if (row.unconnected) {
        node.disconnect(beam.name);
        await beam.until("Node.list(:hidden) == []");
      }
      tap.take();
      await row.act(stage);
      await check(stage, row);
    } finally {
      await stage.end();
      if (node.processInfo(stage.puppet.pid)) node.exit(stage.puppet.pid, atom("kill"));
    }
    expect(node.peers()).toEqual([beam.name]);
    await until(() => node.stats().monitored === 0 && node.stats().aliases === 0);
  }

  /** What is due goes over the wire, nothing less, and both sides see what is due, nothing more. */
  async function check(stage: Stage, { sent = [], received = [], here, there }: Row): Promise<void> {
    const missing = { sent: [...sent], received: [...received] };
    await until(() => {
      const taken = tap.take();
      missing.sent = missing.sent.filter((kind) => !taken.sent.includes(kind));
      missing.received = missing.received.filter((kind) => !taken.received.includes(kind));
      return missing.sent.length + missing.received.length === 0;
    }).catch(() => {});
    expect(missing, "what did not go over the wire").toEqual({ sent: [], received: [] });

    if (here !== undefined) {
      await until(async () => (await stage.seenHere()).length >= here.length);
      expect(await stage.seenHere()).toEqual(here);
    }
    if (there !== undefined) {
      await until(async () => (await stage.seenThere()) === there).catch(() => {});
      expect(await stage.seenThere()).toBe(there);
    }
  }

  test("pids of an earlier life, ours or the BEAM's, are nobody's: noproc for links and monitors, and the link stays up", async () => {
    const name = `${uniqueName("twice")}@127.0.0.1`;
    const before = await nodeBeside(beam, { name });
    const old = (await before.start(Puppet)).pid;
    await before.connect(beam.name);
    await before.stop();
    await beam.until(`:"${name}" not in Node.list(:connected)`);
    await using again = await nodeBeside(beam, { name });
    await again.start(Puppet, { name: "puppet" });

    const seen = await beam.inspect(
      `
      old = :erlang.binary_to_term(input)
      probe = Fixtures.Probe.start()
      Fixtures.Probe.run(probe, fn ->
        send(old, 1)
        Process.exit(old, :kill)
        Process.link(old)
        Process.monitor(old)
        Process.unlink(old)
        :erlang.group_leader(self(), old)
        GenServer.call({:puppet, :"${name}"}, {:echo, 1})
        Process.link(old)
      end)
      Fixtures.Probe.await(probe, 2) |> Enum.map(&{elem(&1, 0), elem(&1, tuple_size(&1) - 1)}) |> Enum.sort()`,
      { input: encode(old) },
    );
    expect(seen.replaceAll(/#PID<[\d.]+>/g, "P")).toMatch(/^\[DOWN: :noproc, EXIT: :noproc(, EXIT: :noproc)?\]$/);
    expect(again.peers()).toEqual([beam.name]);
    expect(before.creation).not.toBe(again.creation);

    const twice = { name: uniqueName(), cookie: beam.cookie };
    const first = await startBeam(release, twice);
    const theirs = decode(await first.evalBytes("Fixtures.Probe.start()")) as Pid;
    await again.connect(first.name);
    await first[Symbol.asyncDispose]();
    await using second = await startBeam(release, twice);
    await again.connect(second.name);
    const puppet = await again.start(Puppet);
    await puppet.call(tuple(atom("trap"), true));
    again.exit(theirs, atom("kill"));
    void again.send(theirs, 1);
    await puppet.call(tuple(atom("link"), theirs));
    await puppet.call(tuple(atom("monitor"), theirs));
    await until(async () => (await puppet.call(atom("seen"))).length === 2);

    const ends = ((await puppet.call(atom("seen"))) as Term[][]).map(
      (end) => `${inspect(end[0])} ${inspect(end.at(-1))}`,
    );
    expect(ends.sort()).toEqual([":DOWN :noproc", ":EXIT :noproc"]);
    expect(again.peers().sort()).toEqual([beam.name, second.name].sort());
    expect(again.processInfo(puppet.pid)).toMatchObject({ links: [], monitors: [] });
  });
});

describePeers("identifiers", { otp: ["23"] }, (release) => {
  test("of ours fit after 100,000 processes: the last one still calls, and is called", async () => {
    await using beam = await startBeam(release);
    await using node = await nodeBeside(beam);
    await beam.eval("Fixtures.Echo.start(name: :echo); nil");
    let last: Caller | undefined;
    class Caller extends GenServer {
      override init() {
        last = this;
      }
      override async handleCall(request: Term) {
        return reply(
          await this.process.call({ name: "echo", node: beam.name }, tuple(atom("echo"), request as string)),
        );
      }
      get pid(): Pid {
        return this.process.pid;
      }
    }
    for (let i = 0; i < 100_000; i++) await node.start(Caller);
    const pid = last!.pid;

    expect(await node.call(pid, "from the last")).toBe("from the last");
    const seen = await beam.inspect("pid = :erlang.binary_to_term(input); GenServer.call(pid, 1)", {
      input: encode(pid),
    });
    expect(seen).toBe("1");
    console.log(`OTP ${release.otp}: ${pid} called, of ${node.stats().processes} processes`);
  });

  test.for(["27", "29"])(
    "an alias and a pid of OTP %s pass through us, or fail that one send; the link to OTP 23 stays up",
    async (otp, context) => {
      const newer = peers().find((each) => each.otp === otp);
      if (newer === undefined) return context.skip(`no OTP ${otp}`);
      await using old = await startBeam(release);
      await using beam = await startBeam(newer, { cookie: old.cookie });
      await using node = await nodeBeside(old);
      await node.start(Echo, { name: "echo" });
      await old.eval("Fixtures.Echo.start(name: :echo); nil");
      const [alias, pid] = decode(await beam.evalBytes("[:erlang.alias(), self()]")) as [Term, Pid];
      const forward = (term: unknown) =>
        node.call({ name: "echo", node: old.name }, tuple(atom("echo"), term as object));

      await expect(forward(alias)).rejects.toMatchObject({ code: "ETF_PEER" });
      expect(await forward(pid)).toEqual(pid);
      expect(await node.call({ name: "echo", node: node.name }, tuple(atom("echo"), alias as object))).toEqual(alias);
      expect(node.peers()).toEqual([old.name]);
    },
  );
});

async function setStage(beam: Beam, node: Node): Promise<Stage> {
  const puppet = await node.start(Puppet, { name: "puppet" });
  await puppet.call(tuple(atom("trap"), true));
  const gone = await node.start(Puppet);
  node.exit(gone.pid, atom("kill"));
  const probe = decode(await beam.evalBytes("Fixtures.Probe.start(name: :probe)")) as Pid;
  const input = encode(tuple(probe, puppet.pid, gone.pid));
  /** Without what differs from run to run. */
  const plain = (text: string) =>
    text
      .replaceAll(/#PID<[^>]+>/g, "P")
      .replaceAll(/#Reference<[^>]+>/g, "R")
      .replaceAll(`:"${node.name}"`, "N");
  return {
    beam,
    node,
    puppet,
    probe,
    in: (code) =>
      beam.inspect(
        `(fn {probe, puppet, gone} ->
          _ = {puppet, gone}
          Fixtures.Probe.run(probe, fn -> ${code} end)
        end).(:erlang.binary_to_term(input))`,
        { input },
      ),
    end: () => beam.eval("if Process.whereis(:probe), do: Fixtures.Probe.stop(:probe, :over); nil"),
    seenHere: async () => ((await puppet.call(atom("seen"))) as Term[]).map((message) => plain(inspect(message))),
    seenThere: async () => plain(await beam.inspect("Fixtures.Probe.mailbox(:probe) |> Enum.sort()")),
  };
}
