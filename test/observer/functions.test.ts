import { afterEach, beforeEach, expect, test } from "vitest";
import {
  atom,
  charlist,
  child,
  GenServer,
  type Node,
  type Pid,
  Supervisor,
  type Term,
  tuple,
} from "../../src/index.ts";
import { exposeView } from "../../src/observer/expose-observer.ts";
import type { Machine } from "../../src/observer/machine.ts";
import { Cluster } from "../support/cluster.ts";

const MACHINE: Machine = {
  processors: 4,
  architecture: "x64-linux",
  engine: "v20.19.0",
  memory: () => ({ total: 1000, heap: 600, buffers: 50 }),
  uptimeMs: () => 12_345,
  cpuMs: () => 777,
  eventLoop: () => ({ activeMs: 1.5, idleMs: 8.5 }),
};

class Stuck extends GenServer {
  override async handleCast() {
    await new Promise(() => {});
  }
}

let cluster: Cluster;
let tool: Node;
let node: Node;
let stuck: Pid;

const ask = (module: string, name: string, ...args: unknown[]) =>
  cluster.outcome(tool.erpc.call(node.name, module, name, args));

beforeEach(async () => {
  cluster = new Cluster();
  tool = await cluster.start("tool@sim");
  node = await cluster.start("ours@sim", { netTickTimeMs: 15_000 });
  exposeView(node, {}, MACHINE);
  await cluster.outcome(node.start(Supervisor.of([child(Stuck, { id: 1, name: "stuck" })]), { name: "tree" }));
  stuck = (await ask("erlang", "whereis", atom("stuck"))) as Pid;
});

afterEach(async () => {
  await Promise.all([tool.stop(), node.stop()]);
});

test("figures are those of the machine", async () => {
  expect(await ask("erlang", "memory", atom("processes"))).toBe(600);
  expect(await ask("erlang", "memory", [atom("system"), atom("binary")])).toEqual([
    tuple(atom("system"), 400),
    tuple(atom("binary"), 50),
  ]);
  expect(await ask("erlang", "statistics", atom("scheduler_wall_time"))).toEqual([tuple(1, 1_500, 10_000)]);
  expect(await ask("erlang", "statistics", atom("wall_clock"))).toEqual(tuple(12_345, 0));
  expect(await ask("erlang", "statistics", atom("runtime"))).toEqual(tuple(777, 0));
  expect(await ask("erlang", "system_info", atom("version"))).toEqual(charlist("v20.19.0"));
  expect(await ask("erlang", "system_info", tuple(atom("wordsize"), atom("internal")))).toBe(8);
  expect(await ask("net_kernel", "get_net_ticktime")).toBe(15);
});

test("the bytes of connections are counted, and the node that asks is a hidden one", async () => {
  const [[, input], [, output]] = (await ask("erlang", "statistics", atom("io"))) as [[Term, number], [Term, number]];

  expect(input).toBeGreaterThan(0);
  expect(output).toBeGreaterThan(0);
  expect(await ask("erlang", "nodes", atom("hidden"))).toEqual([atom("tool@sim")]);
  expect(await ask("erlang", "nodes", [atom("this"), atom("visible")])).toEqual([atom("ours@sim")]);
});

test("a process whose callback awaits is told from one that waits for messages", async () => {
  const where = async () =>
    ((await ask("erlang", "process_info", stuck, [atom("status"), atom("current_function")])) as Term[]).map(
      (item) => (item as Term[])[1],
    );
  expect(await where()).toEqual([atom("waiting"), tuple(atom("gen_server"), atom("loop"), 0)]);

  for (const n of [1, 2, 3]) await node.cast("stuck", n);
  await cluster.clock.settle();

  expect(await where()).toEqual([atom("running"), tuple(atom("Stuck"), atom("callback"), 0)]);
  const cast = (n: number) => tuple(atom("$gen_cast"), n);
  expect(await ask("erlang", "process_info", stuck, atom("messages"))).toEqual(
    tuple(atom("messages"), [cast(2), cast(3)]),
  );
  const memory = async () => ((await ask("erlang", "process_info", stuck, atom("memory"))) as Term[])[1] as number;
  const before = await memory();
  await node.cast("stuck", 4);
  expect((await memory()) - before).toBe(200);
});

test("one item of the dictionary can be asked for", async () => {
  const initial = tuple(atom("dictionary"), atom("$initial_call"));

  expect(await ask("erlang", "process_info", stuck, [initial])).toEqual([
    tuple(initial, tuple(atom("Stuck"), atom("init"), 1)),
  ]);
  expect(await ask("erlang", "process_info", stuck, initial)).toEqual(
    tuple(initial, tuple(atom("Stuck"), atom("init"), 1)),
  );
});

test("what has ended, has no name or is not there is told as on a BEAM", async () => {
  expect(await ask("erlang", "process_info", node.pid, atom("registered_name"))).toEqual([]);
  expect(await ask("Elixir.Process", "info", node.pid, atom("registered_name"))).toEqual(
    tuple(atom("registered_name"), []),
  );
  expect(await ask("erlang", "process_info", tool.pid)).toMatchObject({ code: "RPC_ERROR", reason: atom("badarg") });
  expect(await ask("sys", "get_state", atom("nobody"))).toMatchObject({
    code: "RPC_EXIT",
    reason: tuple(atom("noproc"), tuple(atom("sys"), atom("get_state"), [atom("nobody")])),
  });
  tool.exit(stuck, atom("kill"));
  await cluster.clock.settle();
  expect(await ask("erlang", "process_info", stuck)).toBe(atom("undefined"));
  expect(await ask("Elixir.Process", "info", stuck)).toBeNull();
});

test("modules are what is exposed, and the classes of servers once they were heard of", async () => {
  node.expose("billing", { "quote/1": () => 1, list: () => [] });

  expect(await ask("code", "ensure_loaded", atom("billing"))).toEqual(tuple(atom("module"), atom("billing")));
  expect(await ask("erlang", "function_exported", atom("billing"), atom("quote"), 1)).toBe(true);
  expect(await ask("erlang", "function_exported", atom("billing"), atom("quote"), 2)).toBe(false);
  expect(await ask("Stuck", "module_info", atom("module"))).toMatchObject({ reason: atom("undef") });
  await ask("proc_lib", "translate_initial_call", stuck);
  expect(await ask("Stuck", "module_info", atom("exports"))).toEqual([tuple(atom("module_info"), 1)]);
});

test("a table that is asked for has come to its end", async () => {
  const inbox: Term[] = [];
  const asking = await cluster.start("asking@sim", { onMessage: (message) => void inbox.push(message) });

  const server = await cluster.outcome(
    asking.erpc.call(node.name, "observer_backend", "get_table", [asking.pid, atom("t"), atom("ets")]),
  );
  await cluster.clock.settle();

  expect(inbox[0]).toEqual(tuple(server as Pid, atom("$end_of_table")));
  await asking.stop();
});

test("of two that expose it the second is refused, and leaves nothing behind", async () => {
  expect(() => exposeView(node, {}, MACHINE)).toThrow(expect.objectContaining({ code: "BADARG" }));
  expect(await ask("erlang", "node")).toBe(atom("ours@sim"));
});
