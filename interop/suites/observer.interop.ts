import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  atom,
  type CallResult,
  type Casts,
  child,
  GenServer,
  type Node,
  noReply,
  type Pid,
  reply,
  Supervisor,
  tuple,
} from "../../src/index.ts";
import { exposeObserver } from "../../src/observer/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";

const SCRIPT = readFileSync(new URL("observer.exs", import.meta.url), "utf8");

interface CartApi {
  watch(pid: Pid): void;
}

class Cart extends GenServer<CartApi> {
  items = ["sku-1"];
  total = 3;

  static readonly casts: Casts<Cart, CartApi> = {
    watch(pid) {
      this.process.monitor(pid);
    },
  };

  override handleCall(): CallResult {
    return reply(this.total);
  }
}

/** Awaits something for ever, so that what it is sent waits. */
class Stuck extends GenServer {
  override async handleCast() {
    await new Promise(() => {});
    return noReply();
  }
}

describePeers("observer and its relatives, looking at our node", {}, (release) => {
  let beam: Beam;
  let node: Node;

  beforeAll(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    exposeObserver(node, { application: { name: "shop", description: "The shop", version: "1.2.3" } });
    const tree = Supervisor.of([
      child(Cart, { id: "cart", name: "cart" }),
      child(Stuck, { id: "stuck", name: "stuck" }),
    ]);
    await node.start(tree, { name: "shop_sup" });
    for (const n of [1, 2, 3]) await node.cast("stuck", n);
    await node.send("stuck", tuple(atom("last"), 4));
    await beam.eval(SCRIPT);
    await beam.eval(`node = :"${node.name}"; nil`);
  });

  afterAll(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test("choosing the node gives what choosing a BEAM gives", async () => {
    const [ours, theirs] = await beam.eval<[string[], string[]]>(
      "{Tools.select(node).sys_info, Tools.select(node()).sys_info}",
    );
    expect(ours).toEqual(theirs);
    expect(
      await beam.eval(`
        %{applications: [{:shop, text, version}], rb: rb, rb_server: rb_server} = Tools.select(node)
        {to_string(text), to_string(version), rb, rb_server}
      `),
    ).toEqual(["The shop", "1.2.3", [["error", "nofile"], false], "undefined"]);
  });

  test("the list of processes has all of them, each with name or initial call, where it is, and its queue", async () => {
    const seen = await beam.eval<[number, unknown, unknown, boolean]>(`
      list = Tools.processes(node)
      by_name = Map.new(list, fn {:etop_proc_info, _, _, _, name, 0, mfa, queue} -> {inspect(name), {inspect(mfa), queue}} end)
      {length(list), by_name[":cart"], by_name[":stuck"], Enum.all?(list, &(is_integer(elem(&1, 2)) and is_integer(elem(&1, 3))))}
    `);
    expect(seen[0]).toBe(node.stats().processes);
    expect(seen.slice(1)).toEqual([["{:gen_server, :loop, 0}", 0], ["{:Stuck, :callback, 0}", 3], true]);
    expect(await beam.eval("Enum.map([node, node()], &elem(Tools.etop(&1), 0))")).toEqual(["etop_info", "etop_info"]);
    expect(await beam.eval("length(elem(Tools.etop(node), 8))")).toBe(node.stats().processes);
  });

  test("charts get their figures until the window is closed, with the keys of a BEAM", async () => {
    const [ours, theirs] = await beam.eval<[unknown, unknown]>("{Tools.stats(node), Tools.stats(node())}");
    expect(ours).toEqual(theirs);
  });

  test("the tree of the application shows supervisors, their children, and links to others", async () => {
    const seen = await beam.eval<[unknown, string[], [string, string][]]>(`
      {[{root, :shop, {:shop, _, _}}], {_, procs, links, _}} = Tools.tree(node, :shop)
      names = for {_, name} <- procs, do: to_string(name)
      {is_pid(root), names, for({a, b} <- links, do: {to_string(a), to_string(b)})}
    `);
    const [isPid, names, links] = seen;
    expect(isPid).toBe(true);
    expect(names).toEqual(expect.arrayContaining(["shop_sup", "cart", "stuck"]));
    expect(links).toEqual(
      expect.arrayContaining([
        ["shop_sup", "cart"],
        ["shop_sup", "stuck"],
      ]),
    );
    const [root] = links.find(([, to]) => to === "shop_sup")!;
    expect(links.map(([, to]) => to).sort()).toEqual(names.filter((name) => name !== root).sort());
    expect(await beam.inspect("elem(Tools.tree(node, :nothing), 1)")).toMatch(/^{(\[\]|~c""|''), /);
  });

  test("the window of a process shows items in the order asked for, with links, monitors, messages and state", async () => {
    const seen = await beam.eval(`
      pid = :rpc.call(node, :erlang, :whereis, [:cart])
      sup = :rpc.call(node, Process, :whereis, [:shop_sup])
      ref = Process.monitor(pid)
      GenServer.cast(pid, {:watch, sup})
      :rpc.call(node, :sys, :get_state, [pid])
      w = Tools.window(node, pid)
      theirs = Tools.window(node(), Process.whereis(:rex))
      Process.demonitor(ref, [:flush])
      {:status, ^pid, {:module, _}, [_, :running, ^sup, [], _]} = w.status
      %{
        keys: Keyword.keys(w.info) == Keyword.keys(theirs.info),
        links: w.info[:links] == [sup], monitors: w.info[:monitors] == [process: sup], watched: w.info[:monitored_by] == [self()],
        name: w.info[:registered_name], initial: w.info[:initial_call] == theirs.info[:initial_call],
        module: w.module, behaviour: w.behaviour, ancestors: elem(w.dictionary, 1)[:"$ancestors"],
        state: w.state, messages: w.messages, stack: w.stack |> elem(1) |> length()
      }
    `);
    expect(seen).toEqual({
      ...{ keys: true, links: true, monitors: true, watched: true, initial: true },
      ...{ name: "cart", module: "Cart", behaviour: ["gen_server"], ancestors: ["shop_sup"] },
      ...{ state: { items: ["sku-1"], total: 3 }, messages: ["messages", []], stack: 1 },
    });
    expect(
      await beam.inspect(
        "elem(:rpc.call(node, Process, :info, [:rpc.call(node, Process, :whereis, [:stuck]), :messages]), 1) |> Enum.at(2)",
      ),
    ).toBe("{:last, 4}");
  });

  test("Process.info, and the rest of what people type, tell what a BEAM tells of its own", async () => {
    const differing = await beam.inspect(`
      ask = fn n, {m, f, a} -> :rpc.call(n, m, f, a) end
      kind = fn
        x when is_pid(x) -> :pid
        x when is_integer(x) -> :integer
        x when is_boolean(x) -> :boolean
        x -> x
      end
      server = fn n -> ask.(n, {:erlang, :whereis, [if(n == node, do: :cart, else: :rex)]}) end
      calls = [
        &{Process, :alive?, [server.(&1)]}, &{:erlang, :is_process_alive, [server.(&1)]}, fn _ -> {Process, :whereis, [:nobody]} end,
        fn _ -> {:erlang, :whereis, [:nobody]} end, fn _ -> {:code, :is_loaded, [:no_such]} end, fn _ -> {:code, :ensure_loaded, [:no_such]} end,
        &{:erlang, :process_info, [server.(&1), [:trap_exit, :message_queue_len]]}, fn _ -> {:net_kernel, :get_net_ticktime, []} end,
        fn _ -> {:net_adm, :localhost, []} end, fn _ -> {:erlang, :system_info, [:wordsize]} end, fn _ -> {:erlang, :system_info, [:process_count]} end,
        fn _ -> {:erlang, :memory, [:total]} end, fn _ -> {:application, :get_env, [:nothing, :at_all]} end,
        &{:erlang, :node, [server.(&1)] |> Enum.take(0)}, fn _ -> {:observer_backend, :get_table_list, [:mnesia, []]} end
      ]
      skip = [{:net_adm, :localhost, []}, {:erlang, :node, []}]
      for call <- calls, mfa = call.(node), mfa not in skip, elem(mfa, 0) != :observer_backend do
        {ours, theirs} = {ask.(node, mfa), ask.(node(), call.(node()))}
        flag = fn x -> if(is_list(x), do: Keyword.keys(x), else: kind.(x)) end
        if flag.(ours) != flag.(theirs), do: {mfa, ours, theirs}
      end |> Enum.reject(&is_nil/1)
    `);
    expect(differing).toBe("[]");
    const [keys, theirs] = await beam.eval<[string[], string[]]>(`
      {Keyword.keys(:rpc.call(node, Process, :info, [server.(node)])), Keyword.keys(Process.info(Process.whereis(:rex)))}
    `);
    expect(keys).toEqual(theirs);
    expect(
      await beam.inspect("{:rpc.call(node, Node, :list, [:connected]) == [node()], :rpc.call(node, Node, :list, [])}"),
    ).toBe("{true, []}");
    expect(
      await beam.inspect(
        "for f <- [:which_children, :count_children], do: length(:rpc.call(node, :supervisor, f, [:shop_sup]))",
      ),
    ).toBe("[2, 4]");
  });

  test("what is wrong is said as a BEAM says it", async () => {
    const differing = await beam.inspect(`
      outcome = fn n, m, f, a -> try do :erpc.call(n, m, f, a) catch kind, {:exception, reason, _} -> {kind, reason}; kind, reason -> {kind, reason} end end
      dead = spawn(fn -> :ok end)
      calls = [
        {:erlang, :process_info, [:no_pid]}, {:erlang, :system_info, [:no_such_item]}, {:erlang, :statistics, [:no_such_item]},
        {:erlang, :memory, [:no_such_kind]}, {:observer_backend, :no_such, []}, {:recon, :proc_count, [:memory, 3]},
        {:observer_cli, :start, []}, {:code, :load_binary, [:observer_cli, 'observer_cli.beam', "no code"]}, {:erlang, :whereis, [1]}
      ]
      for {m, f, a} <- calls, {ours, theirs} = {outcome.(node, m, f, a), outcome.(node(), m, f, a)}, ours != theirs, do: {m, f, a, ours, theirs}
    `);
    expect(differing).toBe("[]");
    expect(
      await beam.inspect(
        "{:rpc.call(node, :erlang, :process_info, [:rpc.call(node, :erlang, :whereis, [:cart]), :nothing]) |> elem(0)}",
      ),
    ).toBe("{:badrpc}");
  });

  test("a script prints processes, tree and the state of a server", async () => {
    const text = await beam.eval<string>("Tools.print(node, :shop, :rpc.call(node, :erlang, :whereis, [:cart]))");
    expect(text).toMatch(/:cart \d+ \d+ 0 :gen_server\.loop\/0/);
    expect(text).toMatch(/\n {2}shop_sup\n {4}cart\n {4}stuck\n/);
    expect(text).toMatch(/\n%{.*items: \["sku-1"\].*}$/);
  });

  test("once withdrawn, or for other nodes than those named, nothing of it can be called", async () => {
    await using closed = await nodeBeside(beam);
    const undef = async () =>
      beam.inspect(`:rpc.call(:"${closed.name}", :erlang, :processes, []) |> elem(1) |> elem(1) |> elem(0)`);
    expect(await undef()).toBe(":undef");
    const withdraw = exposeObserver(closed, { peers: [beam.name] });
    expect(await beam.eval(`length(:rpc.call(:"${closed.name}", :erlang, :processes, []))`)).toBe(
      closed.stats().processes + 1,
    );
    withdraw();
    expect(await undef()).toBe(":undef");
    exposeObserver(closed, { peers: ["someone@else"] });
    expect(await undef()).toBe(":undef");
  });
});
