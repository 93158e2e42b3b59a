import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decode } from "../../src/etf/index.ts";
import {
  Agent,
  atom,
  child,
  Exit,
  GenServer,
  inspect,
  isTuple,
  mod,
  type Node,
  PartitionSupervisor,
  type Pid,
  Registry,
  reply,
  Task,
  TaskSupervisor,
  type Term,
  tuple,
} from "../../src/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";
import { until } from "../support/until.ts";

const SCRIPT = readFileSync(new URL("agents-and-tasks.exs", import.meta.url), "utf8");
const SUMS = mod("Sums");

/** Does with its process what it is given. */
class Doer extends GenServer {
  override init(trapExit: boolean) {
    this.process.trapExit = trapExit;
  }
  override async handleCall() {
    return reply(await work!(this.process));
  }
}
let work: ((process: Doer["process"]) => Promise<unknown>) | undefined;

describePeers("agents, tasks and their like", {}, (release) => {
  let beam: Beam;
  let node: Node;

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
    node.expose(SUMS, {
      plus: (state: number, n: number) => state + n,
      take: (state: number, n: number) => tuple(state, state - n),
      odd: () => atom("odd"),
      leave: (_state: number, reason: unknown) => {
        throw new Exit(reason);
      },
      slowly: async (n: number, ms: number) => {
        await sleep(ms);
        return n;
      },
    });
    node.expose("ours", { agent: async () => (await Agent.start(node, () => 10)).target });
    await beam.eval(SCRIPT);
    await beam.eval(`node = :"${node.name}"; nil`);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test("an agent here answers Elixir as one of Elixir's does, also how it fails", async () => {
    const differing = await beam.inspect(`
      theirs = fn -> elem(Agent.start(fn -> 10 end), 1) end
      ours = fn -> :erpc.call(node, :ours, :agent, []) end
      for {call, i} <- Enum.with_index(Agents.calls()),
          a = Agents.outcome(fn -> call.(theirs.()) end),
          b = Agents.outcome(fn -> call.(ours.()) end),
          a != b,
          do: {i, a, b}
    `);
    expect(differing).toBe("[]");
  });

  test("a closure of Elixir is answered, and changes nothing", async () => {
    const seen = await beam.inspect(`
      pid = :erpc.call(node, :ours, :agent, [])
      {Agent.get(pid, & &1), Agent.update(pid, &(&1 + 1)), Agent.get_and_update(pid, &{&1, 0}), Agent.cast(pid, &(&1 + 1)),
       Agent.get(pid, Sums, :plus, [0])}
    `);
    const refused = "{:error, :closure_not_supported}";
    expect(seen).toBe(`{${refused}, ${refused}, ${refused}, :ok, 10}`);
  });

  test("an agent of Elixir is read and changed from here", async () => {
    await beam.eval(`
      {:ok, _} = Agent.start(fn -> 10 end, name: :theirs)
      nil
    `);
    const agent = Agent.at<number>(node, { name: "theirs", node: beam.name });
    const plus = (n: number) => ({ module: SUMS, name: "plus", args: [n] });
    expect(await agent.get(plus(5))).toBe(15);
    await agent.update(plus(1));
    expect(await agent.getAndUpdate({ module: SUMS, name: "take", args: [4] })).toBe(11);
    await agent.cast({ module: "erlang", name: "*", args: [6] });
    expect(await agent.get(plus(0))).toBe(42);
    await expect(agent.get((n) => n)).rejects.toMatchObject({ code: "BADARG" });
    await expect(agent.getAndUpdate({ module: SUMS, name: "odd" })).rejects.toMatchObject({ code: "EXIT_OTHER" });
    await expect(agent.get(plus(0))).rejects.toMatchObject({ code: "EXIT_NOPROC" });
  });

  describe("a Task.Supervisor of Elixir", () => {
    const tasks = () => TaskSupervisor.at(node, { name: "tasks", node: beam.name });
    const sums = (name: string, ...args: unknown[]) => ({ module: SUMS, name, args });

    beforeAll(async () => {
      await beam.eval(`
        spawn(fn ->
          {:ok, _} = Task.Supervisor.start_link(name: :tasks)
          Process.sleep(:infinity)
        end)
        nil
      `);
      await beam.until("Process.whereis(:tasks) != nil");
    });

    test("runs functions, whose results and failures come here as they come to Elixir", async () => {
      const linked = await tasks().async<number>(sums("double", 21));
      expect(await linked.await()).toBe(42);
      const free = await tasks().asyncNolink<Term[]>(sums("whose", 1));
      expect(inspect(await free.await())).toBe(inspect(tuple(1, atom(beam.name))));

      const theirs = await beam.inspect(`
        for args <- [[Sums, :leave, [1, :gone]], [Sums, :missing, []], [Sums, :hurl, [1, 2]], [Sums, :leave, [1, :normal]]] do
          task = apply(Task.Supervisor, :async_nolink, [:tasks | args])
          Agents.outcome(fn -> Task.await(task) end) |> Tuple.to_list() |> Enum.at(1)
        end
      `);
      const ours: unknown[] = [];
      for (const call of [
        sums("leave", 1, atom("gone")),
        sums("missing"),
        sums("hurl", 1, 2),
        sums("leave", 1, atom("normal")),
      ]) {
        const task = await tasks().asyncNolink(call);
        const failure = await task.await().then(
          () => undefined,
          (error: { reason: Term[] }) => error.reason[0],
        );
        ours.push(plain(failure));
      }
      expect(inspect(ours as Term)).toBe(theirs);
    });

    test("has tasks that are waited for no longer than they may take, or ended", async () => {
      const slow = await tasks().asyncNolink(sums("slowly", 1, 60_000));
      await expect(slow.await({ timeoutMs: 30 })).rejects.toMatchObject({ code: "EXIT_TIMEOUT" });
      expect(await slow.yield({ timeoutMs: 0 })).toBeUndefined();
      expect((await tasks().children()).map(({ key }) => key)).toContain(slow.pid.key);
      expect(await slow.shutdown()).toBeUndefined();
      const killed = await tasks().asyncNolink(sums("slowly", 1, 60_000));
      expect(await killed.shutdown("brutal_kill")).toBeUndefined();
      const pid = await tasks().startChild(sums("slowly", 1, 60_000));
      expect(await tasks().terminateChild(pid)).toBe(true);
      expect(await tasks().terminateChild(pid)).toBe(false);
      expect(await tasks().children()).toEqual([]);
    });

    test("streams results", async () => {
      const results: unknown[] = [];
      const stream = tasks().asyncStream([1, 2, 3, 4, 5], sums("double"), { maxConcurrency: 2 });
      for await (const result of stream) results.push(result.ok && result.value);
      expect(results).toEqual([2, 4, 6, 8, 10]);
      const first = tasks().asyncStreamNolink([60_000, 1], { module: "timer", name: "sleep" }, { ordered: false });
      for await (const result of first) {
        expect(result).toEqual({ ok: true, value: atom("ok"), item: 1 });
        break;
      }
      expect(await beam.until("Task.Supervisor.children(:tasks) == []")).toBe(true);
    });

    test("has linked tasks that end with their owner here, and take it along", async () => {
      let task: Task | undefined;
      work = async (process) => {
        task = await TaskSupervisor.at(process, { name: "tasks", node: beam.name }).async(sums("slowly", 1, 60_000));
        return atom("ok");
      };
      const owner = await node.start(Doer, { args: false });
      await node.call(owner.pid, 1);
      expect(await tasks().children()).toHaveLength(1);
      node.exit(owner.pid, atom("crashed"));
      expect(await beam.until("Task.Supervisor.children(:tasks) == []")).toBe(true);

      const next = await node.start(Doer, { args: false });
      await node.call(next.pid, 1);
      node.exit(task!.pid, atom("boom"));
      await until(() => node.processInfo(next.pid) === undefined);
    });
  });

  test("the loss of the connection is the loss of a task", async () => {
    const tasks = TaskSupervisor.at(node, { name: "tasks", node: beam.name });
    const task = await tasks.asyncNolink({ module: SUMS, name: "slowly", args: [1, 60_000] });
    const awaited = expect(task.await()).rejects.toMatchObject({ code: "NODEDOWN" });
    node.disconnect(beam.name);
    await awaited;
    await beam.eval("for pid <- Task.Supervisor.children(:tasks), do: Process.exit(pid, :kill); nil");
  });

  test("streams of tasks here give what those of Elixir give", async () => {
    const theirs = await beam.inspect(`
      Process.flag(:trap_exit, true)
      run = fn
        :odd -> exit(:odd)
        {:sleep, ms} -> Process.sleep(ms)
        n -> n * 2
      end
      crashed = Task.async_stream([1, :odd, 3], run, max_concurrency: 2) |> Enum.to_list()
      late = Task.async_stream([1, {:sleep, 60_000}, 3], run, timeout: 100, on_timeout: :kill_task) |> Enum.to_list()
      exited = try do Task.async_stream([{:sleep, 60_000}], run, timeout: 300) |> Enum.to_list() catch :exit, reason -> reason end
      unordered = Task.async_stream([{:sleep, 100}, 2], run, ordered: false) |> Enum.take(1)
      none = Task.async_stream([], run) |> Enum.to_list()
      mail = receive do message -> message after 0 -> :none end
      {crashed, late, exited, unordered, none, mail}
    `);
    const run = (item: unknown) => {
      if (item === "odd") throw new Exit(atom("odd"));
      if (Array.isArray(item))
        return new Promise((done) => setTimeout(() => done(atom("ok")), item[0] as number).unref());
      return (item as number) * 2;
    };
    work = async (process) => {
      const all = async (items: unknown[], options = {}, most = 99) => {
        const results: unknown[] = [];
        for await (const result of Task.asyncStream(process, items, run, options)) {
          results.push(
            result.ok ? tuple(atom("ok"), result.value as object) : tuple(atom("exit"), result.reason as object),
          );
          if (results.length === most) break;
        }
        return results;
      };
      const crashed = await all([1, "odd", 3], { maxConcurrency: 2 });
      const late = await all([1, [60_000], 3], { timeoutMs: 100, onTimeout: "kill_task" });
      const exited = await all([[60_000]], { timeoutMs: 300 }).catch((error: { reason: unknown }) => error.reason);
      const unordered = await all([[100], 2], { ordered: false }, 1);
      return tuple(crashed, late, exited as object, unordered, await all([]), atom("none"));
    };
    const owner = await node.start(Doer, { args: true });
    expect(inspect((await node.call(owner.pid, 1)) as Term)).toBe(theirs);
    expect(node.processInfo(owner.pid)).toMatchObject({ links: [], messageQueueLength: 0 });
  });

  test.skipIf(release.otp === "23")("a PartitionSupervisor routes and answers as Elixir's", async () => {
    const args = { partitions: 5, child: (partition: number) => child(Agent.of(() => partition)) };
    await node.start(PartitionSupervisor, { name: "shards", args });
    const keys =
      '[0, 4, 7, -8, 123_456_789_012_345_678_901, :ann, "ann", {:user, 7}, 1.5, [1, 2], %{a: 1}, nil, "käse"]';
    const bytes = await beam.evalBytes(`
      {:ok, theirs} = PartitionSupervisor.start_link(name: Shards, partitions: 5, child_spec: {Agent, fn -> 0 end})
      partition = fn key ->
        pid = GenServer.whereis({:via, PartitionSupervisor, {Shards, key}})
        {id, _, _, _} = List.keyfind(Supervisor.which_children(theirs), pid, 1)
        {key, id}
      end
      routes = Enum.map(${keys}, partition)
      plain = fn sup -> {for({id, p, type, _} <- Supervisor.which_children(sup), do: {id, is_pid(p), type}), Supervisor.count_children(sup)} end
      ours = {:shards, node}
      {_, last, _, _} = hd(Supervisor.which_children(ours))
      {routes, plain.(ours) == plain.(theirs), Agent.get(last, Sums, :plus, [0])}
    `);
    const [routes, same, last] = decode(bytes, { floats: "exact" }) as unknown as [[Term, number][], boolean, number];
    expect(same).toBe(true);
    expect(last).toBe(4);
    const shards = PartitionSupervisor.at(node, "shards");
    for (const [key, partition] of routes) {
      expect(await Agent.at<number>(node, shards.via(key)).get((n) => n), inspect(key)).toBe(partition);
    }
  });

  test.each(["unique", "duplicate"] as const)("a registry of %s keys does what Elixir's does", async (keys) => {
    const seed = Date.now() % 1_000_000;
    const bytes = await beam.evalBytes(`
      Process.flag(:trap_exit, true)
      :rand.seed(:exsss, ${seed})
      Registering.operations(:${keys}, 400)
    `);
    const operations = decode(bytes, { floats: "exact" }) as unknown as Operation[];
    const name = `carts-${keys}`;
    await node.start(Registry, { name, args: { keys } });
    const players = new Map<string, Player>();
    for (const [operation, who, key, value, expected] of operations) {
      const player = players.get(who.tag) ?? (await newPlayer(node, name));
      players.set(who.tag, player);
      if (operation.tag === "end") {
        node.exit(player.pid, atom("kill"));
        players.delete(who.tag);
        continue;
      }
      const result = player.run(operation.tag, key, value);
      const names = new Map([...players].map(([who, { pid }]) => [pid.key, atom(who)]));
      const named = (pid: Pid) => names.get(pid.key) as object;
      const registry = Registry.at(node, name);
      const entries = registry.lookup(key).map(({ pid, value }) => tuple(named(pid), value as object));
      const seen = tuple(
        result instanceof Object && "pid" in result ? refused(named(result.pid as Pid)) : (result as object),
        tuple(registry.count(), entries),
      );
      expect(inspect(seen as Term), `seed ${seed}: ${operation} of ${inspect(key)} by ${who}`).toBe(inspect(expected));
    }
    expect(operations).toHaveLength(400);
  });
});

type Operation = [operation: { tag: string }, who: { tag: string }, key: Term, value: number, expected: Term];

interface Player {
  readonly pid: Pid;
  run(operation: string, key: Term, value: number): unknown;
}

/** A process that registers itself, as the Elixir side's agents do. */
async function newPlayer(node: Node, name: string): Promise<Player> {
  let process!: Doer["process"];
  work = async (own) => {
    process = own;
    return atom("ok");
  };
  const { pid } = await node.start(Doer, { args: false });
  await node.call(pid, 1);
  const registry = Registry.at<Term, number>(process, name);
  const run = (operation: string, key: Term, value: number): unknown => {
    switch (operation) {
      case "register":
        try {
          registry.register(key, value);
          return atom("ok");
        } catch (error) {
          return { pid: ((error as Exit).reason as Pid[])[1] };
        }
      case "unregister":
        registry.unregister(key);
        return atom("ok");
      case "match":
        registry.unregisterMatch(key, (own) => own === value);
        return atom("ok");
      case "update": {
        const updated = name.includes("unique") ? registry.updateValue(key, (own) => own + value) : undefined;
        return updated === undefined ? atom("error") : tuple(...updated);
      }
      case "keys":
        return registry.keys(pid).sort((a, b) => (inspect(a) < inspect(b) ? -1 : 1));
      default:
        return registry.values(key, pid);
    }
  };
  return { pid, run };
}

function refused(holder: object): object {
  return tuple(atom("error"), tuple(atom("already_registered"), holder));
}

/** As `Agents.plain/1` of the Elixir side. */
function plain(reason: unknown): unknown {
  if (!isTuple(reason) || !Array.isArray(reason[1])) return reason;
  const [why, stack] = reason as unknown as [Term, Term[][]];
  const [m, f, a] = stack[0] ?? [];
  return why === atom("undef")
    ? tuple(why, tuple(m as object, f as object, a as object))
    : tuple(why as object, atom("stack"));
}
