import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Atom,
  atom,
  child,
  DynamicSupervisor,
  Exit,
  GenServer,
  type Node,
  type Pid,
  Supervisor,
  TaskSupervisor,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { until } from "../support/until.ts";

const SCRIPT = readFileSync(new URL("supervisors.exs", import.meta.url), "utf8");
const KILLS = 200;

/** A child that does nothing, until it is told whom to link to. */
class Leaf extends GenServer {
  override handleCast(pid: unknown) {
    this.process.link(pid as Pid);
  }
}

describePeers("supervisors, used by Elixir", {}, (release) => {
  let beam: Beam;
  let node: Node;
  let starts: Record<string, number> = {};

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    node.expose("tree", {
      start: async (strategy: string, maxRestarts: number) => {
        const options = { strategy: strategy as "one_for_one", maxRestarts };
        const { pid } = await node.start(Supervisor.of([], options));
        return pid;
      },
      nested: async (maxRestarts: number) => {
        class Counted extends Leaf {
          override init() {
            starts.leaf = (starts.leaf ?? 0) + 1;
          }
        }
        const below = Supervisor.of([child(Counted, { id: "leaf" })], { maxRestarts });
        const { pid } = await node.start(Supervisor.of([child(below, { id: "below" })], { maxRestarts }));
        return pid;
      },
      leaf: async (id: Atom) => {
        starts[id.tag] = (starts[id.tag] ?? 0) + 1;
        const { pid } = await node.start(Leaf);
        return tuple(atom("ok"), pid);
      },
      tasks: async () => {
        const { pid } = await node.start(TaskSupervisor, { name: "tasks" });
        return pid;
      },
      double: (n: number) => n * 2,
      fail: () => {
        throw new Exit(atom("no_luck"));
      },
      broken: (reason: Atom) => tuple(atom("error"), reason),
      dynamic: async () => {
        const { pid } = await node.start(DynamicSupervisor, { name: "dynamic" });
        return pid;
      },
    });
    await beam.eval(SCRIPT);
    await beam.eval(`node = :"${node.name}"; nil`);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test.each(["one_for_one", "one_for_all", "rest_for_one"])(
    `%s: ${KILLS} random kills between other requests, as under a supervisor of Elixir`,
    async (strategy) => {
      starts = {};
      const seed = Date.now() % 1_000_000;
      const [done, difference, counted] = await beam.eval<[number, unknown, Record<string, number>]>(
        `
      :rand.seed(:exsss, ${seed})
      :ets.delete_all_objects(:starts)
      sups = Tree.both(node, strategy: :${strategy}, max_restarts: 1_000_000)
      {done, difference} = Tree.compare(sups, ${KILLS})
      {done, difference && inspect(difference), Map.new(:ets.tab2list(:starts))}
    `,
        { timeoutMs: 50_000 },
      );
      expect(difference, `seed ${seed}`).toBeNull();
      expect(done).toBeGreaterThanOrEqual(KILLS);
      expect(starts).toEqual(counted);
    },
  );

  // OTP 23 knows no significant children, and so shows none.
  test.skipIf(release.otp === "23")("every reply and every error has the form of OTP's", async () => {
    const differing = await beam.inspect(`
      sups = Tree.both(node, strategy: :one_for_one, max_restarts: 3)
      specs = [
        &%{id: :a, start: {&1, :leaf, [:a]}}, &%{id: :a, start: {&1, :leaf, [:a]}}, &%{id: :f, start: {&1, :broken, [:full]}},
        fn _ -> %{id: :u, start: {:no_such, :thing, [1]}} end, fn _ -> %{id: :u} end, fn _ -> %{start: {:m, :f, []}} end,
        fn _ -> %{id: :u, start: :m} end, &%{id: :u, start: {&1, :leaf, [:u]}, restart: :often},
        &%{id: :u, start: {&1, :leaf, [:u]}, significant: true, restart: :transient},
        &%{id: :s, start: {&1, :leaf, [:s]}, type: :supervisor, modules: :dynamic, shutdown: :brutal_kill}
      ]
      requests = [
        fn sup, _ -> Supervisor.which_children(sup) end, fn sup, _ -> Supervisor.count_children(sup) end,
        fn sup, _ -> :supervisor.get_childspec(sup, :a) end, fn sup, _ -> :supervisor.get_childspec(sup, :s) end,
        fn sup, _ -> :supervisor.get_childspec(sup, :zz) end, fn sup, _ -> Supervisor.restart_child(sup, :a) end,
        fn sup, _ -> Supervisor.delete_child(sup, :a) end, fn sup, _ -> Supervisor.terminate_child(sup, :a) end,
        fn sup, _ -> Supervisor.start_child(sup, %{id: :a, start: {Tree, :leaf, [:a]}}) end,
        fn sup, _ -> Supervisor.delete_child(sup, :a) end, fn sup, _ -> Supervisor.delete_child(sup, :a) end
      ]
      known = if function_exported?(:supervisor, :which_child, 2), do: [:s, :zz], else: []
      requests = for(id <- known, do: fn sup, _ -> :supervisor.which_child(sup, id) end) ++ requests
      starts = for spec <- specs, do: fn sup, m -> Supervisor.start_child(sup, spec.(m)) end
      for {what, i} <- Enum.with_index(starts ++ requests), {a, b} = Tree.on_both(sups, what), a != b, do: {i, a, b}
    `);
    expect(differing).toBe("[]");
  });

  test("too many restarts go up the tree, after as many kills and starts as in Elixir", async () => {
    starts = {};
    const [theirs, ours, counted] = await beam.eval<[number, number, number]>(`
      Process.flag(:trap_exit, true)
      :ets.delete_all_objects(:starts)
      leaf = %{id: :leaf, start: {Tree, :leaf, [:leaf]}}
      below = %{id: :below, type: :supervisor,
        start: {Supervisor, :start_link, [[leaf], [strategy: :one_for_one, max_restarts: 2, max_seconds: 60]]}}
      {:ok, theirs} = Supervisor.start_link([below], strategy: :one_for_one, max_restarts: 2, max_seconds: 60)
      kills = {Tree.kills_until_end(theirs), Tree.kills_until_end(:erpc.call(node, :tree, :nested, [2]))}
      kills |> Tuple.append(:ets.lookup_element(:starts, :leaf, 2))
    `);
    expect(theirs).toBe(9);
    expect(ours).toBe(theirs);
    expect(counted).toBe(9);
    expect(starts.leaf).toBe(counted);
  });

  test("a child that is linked to a process of the BEAM is restarted when that node is lost", async () => {
    starts = {};
    await beam.eval(`
      ours = :erpc.call(node, :tree, :start, ["one_for_one", 3])
      {:ok, pid} = Supervisor.start_child(ours, Tree.spec(:tree, :lost, :permanent))
      GenServer.cast(pid, spawn(fn -> Process.sleep(:infinity) end))
      GenServer.whereis(pid) && :sys.get_state(pid)
      nil
    `);
    const [peer] = node.peers();
    node.disconnect(peer!);
    await until(() => starts.lost === 2);
    expect(await beam.eval("Supervisor.count_children(ours).active")).toBe(1);
  });

  test("the node that drives a tree is lost in the middle of a request: the child is kept, and the tree serves others", async () => {
    const driver = await startBeam(release, { cookie: beam.cookie, epmdPort: beam.epmdPort });
    let goOn = () => {};
    node.expose("slow", {
      leaf: async () => {
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        return tuple(atom("ok"), (await node.start(Leaf)).pid);
      },
    });
    await node.start(Supervisor.of([], { strategy: "one_for_all" }), { name: "driven" });
    await beam.eval("ours = {:driven, node}; nil");
    const spec = "%{id: :slow, start: {:slow, :leaf, []}}";
    const asked = driver.eval(`Supervisor.start_child({:driven, :"${node.name}"}, ${spec})`).catch(() => "lost");
    const idle = goOn;
    await until(() => goOn !== idle);
    await driver[Symbol.asyncDispose]();
    expect(await asked).toBe("lost");
    goOn();
    const seen = await beam.inspect(`
      [{:slow, pid, _, _}] = Supervisor.which_children(ours)
      {:ok, _} = Supervisor.start_child(ours, Tree.spec(:tree, :after, :permanent))
      {Supervisor.count_children(ours).active, Supervisor.terminate_child(ours, :slow), is_pid(pid)}
    `);
    expect(seen).toBe("{2, :ok, true}");
  });

  test("a DynamicSupervisor is given children, and asked for them", async () => {
    const seen = await beam.inspect(`
      sup = :erpc.call(node, :tree, :dynamic, [])
      {:ok, pid} = DynamicSupervisor.start_child({:dynamic, node}, Tree.spec(:tree, :any, :permanent))
      Process.exit(pid, :kill)
      Tree.gone(sup, pid)
      [{:undefined, again, :worker, [:tree]}] = DynamicSupervisor.which_children(sup)
      failed = DynamicSupervisor.start_child(sup, %{id: 1, start: {:tree, :broken, [:full]}})
      missing = DynamicSupervisor.start_child(sup, %{id: 1, start: {:no_such, :thing, [1]}})
      ended = {DynamicSupervisor.terminate_child(sup, again), DynamicSupervisor.terminate_child(sup, again)}
      {failed, missing, ended, DynamicSupervisor.count_children(sup).specs, DynamicSupervisor.stop(sup)}
    `);
    expect(seen).toBe(
      "{{:error, :full}, {:error, {:undef, [{:no_such, :thing, [1], []}]}}, {:ok, {:error, :not_found}}, " + "0, :ok}",
    );
  });

  test("a Task.Supervisor runs exposed functions as tasks of Elixir", async () => {
    const seen = await beam.inspect(`
      Process.flag(:trap_exit, true)
      sup = :erpc.call(node, :tree, :tasks, [])
      caught = fn task -> try do Task.await(task) catch :exit, {reason, _} -> reason end end
      results = {
        {:tasks, node} |> Task.Supervisor.async(:tree, :double, [21]) |> Task.await(),
        sup |> Task.Supervisor.async_nolink(:tree, :double, [4]) |> Task.await(),
        sup |> Task.Supervisor.async_stream([1, 2, 3], :tree, :double, []) |> Enum.to_list(),
        caught.(Task.Supervisor.async_nolink(sup, :tree, :fail, [])),
        sup |> Task.Supervisor.async_nolink(:no_such, :thing, [1]) |> caught.() |> elem(0),
        sup |> Task.Supervisor.async_nolink(fn -> 1 end) |> caught.() |> elem(0),
        sup |> Task.Supervisor.start_child(:tree, :double, [1]) |> elem(0)
      }
      wait = fn wait -> if Task.Supervisor.children(sup) == [], do: :none, else: wait.(wait) end
      {results, wait.(wait), Supervisor.stop(sup)}
    `);
    expect(seen).toBe("{{42, 8, [ok: 2, ok: 4, ok: 6], :no_luck, :undef, :undef, :ok}, :none, :ok}");
  });

  test("sys shows a supervisor as OTP's, and stops it in order", async () => {
    const seen = await beam.inspect(`
      ours = :erpc.call(node, :tree, :start, ["rest_for_one", 7])
      {:ok, pid} = Supervisor.start_child(ours, Tree.spec(:tree, :a, :permanent))
      ref = Process.monitor(pid)
      state = :sys.get_state(ours)
      {:status, ^ours, {:module, module}, [_, :running | _]} = :sys.get_status(ours)
      stopped = Supervisor.stop(ours)
      reason = receive do {:DOWN, ^ref, _, _, reason} -> reason end
      {elem(state, 0), elem(state, 2), elem(elem(state, 3), 0), elem(elem(state, 3), 1).a |> elem(1) == pid, elem(state, 5), module, stopped, reason}
    `);
    expect(seen).toBe("{:state, :rest_for_one, [:a], true, 7, :gen_server, :ok, :shutdown}");
  });
});
