import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Atom,
  atom,
  GenServer,
  inspect,
  mod,
  type Node,
  type Pid,
  type RemoteStart,
  remoteChild,
  Supervisor,
  supervise,
  type Term,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { KeptLog, nodeBeside } from "../support/our-node.ts";
import { until } from "../support/until.ts";

const SCRIPT = readFileSync(new URL("remote-children.exs", import.meta.url), "utf8");
const KID = mod("Kid");

/** `GenServer.start(Kid, trap, name: name)` */
function unlinked(name: string, trap: boolean): RemoteStart {
  return [mod("GenServer"), "start", [KID, trap, [tuple(atom("name"), atom(name))]]];
}

class Leaf extends GenServer {}

describePeers("children of our supervisors on a BEAM", {}, (release) => {
  let beam: Beam;
  let node: Node;
  let log: KeptLog;

  beforeAll(async () => {
    beam = await startBeam(release);
    log = new KeptLog();
    node = await nodeBeside(beam, { logger: log });
    node.expose("ours", {
      leaf: async () => tuple(atom("ok"), (await node.start(Leaf)).pid),
    });
    await beam.eval(SCRIPT);
    await beam.eval(`node = :"${node.name}"; nil`);
    await beam.eval(`
      {:ok, static} = Supervisor.start_link([], strategy: :one_for_one, name: :static)
      {:ok, dynamic} = DynamicSupervisor.start_link(strategy: :one_for_one, name: :dynamic)
      for pid <- [static, dynamic], do: Process.unlink(pid)
      nil
    `);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  /** A supervisor with one child on the BEAM, found there by its name. */
  async function started(name: string, start: RemoteStart, options: { shutdown?: number; maxRestarts?: number } = {}) {
    const { shutdown = 200, maxRestarts = 3 } = options;
    const spec = remoteChild({ id: name, node: beam.name, start, shutdown });
    return node.start(Supervisor.of([spec], { maxRestarts }), { name: `${name}_sup` });
  }

  const ways: [way: string, start: (name: string, trap: boolean) => RemoteStart][] = [
    ["GenServer.start", unlinked],
    [
      "a Supervisor there",
      (name, trap) => ({ supervisor: "static", spec: { id: atom(name), start: mfa(name, trap) } }),
    ],
    [
      "a DynamicSupervisor there",
      (name, trap) => ({
        supervisor: "dynamic",
        spec: { id: atom(name), start: mfa(name, trap) },
        module: mod("DynamicSupervisor"),
      }),
    ],
  ];
  const mfa = (name: string, trap: boolean) => tuple(KID, atom("start_link"), [[atom(name), trap]]);
  const cases = ways.flatMap(([way, start]) => [false, true].map((trap) => ({ way, trap, start })));

  describe.each(cases)("started by $way, trapping exits: $trap", ({ way, trap, start }) => {
    const name = `kid_${ways.findIndex((one) => one[0] === way)}_${trap}`;

    test("it lives, is linked to our supervisor, is started again, and ends with it", async () => {
      const { pid: ours } = await started(name, start(name, trap));
      const seen = await beam.inspect(
        `
        first = Process.whereis(:${name})
        receive do after 1000 -> :ok end
        alive = Process.alive?(first) and Process.whereis(:${name}) == first
        [sup] = for pid <- elem(Process.info(first, :links), 1), node(pid) == node, do: pid
        listed = Supervisor.which_children(sup) == [{:${name}, first, :worker, []}]
        Process.exit(first, :kill)
        second = Kid.again(:${name}, first)
        counted = Supervisor.count_children({:${name}_sup, node}).active
        Supervisor.stop(sup)
        {alive, listed, counted, Process.alive?(second)}
      `,
      );
      expect(seen).toBe("{true, true, 1, false}");
      expect(node.processInfo(ours)).toBeUndefined();
    });

    test("nothing is left of it when our supervisor is killed", async () => {
      const { pid: ours } = await started(name, start(name, trap));
      await beam.eval(`first = Process.whereis(:${name}); nil`);
      node.exit(ours, atom("kill"));
      await beam.until("not Process.alive?(first)");
      expect(await beam.eval(`Process.whereis(:${name})`)).toBeNull();
    });

    test("nothing is left of it when the connection is lost, and it is started again", async () => {
      const { pid: ours } = await started(name, start(name, trap), { maxRestarts: 1_000 });
      await beam.eval(`first = Process.whereis(:${name}); nil`);
      node.disconnect(beam.name);
      await beam.until("not Process.alive?(first)");
      await beam.until(`Process.whereis(:${name}) not in [nil, first]`);
      await beam.eval(`Supervisor.stop({:${name}_sup, node}); nil`);
      expect(node.processInfo(ours)).toBeUndefined();
      expect(await beam.eval(`Process.whereis(:${name})`)).toBeNull();
    });
  });

  const failing: [what: string, start: RemoteStart, reason: string | RegExp][] = [
    ["gives an error", [KID, "refuse", [atom("full")]], ":full"],
    ["exits", ["erlang", "exit", [atom("tired")]], "{:EXIT, :tired}"],
    ["fails", [KID, "missing", []], /^\{:EXIT, \{:undef, \[\{Kid, :missing, \[\], \[\]\}/],
    ["gives no pid", ["erlang", "node", []], /^:"/],
    ["links", [KID, "begin", [atom("linked")]], "{:linked_to_starter, {Kid, :begin, 1}}"],
    ["asks for a supervisor that is not there", { supervisor: "nobody", spec: {} }, /^\{:EXIT, \{:noproc, /],
  ];

  test.each(failing)("a start function that %s fails the start, and leaves nothing", async (_what, start, reason) => {
    const problem = await started("failing", start).catch((error: { reason: Term }) => error);
    const { reason: whole } = problem as unknown as { reason: Term[] };
    const [shutdown, failure] = whole as [Atom, Term[]];
    expect(shutdown).toBe(atom("shutdown"));
    expect(failure[0]).toBe(atom("failed_to_start_child"));
    expect(inspect(failure[2])).toMatch(reason);
    expect(await beam.eval("Process.whereis(:linked)")).toBeNull();
  });

  test("a start function that ignores gives no child", async () => {
    await started("ignored", [KID, "skip", []]);
    const seen = await beam.eval("Supervisor.count_children({:ignored_sup, node})");
    expect(seen).toEqual({ active: 0, specs: 1, supervisors: 0, workers: 1 });
  });

  test("nothing is left of a child whose supervisor is killed while it starts", async () => {
    const start: RemoteStart = [mod("GenServer"), "start", [mod("Slow"), [], [tuple(atom("name"), atom("slow"))]]];
    let pid: Pid | undefined;
    class Waiting extends Supervisor {
      override init() {
        pid = this.process.pid;
        return supervise([remoteChild({ id: "slow", node: beam.name, start, shutdown: 200 })]);
      }
    }
    const starting = node.start(Waiting);
    await beam.until("Process.whereis(:slow) != nil");
    await beam.eval("slow = Process.whereis(:slow); nil");
    node.exit(pid!, atom("kill"));
    await expect(starting).rejects.toMatchObject({ reason: atom("killed") });
    await beam.eval("send(slow, :go); nil");
    await beam.until("not Process.alive?(slow)");
  });

  test("a node that is lost costs as many restarts as the supervisor bears", async () => {
    const other = await startBeam(release, { cookie: beam.cookie, epmdPort: beam.epmdPort });
    await other.eval(SCRIPT);
    const spec = remoteChild({ id: "far", node: other.name, start: unlinked("far", false) });
    const { pid } = await node.start(Supervisor.of([spec], { maxRestarts: 3 }));
    log.lines.length = 0;
    await other[Symbol.asyncDispose]();
    await until(() => node.processInfo(pid) === undefined);
    const lines = log.lines.map(({ message }) => message);
    expect(lines.filter((line) => line.includes("child_terminated"))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("start_error"))).toHaveLength(3);
    expect(lines.filter((line) => line.includes("reached_max_restart_intensity"))).toHaveLength(1);
  });

  test("a process of ours under a supervisor of OTP: it is listed, and the count ends that supervisor", async () => {
    const seen = await beam.inspect(`
      Process.flag(:trap_exit, true)
      {:ok, sup} = Supervisor.start_link([], strategy: :one_for_one)
      {:ok, pid} = Supervisor.start_child(sup, %{id: :far, start: {:erpc, :call, [node, :ours, :leaf, []]}})
      listed = Supervisor.which_children(sup) == [{:far, pid, :worker, [:erpc]}]
      counted = try do Supervisor.count_children(sup) catch :exit, {{reason, _}, _} -> reason end
      {:ok, dynamic} = DynamicSupervisor.start_link(strategy: :one_for_one)
      {:ok, _} = DynamicSupervisor.start_child(dynamic, %{id: :far, start: {:erpc, :call, [node, :ours, :leaf, []]}})
      {listed, counted, DynamicSupervisor.count_children(dynamic).active}
    `);
    expect(seen).toBe("{true, :badarg, 1}");
  });
});
