import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Application, child, GenServer, type Node, Supervisor } from "../../src/index.ts";
import { exposeObserver } from "../../src/observer/index.ts";
import { type Beam, describePeers, startBeam } from "../harness/index.ts";
import { nodeBeside } from "../support/our-node.ts";

const SCRIPT = readFileSync(new URL("observer.exs", import.meta.url), "utf8");

class Till extends GenServer {}

class Warehouse extends Application {
  load() {
    return { name: "warehouse", version: "0.9" };
  }
}

class Shop extends Application {
  readonly opened = true;
  load() {
    return {
      name: "shop",
      description: "sells",
      version: "1.0",
      applications: ["warehouse"],
      startType: "permanent" as const,
      children: [
        child(Till, { name: "till" }),
        child(Supervisor.of([child(Till, { name: "spare" })]), { id: "tills", name: "tills" }),
      ],
    };
  }
}

describePeers("applications, seen from Elixir", { otp: ["25", "27", "29"] }, (release) => {
  let beam: Beam;
  let node: Node;

  beforeEach(async () => {
    beam = await startBeam(release);
    node = await nodeBeside(beam);
    exposeObserver(node);
    node.applications.load(Warehouse);
    node.applications.load(Shop);
    await node.applications.start("shop");
    await beam.eval(SCRIPT);
    await beam.eval(`node = :"${node.name}"; nil`);
  });

  afterEach(async () => {
    await node.stop();
    await beam[Symbol.asyncDispose]();
  });

  test("which_applications lists those that run, and appmon draws the tree of each", async () => {
    const seen = await beam.inspect(`
      which = for args <- [[], [1000]], do: :rpc.call(node, :application, :which_applications, args)
      [[_, {:shop, desc, vsn}, {:warehouse, _, _}], [_, {:shop, _, _}, {:warehouse, _, _}]] = which
      till = :rpc.call(node, :erlang, :whereis, [:spare])
      of = :rpc.call(node, :application, :get_application, [till])
      {:ok, needs} = :rpc.call(node, :application, :get_key, [:shop, :applications])
      {:group_leader, leader} = :rpc.call(node, :erlang, :process_info, [till, :group_leader])
      {apps, {_root, pids, links, _}} = Tools.tree(node, :shop)
      {^leader, :shop, _} = List.keyfind(apps, :shop, 1)
      names = for {_, child} <- links, do: to_string(child)
      {to_string(desc), to_string(vsn), of, needs, length(pids), names, :sys.get_state(leader)}
    `);
    expect(seen).toBe('{"sells", "1.0", {:ok, :shop}, [:warehouse], 4, ["till", "tills", "spare"], %{opened: true}}');
  });

  test("the end of a child of a permanent application is that of the node", async () => {
    await beam.eval(`
      Node.monitor(node, true)
      till = :rpc.call(node, :erlang, :whereis, [:till])
      Process.exit(till, :kill)
      receive do {:nodedown, ^node} -> nil end
    `);
    expect(await node.closed).toBe("application_ended");
  });
});
